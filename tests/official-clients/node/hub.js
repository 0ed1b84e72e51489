// The simulator as the Node client reaches it, and what the cases share: names, refusals, waiting for a state.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { execFileSync } = require('node:child_process');
const { setTimeout: pause } = require('node:timers/promises');
const { Client, JobClient, Registry } = require('azure-iothub');

const HOST = `${process.env.SIM_HUB}.azure-devices.net`;
// Two keys of 32 bytes.
const KEY = 'a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=';
const OTHER_KEY = 'b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28=';

/** The connection string of a policy, the owner's without one, with the hub's own name for its address. */
function connectionString(policy) {
  const file = process.env.SIM_CONNECTION_STRING_FILE + (policy ? `-${policy}` : '');
  return fs.readFileSync(file, 'utf8').replace(/HostName=[^;]*/, `HostName=${HOST}`);
}

const registry = (policy) => Registry.fromConnectionString(connectionString(policy));
const client = (policy) => Client.fromConnectionString(connectionString(policy));
const jobs = (policy) => JobClient.fromConnectionString(connectionString(policy));

/** Throws a switch of the simulator, as `edgedeck sim do` does. */
function steer(...words) {
  // What leads this client to the simulator is nobody else's.
  const { NODE_OPTIONS, ...env } = process.env;
  return execFileSync(process.env.EDGEDECK, ['sim', 'do', ...words], { env, encoding: 'utf8' });
}

/** An id no other case has, readable in whatever fails. */
function named(context, suffix = '') {
  return `js-${context.name.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 80)}${suffix}`;
}

/** Code or number, and text, of a refusal in any of the service's three shapes. */
function textOf(body) {
  const parsed = JSON.parse(body);
  if ('errorCode' in parsed) return [parsed.errorCode, parsed.message];
  if (parsed.Message.startsWith('{')) {
    const inner = JSON.parse(parsed.Message);
    return [inner.errorCode, inner.message];
  }
  const [, name, text] = /^ErrorCode:([^;]*);(.*)$/s.exec(parsed.Message);
  return [name, text];
}

/** The call is refused: status, the code in the header, and the client's own name for it. Gives code and text of the body. */
async function refused(status, code, clientName, call) {
  let error;
  try {
    await call();
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error, `it was done, and should have been refused with ${status} ${code}`);
  assert.ok(error.response, `it got no answer: ${error.stack}`);
  const { statusCode, headers } = error.response;
  assert.deepEqual([statusCode, headers['iothub-errorcode'], error.name], [status, code, clientName], error.responseBody);
  assert.equal(headers['content-type'], 'application/json; charset=utf-8');
  assert.match(headers['x-ms-request-id'], /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  return textOf(error.responseBody);
}

/** Looks until it sees something that is true, and gives that. */
async function eventually(look, seconds = 20) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < deadline, `not within ${seconds} s`);
    await pause(200);
  }
}

module.exports = { HOST, KEY, OTHER_KEY, client, connectionString, eventually, jobs, named, refused, registry, steer };
