// Twins of devices and modules: read, merge, conflicts, limits. This client has no call that replaces one.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { named, refused, registry } = require('./hub.js');

const hub = registry();
const twinEtag = (number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes.toString('base64');
};
const desired = (members) => ({ properties: { desired: members } });
const values = (section) => Object.fromEntries(Object.entries(section).filter(([key]) => !key.startsWith('$')));

async function staged(t) {
  const deviceId = named(t);
  await hub.create({ deviceId });
  return deviceId;
}

test('a new twin', async (t) => {
  const id = await staged(t);
  const { responseBody: twin, httpResponse } = await hub.getTwin(id);
  assert.equal(httpResponse.headers.etag, undefined);
  assert.deepEqual([twin.deviceId, twin.etag, twin.version], [id, twinEtag(1), 2]);
  assert.deepEqual(Object.keys(twin.properties.desired), ['$metadata', '$version']);
  // Absent on the wire; the client makes it an object.
  assert.deepEqual(twin.tags, {});
});

test('tags and desired properties are merged, and null takes away', async (t) => {
  const id = await staged(t);
  await hub.updateTwin(id, { tags: { a: 1, b: { c: 2 } }, ...desired({ x: { y: 1, z: [1] } }) }, '*');
  const { responseBody: twin } = await hub.updateTwin(id, { tags: { a: null }, ...desired({ x: { y: null } }) }, '*');
  assert.deepEqual(twin.tags, { b: { c: 2 } });
  assert.deepEqual(values(twin.properties.desired), { x: { z: [1] } });
  assert.deepEqual([twin.etag, twin.version, twin.properties.desired.$version], [twinEtag(3), 4, 3]);
});

test('a twin object updates itself with the tag it read', async (t) => {
  const id = await staged(t);
  const { responseBody: twin } = await hub.getTwin(id);
  await twin.update({ tags: { by: 'me' } });
  assert.equal(twin.etag, twinEtag(2));
  await twin.get();
  assert.deepEqual(twin.tags, { by: 'me' });
});

test('a stale tag is a conflict and changes nothing', async (t) => {
  const id = await staged(t);
  const { responseBody: read } = await hub.getTwin(id);
  await hub.updateTwin(id, { tags: { by: 'me' } }, read.etag);
  const late = () => hub.updateTwin(id, { tags: { by: 'you' } }, read.etag);
  const [code, text] = await refused(412, 'PreconditionFailed', 'InvalidEtagError', late);
  assert.deepEqual([code, text], ['PreconditionFailed', 'PreconditionFailed, ETag may be invalid.']);
  await refused(412, 'PreconditionFailed', 'InvalidEtagError', () => read.update({ tags: { by: 'you' } }));
  assert.deepEqual((await hub.getTwin(id)).responseBody.tags, { by: 'me' });
});

test('module twins', async (t) => {
  const deviceId = await staged(t);
  await hub.addModule({ deviceId, moduleId: 'm' });
  const { responseBody: twin } = await hub.updateModuleTwin(deviceId, 'm', desired({ a: 1 }), '*');
  assert.deepEqual([twin.moduleId, values(twin.properties.desired)], ['m', { a: 1 }]);
  const stale = () => hub.updateModuleTwin(deviceId, 'm', desired({ a: 2 }), twinEtag(1));
  await refused(412, 'PreconditionFailed', 'InvalidEtagError', stale);
  await refused(404, 'DeviceNotFound', 'Error', () => hub.getModuleTwin(deviceId, 'none'));
  const reserved = () => hub.updateModuleTwin('gateway-1', '$edgeHub', desired({ a: 1 }), '*');
  await refused(401, 'SystemModuleModifyUnauthorizedAccess', 'UnauthorizedError', reserved);
});

test('what edgeAgent reports', async () => {
  const { responseBody: twin } = await hub.getModuleTwin('gateway-1', '$edgeAgent');
  const { reported } = twin.properties;
  assert.deepEqual([reported.lastDesiredVersion, reported.lastDesiredStatus.code], [twin.properties.desired.$version, 200]);
  assert.deepEqual(Object.keys(reported.modules).sort(), ['sensor', 'worker']);
});

test('limits', async (t) => {
  const id = await staged(t);
  const deep = (levels) => (levels === 0 ? 1 : { d: deep(levels - 1) });
  for (const patch of [
    { tags: { 'a.b': 1 } },
    desired({ 'a b': 1 }),
    desired(deep(12)),
    desired({ a: 'x'.repeat(4097) }),
    { tags: { a: 'x'.repeat(4000), b: 'x'.repeat(4000), c: 'x'.repeat(1000) } },
    desired({ a: [1, null] }),
  ]) {
    await refused(400, 'ArgumentInvalid', 'ArgumentError', () => hub.updateTwin(id, patch, '*'));
  }
  assert.equal((await hub.getTwin(id)).responseBody.version, 2);
});
