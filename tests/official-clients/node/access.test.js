// Who gets in: keys, tokens, policies and their rights; and what the client makes of a hub in trouble.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { test } = require('node:test');
const { Registry, SharedAccessSignature } = require('azure-iothub');
const { HOST, KEY, client, connectionString, named, refused, registry, steer } = require('./hub.js');

const unauthorized = (call) => refused(401, 'IotHubUnauthorizedAccess', 'UnauthorizedError', call);
const keyOf = (policy) => /SharedAccessKey=(.*)$/.exec(connectionString(policy))[1].trim();
const withToken = (resource, seconds, policy = 'iothubowner') => {
  const expiry = Math.floor(Date.now() / 1000) + seconds;
  const token = SharedAccessSignature.create(resource, policy, keyOf(), expiry);
  return Registry.fromSharedAccessSignature(token.toString());
};

test('another key is refused', async () => {
  const wrong = Registry.fromConnectionString(connectionString().replace(keyOf(), KEY));
  const [code, text] = await unauthorized(() => wrong.get('gateway-1'));
  assert.deepEqual([code, text], ['IotHubUnauthorizedAccess', 'Unauthorized']);
});

test('an unknown policy is refused', async () => {
  const wrong = Registry.fromConnectionString(connectionString().replace('iothubowner', 'nobody'));
  await unauthorized(() => wrong.get('gateway-1'));
});

test('a ready token opens until it expires', async () => {
  assert.equal((await withToken(HOST, 600).get('gateway-1')).responseBody.deviceId, 'gateway-1');
  await unauthorized(() => withToken(HOST, -600).get('gateway-1'));
});

test('an Entra token is refused', async () => {
  // There is no directory behind the simulator that could have issued one.
  const credential = { getToken: async () => ({ token: 'x.y.z', expiresOnTimestamp: Date.now() + 3_600_000 }) };
  await unauthorized(() => Registry.fromTokenCredential(HOST, credential).get('gateway-1'));
});

test('what each policy may', async (t) => {
  const service = ['twin', 'query', 'method'];
  const read = ['read', 'deployments', 'statistics'];
  const may = {
    iothubowner: [...service, ...read, 'write'],
    service,
    registryRead: read,
    registryReadWrite: [...read, 'write'],
    device: [],
  };
  for (const [policy, allowed] of Object.entries(may)) {
    const hub = registry(policy);
    const calls = {
      read: () => hub.get('gateway-1'),
      write: () => hub.create({ deviceId: named(t, `-${policy}`) }),
      twin: () => hub.getTwin('gateway-1'),
      query: () => hub.createQuery('SELECT deviceId FROM devices').next(),
      method: () => client(policy).invokeDeviceMethod('gateway-1', '$edgeAgent', { methodName: 'ping' }),
      deployments: () => hub.getConfigurations(),
      statistics: () => hub.getRegistryStatistics(),
    };
    for (const [name, call] of Object.entries(calls)) {
      if (allowed.includes(name)) {
        await call();
      } else {
        const [, text] = await unauthorized(call);
        assert.ok(text.startsWith(`Authorization rule '${policy}' does not allow access for`), `${name}: ${text}`);
      }
    }
  }
});

test('this client gives up at once when the hub has trouble', async () => {
  const hub = registry();
  for (const [word, status, code, name] of [
    ['429', 429, 'ThrottlingBacklogTimeout', 'ThrottlingError'],
    ['500', 500, 'ServerError', 'InternalServerError'],
    ['503', 503, 'ServiceUnavailable', 'ServiceUnavailableError'],
  ]) {
    steer('answer', word, '1');
    await refused(status, code, name, () => hub.get('gateway-1'));
    assert.equal((await hub.get('gateway-1')).responseBody.deviceId, 'gateway-1');
  }
});

test('a request that is lost on the way is an error without an answer', async () => {
  const hub = registry();
  steer('drop', 'request', '1');
  const error = await hub.get('gateway-1').then(assert.fail, (thrown) => thrown);
  assert.equal(error.response, undefined);
  assert.equal((await hub.get('gateway-1')).responseBody.deviceId, 'gateway-1');
});

test('a reply that is lost on the way leaves what was done', async (t) => {
  const hub = registry();
  await hub.create({ deviceId: named(t) });
  steer('drop', 'reply', '1', 'writes');
  const error = await hub.updateTwin(named(t), { tags: { a: 1 } }, '*').then(assert.fail, (thrown) => thrown);
  assert.equal(error.response, undefined);
  assert.deepEqual((await hub.getTwin(named(t))).responseBody.tags, { a: 1 });
});

test('the recipe for this client is pasted as it is, and works', async () => {
  const { NODE_OPTIONS, NODE_EXTRA_CA_CERTS, ...env } = process.env;
  const said = execFileSync(process.env.EDGEDECK, ['sim', 'recipes', '-o', 'json'], { env, encoding: 'utf8' });
  const { recipe } = JSON.parse(said).items.find((item) => item.client === 'Node SDK');
  // It finds the client where this process does.
  const lines = execFileSync('sh', { env, input: recipe, encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual([lines.length, lines[0]], [10, 'gateway-1 enabled']);
});
