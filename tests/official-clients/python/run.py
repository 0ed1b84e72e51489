"""Runs every case against the simulator named in the environment, and ends with one line that says how many ran."""

import importlib.metadata
import logging
import os
import sys
import unittest

FOLDER = os.path.dirname(os.path.abspath(__file__))


def main():
    sys.path.insert(0, FOLDER)
    # The client warns of every zero time without a zone, which is what the service sends.
    logging.getLogger("msrest").setLevel(logging.ERROR)
    cases = unittest.defaultTestLoader.discover(FOLDER, pattern="test_*.py")
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(cases)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    passed = result.testsRun - failed - len(result.skipped) - len(result.expectedFailures)
    version = importlib.metadata.version("azure-iot-hub")
    verdict = "ok" if result.wasSuccessful() and passed else "FAILED"
    print(f"test result: {verdict}. {passed} passed; {failed} failed; Python, azure-iot-hub {version}", flush=True)
    return 0 if verdict == "ok" else 1


if __name__ == "__main__":
    sys.exit(main())
