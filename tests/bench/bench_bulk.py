#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bulk traffic beside the tracker: the throughput of one iperf3 connection over a veth with nothing attached, with a
program that does nothing, and with audio-latency's on the receiving end, AUDIO_PORTS unset, in turn while it runs.

Usage: bench_bulk.py [--rounds N] [--slice SECONDS] [--json]"""
import argparse
import json
import os
import pathlib
import random
import signal
import socket
import statistics
import subprocess
import sys
import time

import tcx

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from support import Agent, Namespaces, inside, total  # noqa: E402

PORT = 5201
TURNING_S = 0.01  # after a change, before the next slice; the change itself waits for the CPUs (synchronize_rcu)
STARTING_S = 5
KINDS = ("alone", "no-op", "watched")


class Received:
    """Bytes that came in at veth0 of a network namespace."""

    def __init__(self, namespace):
        with inside(namespace):
            self.table = os.open("/proc/net/dev", os.O_RDONLY)
            self.index = socket.if_nametoindex("veth0")

    def bits_per_second(self, seconds):
        begin, before = time.monotonic(), self.bytes()
        time.sleep(seconds)
        return (self.bytes() - before) * 8 / (time.monotonic() - begin)

    def bytes(self):
        text = os.pread(self.table, 1 << 16, 0).decode()
        return int(next(line for line in text.splitlines() if line.strip().startswith("veth0:")).split()[1])


def one_round(there, received, programs, seconds):
    """{kind: bits a second}: one slice of each, in any order."""
    speeds = {}
    for kind in random.sample(KINDS, len(KINDS)):
        with inside(there):
            attached = tcx.Attached(received.index, programs[kind])
        with attached:
            time.sleep(TURNING_S)
            speeds[kind] = received.bits_per_second(seconds)
    return speeds


def share_passed_over(metrics):
    packets = total(metrics, "audio_packets_total", interface="veth0")
    small = total(metrics, "audio_packets_total", interface="veth0", verdict="too_small")
    return total(metrics, "audio_packets_total", interface="veth0", verdict="not_audio") / max(packets - small, 1)


def measure(count, seconds):
    """([{kind: bits a second}], share of the packets that the program passed over)."""
    noop = tcx.load_noop()
    with Namespaces("bulk") as namespaces:
        here, there = namespaces.add("a"), namespaces.add("b")
        namespaces.veth(here, there, ["10.78.0.1/24"], ["10.78.0.2/24"])
        iperf = ["ip", "netns", "exec", there, "iperf3", "--server", "--port", str(PORT)]
        server = subprocess.Popen(iperf, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        iperf = ["ip", "netns", "exec", here, "iperf3", "--client", "10.78.0.2", "--port", str(PORT), "--time", "0"]
        client = subprocess.Popen(iperf, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with Agent(there, INTERFACE="veth0", DIRECTION="both", LOG_LEVEL="warn") as agent:
                time.sleep(STARTING_S)  # until the connection is at speed and the daemon knows what it is
                watched = tcx.take_programs(agent.process.pid)
                assert set(watched) == set(tcx.POINTS), f"attached at {set(watched)}"
                programs = {"alone": {}, "no-op": {point: noop for point in tcx.POINTS}, "watched": watched}
                received = Received(there)
                rounds = [one_round(there, received, programs, seconds) for _ in range(count)]
                assert client.poll() is None, "iperf3 ended before the rounds did"
                return rounds, share_passed_over(agent.metrics())
        finally:
            client.send_signal(signal.SIGINT)  # says goodbye to the server
            client.wait()
            server.kill()
            server.wait()


def interval(values):
    """The median, and where it lies in 95 of 100 such sets of rounds (bootstrap)."""
    medians = sorted(statistics.median(random.choices(values, k=len(values))) for _ in range(2000))
    return statistics.median(values), medians[50], medians[1949]


def figures(rounds, share):
    def figure(name, value, unit, goal=None, holds=None):
        return {"name": f"bulk: {name}", "value": round(value, 4), "unit": unit, "goal": goal, "holds": holds,
                "command": "tests/bench/bench_bulk.py"}

    def ratio(name, kind, yardstick, goal=None):
        median, least, most = interval([each[kind] / each[yardstick] for each in rounds])
        name = f"{name}, median of {len(rounds)} rounds ({least:.3f} to {most:.3f})"
        return figure(name, median, "ratio", goal and f">= {goal}", median >= goal if goal else None)

    speeds = [figure(f"iperf3 {kind}", statistics.mean(each[kind] for each in rounds) / 1e9, "Gbit/s")
              for kind in KINDS]
    return speeds + [
        ratio("watched against alone", "watched", "alone", 0.97),
        ratio("watched against no-op", "watched", "no-op"),
        ratio("no-op against alone", "no-op", "alone"),
        figure("packets passed over as not audio", share, "of those with payload"),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--slice", type=float, default=0.06)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rounds, share = measure(arguments.rounds, arguments.slice)
    for each in figures(rounds, share):
        if arguments.json:
            print(json.dumps(each))
        else:
            print(f"{each['name']}: {each['value']:g} {each['unit']}"
                  + (f" (goal {each['goal']}: {'holds' if each['holds'] else 'missed'})" if each["goal"] else ""))


if __name__ == "__main__":
    main()
