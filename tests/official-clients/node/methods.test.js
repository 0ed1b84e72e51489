// Direct methods: who answers, who is away, who says nothing, what is refused.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { client, named, refused, registry } = require('./hub.js');

const hub = client();
const call = async (device, module, params) =>
  (module === null
    ? await hub.invokeDeviceMethod(device, params)
    : await hub.invokeDeviceMethod(device, module, params)
  ).result;
const ping = (members = {}) => ({ methodName: 'ping', ...members });

test('edgeAgent answers', async () => {
  assert.deepEqual(await call('gateway-1', '$edgeAgent', ping()), { status: 200, payload: null });
});

test('edgeAgent gives logs', async () => {
  const payload = { schemaVersion: '1.0', items: [{ id: 'sensor', filter: { tail: 3 } }], contentType: 'text' };
  const { status, payload: logs } = await call('gateway-1', '$edgeAgent', { methodName: 'GetModuleLogs', payload });
  assert.deepEqual([status, logs.length, logs[0].id], [200, 1, 'sensor']);
  assert.equal(logs[0].payload.trim().split('\n').length, 3);
});

test('what the device says is no error of the hub', async () => {
  assert.equal((await call('gateway-1', '$edgeAgent', { methodName: 'Dance' })).status, 400);
});

test('a device that is away is not found', async () => {
  const [number] = await refused(404, 'DeviceNotOnline', 'Error', () => call('gateway-2', '$edgeAgent', ping()));
  assert.equal(number, 404103);
  await refused(404, 'DeviceNotOnline', 'Error', () => call('gateway-1', null, ping()));
});

test('a device that is away is waited for', async () => {
  const begun = Date.now();
  const waiting = ping({ connectTimeoutInSeconds: 2, responseTimeoutInSeconds: 5 });
  await refused(404, 'DeviceNotOnline', 'Error', () => call('gateway-2', '$edgeAgent', waiting));
  assert.ok(Date.now() - begun >= 2000);
});

test('who says nothing in time', async () => {
  const begun = Date.now();
  const short = ping({ responseTimeoutInSeconds: 5 });
  const silent = () => call('gateway-3', '$edgeAgent', short);
  const [number, text] = await refused(504, 'GatewayTimeout', 'GatewayTimeoutError', silent);
  assert.deepEqual([number, text], [504101, 'Timed out waiting for the response from device.']);
  assert.ok(Date.now() - begun >= 5000);
});

test('who is not registered', async (t) => {
  // In the other shape: the client has no name for it.
  const [device] = await refused(404, 'DeviceNotFound', 'Error', () => call(named(t), null, ping()));
  const [module] = await refused(404, 'ModuleNotFound', 'Error', () => call('gateway-1', 'nobody', ping()));
  assert.deepEqual([device, module], [404001, 404010]);
});

test('a disabled device is as good as none', async (t) => {
  await registry().create({ deviceId: named(t), status: 'disabled' });
  await refused(404, 'DeviceNotFound', 'Error', () => call(named(t), null, ping()));
});

test('times and names out of range', async () => {
  for (const [members, said] of [
    [{ responseTimeoutInSeconds: 4 }, 'responseTimeoutInSeconds must be within [5; 300].'],
    [{ responseTimeoutInSeconds: 301 }, 'responseTimeoutInSeconds must be within [5; 300].'],
    [{ responseTimeoutInSeconds: 5, connectTimeoutInSeconds: 6 }, 'cannot be longer than an overall call timeout'],
    [{ methodName: 'a/b' }, ''],
  ]) {
    const wrong = () => call('gateway-1', null, ping(members));
    const [number, text] = await refused(400, 'ArgumentInvalid', 'ArgumentError', wrong);
    assert.equal(number, 400004);
    assert.ok(text.includes(said), text);
  }
});
