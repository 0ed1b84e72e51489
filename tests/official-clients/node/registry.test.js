// Device identities: create in every kind, read, list, update, delete, in bulk, statistics.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { KEY, OTHER_KEY, named, refused, registry } = require('./hub.js');

const hub = registry();
const keys = { primaryKey: KEY, secondaryKey: OTHER_KEY };

test('a device keeps the keys it is given', async (t) => {
  const id = named(t);
  const { responseBody: device, httpResponse } = await hub.create({
    deviceId: id,
    status: 'enabled',
    authentication: { type: 'sas', symmetricKey: keys },
  });
  assert.equal(httpResponse.statusCode, 200);
  assert.equal(httpResponse.headers.etag, `"${device.etag}"`);
  assert.equal(device.deviceId, id);
  assert.deepEqual(device.authentication, {
    symmetricKey: keys,
    x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null },
    type: 'sas',
  });
  assert.deepEqual([device.status, device.connectionState], ['enabled', 'Disconnected']);
  assert.equal(device.lastActivityTime, '0001-01-01T00:00:00');
  const { responseBody: read } = await hub.get(id);
  assert.equal(read.lastActivityTime, '0001-01-01T00:00:00Z');
});
