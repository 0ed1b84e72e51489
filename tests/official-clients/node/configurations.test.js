// Configurations: IoT Edge deployments, automatic device configurations, the content of one device.
'use strict';

const assert = require('node:assert/strict');
const { afterEach, test } = require('node:test');
const { eventually, named, refused, registry } = require('./hub.js');

const hub = registry();
const SENSOR = 'mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.0';

/** A whole manifest with these modules, name and image. */
function manifest(modules = { sensor: SENSOR }) {
  const module = (image) => ({
    version: '1.0',
    type: 'docker',
    status: 'running',
    restartPolicy: 'always',
    settings: { image, createOptions: '{}' },
  });
  return {
    $edgeAgent: {
      'properties.desired': {
        schemaVersion: '1.1',
        runtime: { type: 'docker', settings: { minDockerVersion: 'v1.25' } },
        systemModules: {
          edgeAgent: { type: 'docker', settings: { image: 'mcr.microsoft.com/azureiotedge-agent:1.5' } },
          edgeHub: module('mcr.microsoft.com/azureiotedge-hub:1.5'),
        },
        modules: Object.fromEntries(Object.entries(modules).map(([name, image]) => [name, module(image)])),
      },
    },
    $edgeHub: {
      'properties.desired': {
        schemaVersion: '1.1',
        routes: { up: 'FROM /messages/* INTO $upstream' },
        storeAndForwardConfiguration: { timeToLiveSecs: 7200 },
      },
    },
  };
}

const id = (t, suffix) => named(t, suffix).toLowerCase();
const deployment = (t, members = {}) => ({
  id: id(t),
  content: { modulesContent: manifest() },
  targetCondition: "tags.nobody = 'x'",
  priority: 1,
  ...members,
});

// A hub takes a hundred of them, and what applies would go on applying.
afterEach(async () => {
  const { responseBody: all } = await hub.getConfigurations();
  for (const { id: made } of all) await hub.removeConfiguration(made);
});

test('a deployment is created, read and listed', async (t) => {
  const metrics = { queries: { mine: "SELECT deviceId FROM devices WHERE tags.line = 'L1'" } };
  const sent = deployment(t, { labels: { team: 'north' }, metrics });
  const { responseBody: made, httpResponse } = await hub.addConfiguration(sent);
  assert.deepEqual([httpResponse.statusCode, httpResponse.headers.etag], [200, '"MQ=="']);
  assert.deepEqual([made.id, made.schemaVersion, made.etag, made.labels], [sent.id, '1.0', 'MQ==', { team: 'north' }]);
  assert.deepEqual(made.content, sent.content);
  const names = ['appliedCount', 'reportedFailedCount', 'reportedSuccessfulCount', 'targetedCount'];
  assert.deepEqual(Object.keys(made.systemMetrics.queries).sort(), names);
  assert.deepEqual(made.metrics, { results: {}, ...metrics });
  const { responseBody: read } = await hub.getConfiguration(sent.id);
  assert.equal(read.createdTimeUtc, made.createdTimeUtc);
  const { responseBody: list } = await hub.getConfigurations();
  assert.deepEqual(list.map((one) => one.id), [sent.id]);
});

test('a configuration twice is a conflict', async (t) => {
  await hub.addConfiguration(deployment(t));
  // The client has one name for every 409.
  await refused(409, 'ConfigurationAlreadyExists', 'DeviceAlreadyExistsError', () => hub.addConfiguration(deployment(t)));
});

test('a configuration is updated with the tag that was read, and by force', async (t) => {
  const { responseBody: made } = await hub.addConfiguration(deployment(t));
  const { responseBody: second } = await hub.updateConfiguration({ ...made, priority: 7 });
  assert.deepEqual([second.etag, second.priority, second.createdTimeUtc], ['Mg==', 7, made.createdTimeUtc]);
  const stale = () => hub.updateConfiguration({ ...made, priority: 8 });
  await refused(412, 'PreconditionFailed', 'InvalidEtagError', stale);
  const { responseBody: third } = await hub.updateConfiguration({ ...made, priority: 9 }, true);
  assert.deepEqual([third.etag, third.priority], ['Mw==', 9]);
  const absent = () => hub.updateConfiguration(deployment(t, { id: id(t, '-none') }), true);
  await refused(404, 'ConfigurationNotFound', 'Error', absent);
});

