// Runs every case against the simulator named in the environment, and ends with one line that says how many ran.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { run } = require('node:test');
const { spec } = require('node:test/reporters');

const files = fs
  .readdirSync(__dirname)
  .filter((name) => name.endsWith('.test.js'))
  .sort()
  .map((name) => path.join(__dirname, name));
const version = require('azure-iothub/package.json').version;
const count = { passed: 0, failed: 0 };
// Not the groups that hold cases, nor a file, which some versions of the runner report like one.
const counts = (event) => event.details.type !== 'suite' && !event.file?.endsWith(event.name);

const stream = run({ files, concurrency: 1 });
stream.on('test:pass', (event) => {
  if (counts(event)) count.passed += 1;
});
stream.on('test:fail', () => {
  count.failed += 1;
});
stream.on('end', () => {
  // Behind what the reporter still has to write.
  setImmediate(() => {
    const verdict = count.failed === 0 && count.passed > 0 ? 'ok' : 'FAILED';
    console.log(
      `test result: ${verdict}. ${count.passed} passed; ${count.failed} failed; Node, azure-iothub ${version}`,
    );
    process.exitCode = verdict === 'ok' ? 0 : 1;
  });
});
stream.compose(new spec()).pipe(process.stdout);
