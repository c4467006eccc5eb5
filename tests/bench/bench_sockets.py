#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What naming processes costs while 2,000 sockets a second are opened and closed beside a call: processor time of the
thread that reads them. Prints figures, one JSON object a line."""
import argparse
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import test_processes  # noqa: E402  pylint: disable=wrong-import-position
from support import Agent, Namespaces  # noqa: E402  pylint: disable=wrong-import-position


def thread_seconds(pid, name):
    """Processor seconds of the thread of that name."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    raise RuntimeError(f"no thread {name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    measure(parser.parse_args().seconds)


def measure(duration):
    with Namespaces("bench-sockets") as namespaces:
        host = namespaces.add("host")
        with Agent(host, INTERFACE="lo", PROCESS_IDENTITY="on") as agent, test_processes.call(host), \
                test_processes.flood(host) as opened:
            time.sleep(2)
            before, sockets, start = thread_seconds(agent.process.pid, "identity"), opened[0], time.monotonic()
            time.sleep(duration)
            seconds = time.monotonic() - start
            share = (thread_seconds(agent.process.pid, "identity") - before) / seconds
            rate = (opened[0] - sockets) / seconds
    print(json.dumps({"name": "sockets: rate", "value": rate, "unit": "sockets/s", "goal": ">= 1,900",
                      "holds": rate >= 1900}))
    print(json.dumps({"name": "sockets: naming them", "value": share, "unit": "of a core", "goal": "<= 0.02",
                      "holds": share <= 0.02}))


if __name__ == "__main__":
    main()