test('changed content is accepted and dropped', async (t) => {
  const { responseBody: made } = await hub.addConfiguration(deployment(t));
  const content = { modulesContent: manifest({ other: SENSOR }) };
  const { httpResponse } = await hub.updateConfiguration({ ...made, content }, true);
  assert.equal(httpResponse.statusCode, 200);
  assert.deepEqual((await hub.getConfiguration(made.id)).responseBody.content, made.content);
});

test('a configuration is removed without a tag', async (t) => {
  await hub.addConfiguration(deployment(t));
  const { httpResponse } = await hub.removeConfiguration(id(t));
  assert.equal(httpResponse.statusCode, 204);
  await refused(404, 'ConfigurationNotFound', 'Error', () => hub.getConfiguration(id(t)));
  await refused(404, 'ConfigurationNotFound', 'Error', () => hub.removeConfiguration(id(t)));
});

test('what is no configuration', async (t) => {
  const { $edgeHub } = manifest();
  for (const [code, members] of [
    ['InvalidConfigurationContent', { content: { modulesContent: { $edgeHub } } }],
    ['InvalidConfigurationContent', { content: { deviceContent: { 'tags.a': 1 } } }],
    ['InvalidConfigurationTargetCondition', { targetCondition: 'tags.a = "x"' }],
  ]) {
    await refused(400, code, 'ArgumentError', () => hub.addConfiguration(deployment(t, members)));
  }
});

test('a deployment reaches its device and counts it', async (t) => {
  const deviceId = named(t);
  await hub.create({ deviceId, capabilities: { iotEdge: true } });
  await hub.updateTwin(deviceId, { tags: { only: deviceId } }, '*');
  await hub.addConfiguration(deployment(t, { targetCondition: `tags.only = '${deviceId}'` }));
  const results = await eventually(async () => {
    const { systemMetrics } = (await hub.getConfiguration(id(t))).responseBody;
    return systemMetrics.results.appliedCount === 1 && systemMetrics.results;
  });
  assert.deepEqual([results.targetedCount, results.reportedSuccessfulCount], [1, 0]);
  const { responseBody: agent } = await hub.getModuleTwin(deviceId, '$edgeAgent');
  assert.deepEqual(Object.keys(agent.properties.desired.modules), ['sensor']);
  assert.deepEqual(agent.configurations, { [id(t)]: { status: 'Applied' } });
});

test('an automatic device configuration writes to its devices', async (t) => {
  const deviceId = named(t);
  await hub.create({ deviceId });
  await hub.updateTwin(deviceId, { tags: { only: deviceId } }, '*');
  const content = { deviceContent: { 'properties.desired.fan': { speed: 3 } } };
  await hub.addConfiguration(deployment(t, { content, targetCondition: `tags.only = '${deviceId}'` }));
  const fan = await eventually(async () => (await hub.getTwin(deviceId)).responseBody.properties.desired.fan);
  assert.deepEqual(fan, { speed: 3 });
});

test('the content of one device', async (t) => {
  const deviceId = named(t);
  await hub.create({ deviceId, capabilities: { iotEdge: true } });
  const content = { modulesContent: manifest() };
  const { httpResponse } = await hub.applyConfigurationContentOnDevice(deviceId, content);
  assert.equal(httpResponse.statusCode, 204);
  const { responseBody: agent } = await hub.getModuleTwin(deviceId, '$edgeAgent');
  assert.deepEqual(Object.keys(agent.properties.desired.modules), ['sensor']);
  const leaf = () => hub.applyConfigurationContentOnDevice('leaf-001', content);
  const [, text] = await refused(400, 'ArgumentInvalid', 'ArgumentError', leaf);
  assert.equal(text, 'Not an Azure IoT Edge device');
  const nobody = () => hub.applyConfigurationContentOnDevice(named(t, '-none'), content);
  await refused(404, 'DeviceNotFound', 'DeviceNotFoundError', nobody);
});
