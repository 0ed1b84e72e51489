// Device identities: create in every kind, read, list, update, delete, in bulk, statistics.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { KEY, OTHER_KEY, named, refused, registry } = require('./hub.js');

const hub = registry();
const symmetricKey = { primaryKey: KEY, secondaryKey: OTHER_KEY };
const thumbprints = { primaryThumbprint: 'A'.repeat(40), secondaryThumbprint: 'B'.repeat(40) };
const counter = (etag) => Number(Buffer.from(etag, 'base64').toString());

async function created(deviceId, members = {}) {
  const { responseBody } = await hub.create({ deviceId, ...members });
  return responseBody;
}

test('a device keeps the keys it is given', async (t) => {
  const id = named(t);
  const { responseBody: device, httpResponse } = await hub.create({
    deviceId: id,
    status: 'enabled',
    authentication: { type: 'sas', symmetricKey },
  });
  assert.equal(httpResponse.statusCode, 200);
  assert.equal(httpResponse.headers.etag, `"${device.etag}"`);
  assert.equal(device.deviceId, id);
  assert.deepEqual(device.authentication, {
    symmetricKey,
    x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null },
    type: 'sas',
  });
  assert.deepEqual([device.status, device.connectionState], ['enabled', 'Disconnected']);
  assert.equal(device.lastActivityTime, '0001-01-01T00:00:00');
  const { responseBody: read } = await hub.get(id);
  assert.equal(read.lastActivityTime, '0001-01-01T00:00:00Z');
});

test('a device without authentication gets two generated keys', async (t) => {
  // The client sends two empty ones.
  const { authentication, status } = await created(named(t));
  const lengths = Object.values(authentication.symmetricKey).map((key) => Buffer.from(key, 'base64').length);
  assert.deepEqual([lengths, authentication.type, status], [[32, 32], 'sas', 'enabled']);
});

test('devices with certificates', async (t) => {
  const own = await created(named(t, '-own'), { authentication: { x509Thumbprint: thumbprints } });
  assert.equal(own.authentication.type, 'selfSigned');
  assert.deepEqual(own.authentication.x509Thumbprint, thumbprints);
  assert.equal(own.authentication.symmetricKey.primaryKey, null);
  const trusted = await created(named(t, '-ca'), { authentication: { type: 'certificateAuthority' } });
  assert.equal(trusted.authentication.type, 'certificateAuthority');
  assert.equal(trusted.authentication.symmetricKey.primaryKey, null);
});

test('an edge device has a scope and the modules of the runtime', async (t) => {
  const device = await created(named(t), { capabilities: { iotEdge: true } });
  assert.equal(device.deviceScope, `ms-azure-iot-edge://${device.deviceId}-${device.generationId}`);
  const { responseBody: modules } = await hub.getModulesOnDevice(device.deviceId);
  assert.deepEqual(modules.map((module) => module.moduleId).sort(), ['$edgeAgent', '$edgeHub']);
  assert.ok(modules.every((module) => module.authentication.type === 'none'));
});

test('creating twice is a conflict', async (t) => {
  const { deviceId } = await created(named(t));
  const [code, text] = await refused(409, 'DeviceAlreadyExists', 'DeviceAlreadyExistsError', () => created(deviceId));
  assert.deepEqual([code, text], ['DeviceAlreadyExists', `A device with ID '${deviceId}' is already registered.`]);
});

test('an update overwrites whatever is there', async (t) => {
  const device = await created(named(t));
  const { responseBody: updated } = await hub.update({ ...device, status: 'disabled', statusReason: 'away' });
  assert.deepEqual([updated.status, updated.statusReason], ['disabled', 'away']);
  assert.equal(counter(updated.etag), counter(device.etag) + 1);
  assert.deepEqual(updated.authentication.symmetricKey, device.authentication.symmetricKey);
  // A stale tag in the body says nothing: the header is `"*"`.
  const { responseBody: again } = await hub.update({ ...device, status: 'enabled' });
  assert.equal(counter(again.etag), counter(device.etag) + 2);
});

test('an update without authentication mints new keys', async (t) => {
  const { deviceId, authentication } = await created(named(t), { authentication: { type: 'sas', symmetricKey } });
  const { responseBody: updated } = await hub.update({ deviceId, status: 'enabled' });
  assert.notEqual(updated.authentication.symmetricKey.primaryKey, authentication.symmetricKey.primaryKey);
});

test('an update does not create', async (t) => {
  const [, text] = await refused(404, 'DeviceNotFound', 'DeviceNotFoundError', () => hub.update({ deviceId: named(t) }));
  assert.equal(text, named(t));
});

test('unknown devices are not found', async (t) => {
  await refused(404, 'DeviceNotFound', 'DeviceNotFoundError', () => hub.get(named(t)));
  await refused(404, 'DeviceNotFound', 'DeviceNotFoundError', () => hub.delete(named(t)));
});

