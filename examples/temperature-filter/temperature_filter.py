"""Lets only readings above a threshold through, as alerts.

Input    `input1`: {"machine": {"temperature": 21.4, ...}, ...} as SimulatedTemperatureSensor sends it
Output   `alertOutput`: {"temperature": 30.1, "alert": true, "threshold": 25.0, "source": "edge-gateway-001"}
Desired  `temperatureThreshold` (a number); the value in force is reported back
"""

import asyncio
import json
import os
import signal

from azure.iot.device import Message
from azure.iot.device.aio import IoTHubModuleClient

PROPERTY = "temperatureThreshold"


def temperature_of(body):
    """The machine's temperature, or None: a reading without one is not a reading of zero."""
    machine = body.get("machine") if isinstance(body, dict) else None
    value = machine.get("temperature") if isinstance(machine, dict) else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


class TemperatureFilter:
    """Holds the threshold. Being an object's state, it needs no `global` or `nonlocal`."""

    def __init__(self, client, threshold, source):
        self.client = client
        self.threshold = threshold
        self.source = source

    async def take_desired(self, desired):
        """Takes over what is desired, at the start from the whole twin and later from each patch."""
        value = desired.get(PROPERTY)
        if value is None:
            return
        try:
            self.threshold = float(value)
        except (TypeError, ValueError):
            print(f"Ignored {PROPERTY}={value!r}: not a number; still {self.threshold}", flush=True)
        else:
            print(f"Threshold updated to: {self.threshold}", flush=True)
        await self.report()

    async def report(self):
        await self.client.patch_twin_reported_properties({PROPERTY: self.threshold})

    async def take_message(self, message):
        try:
            temperature = temperature_of(json.loads(message.data))
        except ValueError as error:
            print(f"Error processing message: {error}", flush=True)
            return
        if temperature is None:
            print("Error processing message: it has no machine.temperature", flush=True)
        elif temperature > self.threshold:
            body = {
                "temperature": temperature,
                "alert": True,
                "threshold": self.threshold,
                "source": self.source,
            }
            alert = Message(json.dumps(body), content_encoding="utf-8", content_type="application/json")
            await self.client.send_message_to_output(alert, "alertOutput")
            print(f"Alert sent: temperature={temperature}", flush=True)
        else:
            print(f"Normal reading filtered: temperature={temperature}", flush=True)


async def main():
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(ending, stop.set)

    client = IoTHubModuleClient.create_from_edge_environment()
    threshold = float(os.environ.get("TEMPERATURE_THRESHOLD", "25.0"))
    source = os.environ.get("IOTEDGE_DEVICEID", "unknown")
    module = TemperatureFilter(client, threshold, source)
    client.on_message_received = module.take_message
    client.on_twin_desired_properties_patch_received = module.take_desired
    await client.connect()
    try:
        print(f"Temperature filter module started. Threshold: {module.threshold}", flush=True)
        # Patches tell of changes only: what was desired before this start is in the twin.
        twin = await client.get_twin()
        await module.take_desired(twin["desired"])
        if PROPERTY not in twin["desired"]:
            await module.report()
        await stop.wait()
    finally:
        await client.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
