// Queries: pages, continuation, projections, aggregates, what is refused.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { named, refused, registry } = require('./hub.js');

const hub = registry();
const LEAVES = "SELECT * FROM devices WHERE tags.role = 'leaf'";
const rows = async (text) => (await hub.createQuery(text).next()).result;

test('a fleet comes in pages without repetition', async () => {
  const query = hub.createQuery(LEAVES, 50);
  const pages = [];
  while (query.hasMoreResults) {
    const { result, message } = await query.nextAsTwin();
    assert.equal(message.headers['x-ms-item-type'], 'Twin');
    pages.push(result.map((twin) => twin.deviceId));
  }
  assert.deepEqual(pages.map((page) => page.length), [50, 50, 50, 50, 30]);
  assert.equal(new Set(pages.flat()).size, 230);
});

test('a page is asked for with its token', async () => {
  // More than a hundred rows are in no page, whoever asks for them.
  const query = hub.createQuery(LEAVES, 200);
  const first = await query.next();
  // Without an argument, this client asks for the first page again, here and at the service.
  const again = await query.next();
  assert.deepEqual(again.result[0].deviceId, first.result[0].deviceId);
  const second = await query.next(query.continuationToken);
  assert.deepEqual([first.result.length, second.result.length], [100, 100]);
  const third = await query.next(query.continuationToken);
  assert.deepEqual([third.result.length, query.hasMoreResults], [30, false]);
  assert.equal('x-ms-continuation' in third.message.headers, false);
});

test('a page has a hundred rows when nothing is said', async () => {
  assert.equal((await rows(LEAVES)).length, 100);
});

test('continuation survives devices that come and go', async (t) => {
  const numbers = [...Array(12).keys()].map((number) => String(number).padStart(2, '0'));
  await hub.addDevices(numbers.map((number) => ({ deviceId: named(t, `-${number}`) })));
  const query = hub.createQuery(`SELECT deviceId FROM devices WHERE STARTSWITH(deviceId, '${named(t)}-')`, 5);
  const seen = (await query.next()).result.map((row) => row.deviceId);
  await hub.delete(seen[0]);
  await hub.delete(seen.at(-1));
  await hub.create({ deviceId: named(t, '-07x') });
  while (query.hasMoreResults) {
    seen.push(...(await query.next(query.continuationToken)).result.map((row) => row.deviceId));
  }
  assert.equal(seen.length, new Set(seen).size, 'a row was repeated');
  assert.ok(numbers.every((number) => seen.includes(named(t, `-${number}`))), 'a row was lost');
});

test('a token belongs to its query', async () => {
  const query = hub.createQuery(LEAVES, 5);
  await query.next();
  const other = hub.createQuery("SELECT * FROM devices WHERE tags.role = 'gateway'", 5);
  await refused(400, 'ArgumentInvalid', 'ArgumentError', () => other.next(query.continuationToken));
});

test('projections, aggregates and modules', async () => {
  assert.deepEqual(await rows("SELECT deviceId, tags.line AS l FROM devices WHERE deviceId = 'gateway-2'"), [
    { deviceId: 'gateway-2', l: 'L2' },
  ]);
  assert.deepEqual(await rows("SELECT COUNT() AS n FROM devices WHERE tags.role = 'leaf'"), [{ n: 230 }]);
  const groups = await rows(
    "SELECT tags.number AS number, COUNT() AS n FROM devices WHERE tags.role = 'leaf' GROUP BY tags.number",
  );
  assert.deepEqual(groups.sort((a, b) => a.number - b.number), [1, 2, 3, 4, 5].map((number) => ({ number, n: 46 })));
  const agents = await rows("SELECT * FROM devices.modules WHERE moduleId = '$edgeAgent' AND deviceId = 'gateway-1'");
  assert.deepEqual(agents.map((twin) => [twin.deviceId, twin.moduleId]), [['gateway-1', '$edgeAgent']]);
});

test('what is no query is refused without a reason', async () => {
  for (const text of [
    'SELECT',
    'SELECT * FROM nowhere',
    'SELECT * FROM devices ORDER BY deviceId',
    "SELECT * FROM devices WHERE CONTAINS(deviceId, 'a')",
    `SELECT * FROM devices WHERE deviceId = '${'x'.repeat(8192)}'`,
  ]) {
    const [code, reason] = await refused(400, 'ArgumentInvalid', 'ArgumentError', () => rows(text));
    assert.deepEqual([code, reason], ['ArgumentInvalid', 'BadRequest']);
  }
});