test('a device is deleted with its modules and twins', async (t) => {
  const { deviceId } = await created(named(t));
  await hub.addModule({ deviceId, moduleId: 'm' });
  const { httpResponse } = await hub.delete(deviceId);
  assert.deepEqual([httpResponse.statusCode, httpResponse.headers['content-type']], [204, undefined]);
  await refused(404, 'DeviceNotFound', 'DeviceNotFoundError', () => hub.get(deviceId));
  // The twin's refusal is in the other shape, which this client does not read: it has no name for it.
  await refused(404, 'DeviceNotFound', 'Error', () => hub.getTwin(deviceId));
  await refused(404, 'DeviceNotFound', 'Error', () => hub.getModuleTwin(deviceId, 'm'));
});

test('a list is asked for with a slash at its end', async () => {
  const { responseBody: devices, httpResponse } = await hub.list();
  assert.match(httpResponse.req.path, /^\/devices\/\?api-version=/);
  const ids = new Set(devices.map((device) => device.deviceId));
  assert.ok(['gateway-1', 'gateway-2', 'gateway-3', 'leaf-001', 'leaf-230'].every((id) => ids.has(id)));
});

test('ids of every kind of character', async (t) => {
  const id = named(t, "-:.+%_#*?!(),=@;$'");
  await created(id);
  assert.equal((await hub.get(id)).responseBody.deviceId, id);
  assert.equal((await hub.getTwin(id)).responseBody.deviceId, id);
  await hub.delete(id);
  await refused(404, 'DeviceNotFound', 'DeviceNotFoundError', () => hub.get(id));
});

test('what an identity cannot be', async (t) => {
  for (const members of [
    { status: 'resting' },
    { statusReason: 'x'.repeat(129) },
    { authentication: { type: 'none' } },
    { authentication: { type: 'sas', symmetricKey: { primaryKey: 'short', secondaryKey: KEY } } },
  ]) {
    await refused(400, 'ArgumentInvalid', 'ArgumentError', () => created(named(t), members));
  }
  await refused(400, 'ArgumentInvalid', 'ArgumentError', () => created(`${named(t)} `));
  await refused(404, 'DeviceNotFound', 'DeviceNotFoundError', () => hub.get(named(t)));
});

test('statistics count devices', async (t) => {
  const before = (await hub.getRegistryStatistics()).responseBody;
  assert.equal(before.totalDeviceCount, before.enabledDeviceCount + before.disabledDeviceCount);
  await created(named(t), { status: 'disabled' });
  const after = (await hub.getRegistryStatistics()).responseBody;
  assert.deepEqual(after, {
    totalDeviceCount: before.totalDeviceCount + 1,
    enabledDeviceCount: before.enabledDeviceCount,
    disabledDeviceCount: before.disabledDeviceCount + 1,
  });
});

test('a bulk call creates, updates and deletes', async (t) => {
  const ids = ['-a', '-b'].map((suffix) => named(t, suffix));
  const all = (members) => ids.map((deviceId) => ({ deviceId, ...members }));
  const { responseBody: made, httpResponse } = await hub.addDevices(all({ status: 'enabled' }));
  assert.deepEqual(made, { isSuccessful: true, errors: [], warnings: [] });
  assert.equal(httpResponse.statusCode, 200);
  assert.equal((await hub.updateDevices(all({ status: 'disabled' }), true)).responseBody.isSuccessful, true);
  assert.equal((await hub.get(ids[0])).responseBody.status, 'disabled');
  assert.equal((await hub.removeDevices(all({}), true)).responseBody.isSuccessful, true);
  await refused(404, 'DeviceNotFound', 'DeviceNotFoundError', () => hub.get(ids[1]));
});

test('a bulk call that fails in part is an error that holds what failed', async (t) => {
  const old = await created(named(t, '-old'));
  let error;
  await hub.addDevices([old, { deviceId: named(t, '-new') }]).catch((thrown) => (error = thrown));
  assert.deepEqual([error.response.statusCode, error.name], [400, 'ArgumentError']);
  const body = JSON.parse(error.responseBody);
  assert.equal(body.isSuccessful, false);
  assert.deepEqual(body.errors.map((one) => [one.deviceId, one.errorCode]), [[old.deviceId, 'DeviceAlreadyExists']]);
  assert.equal((await hub.get(named(t, '-new'))).responseBody.status, 'enabled');
});

test('a bulk call with stale tags changes nothing', async (t) => {
  const device = await created(named(t));
  await hub.update({ ...device, status: 'disabled' });
  // The members that carry the tag are spelt `eTag` here.
  const stale = { deviceId: device.deviceId, eTag: device.etag, status: 'enabled' };
  for (const call of [() => hub.updateDevices([stale], false), () => hub.removeDevices([stale], false)]) {
    let error;
    await call().catch((thrown) => (error = thrown));
    assert.equal(error.response.statusCode, 400);
    assert.equal(JSON.parse(error.responseBody).errors[0].errorCode, 'PreconditionFailed');
  }
  assert.equal((await hub.get(device.deviceId)).responseBody.status, 'disabled');
});

test('import and export jobs are unknown paths', async () => {
  await refused(404, 'GenericNotFound', 'Error', () => hub.exportDevicesToBlob('https://nowhere.example/c', true));
  await refused(404, 'GenericNotFound', 'Error', () => hub.listJobs());
  await refused(404, 'GenericNotFound', 'Error', () => hub.getJob('j'));
  await refused(404, 'GenericNotFound', 'Error', () => hub.cancelJob('j'));
});
