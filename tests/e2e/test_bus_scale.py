#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls that cross random nodes: each is measured, each latency once, none invented. AL_BUS_NODES and AL_BUS_CALLS make
it larger (16 and 100: two minutes; `make bench` prints what it costs)."""
import os
import pathlib
import sys

import bus_cluster
import support

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import bench_bus_scale  # noqa: E402


def every_call_is_measured_once():
    bus_cluster.long_only()
    nodes, calls = int(os.environ.get("AL_BUS_NODES", 6)), int(os.environ.get("AL_BUS_CALLS", 24))
    row = bench_bus_scale.Run(nodes, calls, os.environ.get("AL_BUS_OWNERS", "auto"), 12).measure()
    assert bench_bus_scale.holds(row), row
    return (f"{row['measured']} calls over {nodes} nodes, {row['latencies']} latencies, at least {row['fewest']} of each, "
            f"{row['lost']:.0f} observations lost")


if __name__ == "__main__":
    support.main("bus_scale", [every_call_is_measured_once])
