#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench-bus with a real nats-server beside it, in a network namespace of its own. Prints a figure a line, as JSON."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import bus_cluster  # noqa: E402
import support  # noqa: E402

if __name__ == "__main__":
    with support.Namespaces("busbench") as namespaces:
        space = namespaces.add("bus")
        server = bus_cluster.Server(space)
        try:
            done = subprocess.run(["nsenter", f"--net=/run/netns/{space}", support.BUILD / "bench-bus",
                                   f"nats://127.0.0.1:{server.port}"], check=False)
        finally:
            server.close()
    sys.exit(done.returncode)
