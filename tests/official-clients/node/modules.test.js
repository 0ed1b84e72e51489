// Module identities, and the runtime's own modules, which are nobody's to change.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { promisify } = require('node:util');
const { KEY, OTHER_KEY, named, refused, registry } = require('./hub.js');

const hub = registry();
const symmetricKey = { primaryKey: KEY, secondaryKey: OTHER_KEY };

/** A device with one module, `m`. */
async function staged(t) {
  const deviceId = named(t);
  await hub.create({ deviceId });
  const authentication = { type: 'sas', symmetricKey };
  const { responseBody: module, httpResponse } = await hub.addModule({ deviceId, moduleId: 'm', managedBy: 'me', authentication });
  return { deviceId, module, httpResponse };
}

test('a module is made, read and listed', async (t) => {
  const { deviceId, module, httpResponse } = await staged(t);
  assert.deepEqual([httpResponse.statusCode, httpResponse.headers.etag], [200, undefined]);
  assert.deepEqual([module.moduleId, module.deviceId, module.managedBy], ['m', deviceId, 'me']);
  assert.deepEqual(module.authentication.symmetricKey, symmetricKey);
  assert.equal(module.lastActivityTime, '0001-01-01T00:00:00');
  const { responseBody: read } = await hub.getModule(deviceId, 'm');
  assert.deepEqual([read.etag, read.lastActivityTime], [module.etag, '0001-01-01T00:00:00Z']);
  await hub.addModule({ deviceId, moduleId: 'n' });
  const { responseBody: list } = await hub.getModulesOnDevice(deviceId);
  assert.deepEqual(list.map((one) => one.moduleId).sort(), ['m', 'n']);
});

test('a module twice is a conflict', async (t) => {
  const { deviceId } = await staged(t);
  const again = () => hub.addModule({ deviceId, moduleId: 'm' });
  const [number, text] = await refused(409, 'ModuleAlreadyExistsOnDevice', 'DeviceAlreadyExistsError', again);
  assert.deepEqual([number, text], [409301, `Device ${deviceId} in IotHub official-clients already contains Module m.`]);
});

test('a module is updated with the tag that was read, and by force', async (t) => {
  const { module } = await staged(t);
  const { responseBody: moved } = await hub.updateModule({ ...module, managedBy: 'you' });
  assert.equal(moved.managedBy, 'you');
  const stale = () => hub.updateModule({ ...module, managedBy: 'they' });
  await refused(412, 'PreconditionFailed', 'InvalidEtagError', stale);
  const { managedBy, ...free } = module;
  const { responseBody: forced } = await hub.updateModule(free, true);
  assert.equal(forced.managedBy, null, 'a manager that is left out is gone');
  const unknown = () => hub.updateModule({ ...module, moduleId: 'none' }, true);
  await refused(404, 'ModuleNotFound', 'Error', unknown);
});

test('a module is removed by its tag and by its name', async (t) => {
  const { deviceId, module } = await staged(t);
  await hub.updateModule(module, true);
  // By its tag only with a callback: as a promise, this client forgets its own and sends nothing.
  await assert.rejects(hub.removeModule(module), { name: 'ReferenceError', message: /'done' cannot be falsy/ });
  const byTag = promisify(hub.removeModule.bind(hub));
  await refused(412, 'PreconditionFailed', 'InvalidEtagError', () => byTag(module));
  const { httpResponse } = await hub.removeModule(deviceId, 'm');
  assert.equal(httpResponse.statusCode, 204);
  await refused(404, 'ModuleNotFound', 'Error', () => hub.getModule(deviceId, 'm'));
  await refused(404, 'ModuleNotFound', 'Error', () => hub.removeModule(deviceId, 'm'));
});

test('modules of a missing or disabled device look like missing rights', async (t) => {
  const { deviceId } = await staged(t);
  await hub.update({ deviceId, status: 'disabled' });
  for (const id of [deviceId, named(t, '-none')]) {
    await refused(401, 'IotHubUnauthorizedAccess', 'UnauthorizedError', () => hub.getModulesOnDevice(id));
    await refused(401, 'IotHubUnauthorizedAccess', 'UnauthorizedError', () => hub.getModule(id, 'm'));
  }
});

test("the runtime's modules are reserved", async (t) => {
  const { deviceId } = await staged(t);
  await refused(400, 'ArgumentInvalid', 'ArgumentError', () => hub.addModule({ deviceId, moduleId: '$edgeAgent' }));
  const code = 'SystemModuleModifyUnauthorizedAccess';
  const [, text] = await refused(401, code, 'UnauthorizedError', () => hub.removeModule('gateway-1', '$edgeAgent'));
  assert.equal(text, 'Unauthorized to modify reserved module.');
});
