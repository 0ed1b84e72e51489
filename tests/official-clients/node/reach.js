// Leads the Node client to the simulator. The client knows no other port than 443 and takes the host of its connection
// string for a name to look up; a process that loads this first has its connections to port 443 of the simulated hub made
// to where the simulator listens. Nothing of the client is touched: certificate, name and request are what they would be.
'use strict';

const tls = require('node:tls');

const { SIM_ENDPOINT, SIM_HUB } = process.env;

if (SIM_ENDPOINT && SIM_HUB) {
  const { hostname, port } = new URL(SIM_ENDPOINT);
  const name = `${SIM_HUB}.azure-devices.net`;
  const connect = tls.connect;
  tls.connect = function (options, ...rest) {
    const meant = options && options.host === name && Number(options.port) === 443;
    const there = meant ? { ...options, host: hostname, port: Number(port), servername: name } : options;
    return connect.call(this, there, ...rest);
  };
}
