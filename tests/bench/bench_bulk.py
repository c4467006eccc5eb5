#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bulk traffic beside the tracker: the throughput of one iperf3 connection over a veth with nothing attached, and with
audio-latency on the receiving end, AUDIO_PORTS unset, in turn while it runs.

Usage: bench_bulk.py [--rounds N] [--seconds N] [--json]"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from support import Agent, Namespaces, total  # noqa: E402

PORT = 5201
SLICE_S = 0.25
STARTING_S = 2  # at most, of the daemon: to load, attach and detach


def inside(namespace, *words, **options):
    return subprocess.Popen(["ip", "netns", "exec", namespace, *map(str, words)], stdout=subprocess.PIPE, text=True,
                            **options)


class Transfer:
    """One long connection: where its two ends run, a scheduler's choice, moves its speed more than what is measured."""

    def __init__(self, here, seconds):
        self.seconds = seconds
        self.client = inside(here, "iperf3", "--client", "10.78.0.2", "--port", PORT, "--time", seconds,
                             "--interval", SLICE_S, "--json")
        self.begin = time.monotonic()

    def now(self):
        return time.monotonic() - self.begin

    def speeds(self):
        """(begin, end, bits a second) of each slice."""
        said = json.loads(self.client.communicate(timeout=self.seconds + 30)[0])
        assert "error" not in said, f"iperf3: {said['error']}"
        return [(each["sum"]["start"], each["sum"]["end"], each["sum"]["bits_per_second"]) for each in said["intervals"]]


def within(speeds, begin, end):
    """Mean over the slices that lie in this time, but for what its ends disturb."""
    return statistics.mean(speed for start, stop, speed in speeds if start >= begin + SLICE_S and stop <= end - SLICE_S)


def watch(there, seconds, transfer):
    """The program attached for so long: (since, until, share of the packets that it passed over)."""
    with Agent(there, INTERFACE="veth0", DIRECTION="both", LOG_LEVEL="warn") as agent:
        since = transfer.now()
        time.sleep(seconds)
        until, seen = transfer.now(), agent.metrics()
    packets = total(seen, "audio_packets_total", interface="veth0")
    passed_over = total(seen, "audio_packets_total", interface="veth0", verdict="not_audio")
    small = total(seen, "audio_packets_total", interface="veth0", verdict="too_small")
    return since, until, passed_over / max(packets - small, 1)


def rounds_of(count, seconds):
    """(alone before and behind, watched, share passed over) of each time that the program was attached."""
    with Namespaces("bulk") as namespaces:
        here, there = namespaces.add("a"), namespaces.add("b")
        namespaces.veth(here, there, ["10.78.0.1/24"], ["10.78.0.2/24"])
        server = inside(there, "iperf3", "--server", "--port", PORT)
        try:
            time.sleep(0.5)
            transfer = Transfer(here, round(count * (2 * seconds + STARTING_S) + seconds + 2))
            time.sleep(1)
            alone, watched = [], []
            for _ in range(count):
                alone.append((transfer.now(), transfer.now() + seconds))
                time.sleep(seconds)
                watched.append(watch(there, seconds, transfer))
            alone.append((transfer.now(), transfer.now() + seconds))
            time.sleep(seconds)
            assert transfer.client.poll() is None, "the transfer ended before the rounds did"
            speeds = transfer.speeds()
        finally:
            server.kill()
            server.wait()
    bare = [within(speeds, *span) for span in alone]
    return [((bare[i] + bare[i + 1]) / 2, within(speeds, since, until), share)
            for i, (since, until, share) in enumerate(watched)]


def figures(rounds):
    def figure(name, value, unit, goal=None, holds=None):
        return {"name": f"bulk: {name}", "value": round(value, 4), "unit": unit, "goal": goal, "holds": holds,
                "command": "tests/bench/bench_bulk.py"}

    ratio = statistics.median(watched / bare for bare, watched, _ in rounds)
    return [
        figure("iperf3 alone", statistics.median(bare for bare, _, _ in rounds) / 1e9, "Gbit/s"),
        figure("iperf3 watched, AUDIO_PORTS unset", statistics.median(watched for _, watched, _ in rounds) / 1e9, "Gbit/s"),
        figure("throughput that is left, median of the rounds", ratio, "ratio", ">= 0.97", ratio >= 0.97),
        figure("packets passed over as not audio", min(share for _, _, share in rounds), "of those with payload"),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rounds = rounds_of(arguments.rounds, arguments.seconds)
    if not arguments.json:
        for bare, watched, share in rounds:
            print(f"{bare / 1e9:7.2f} Gbit/s alone, {watched / 1e9:7.2f} watched: {watched / bare:.3f}; "
                  f"{share:.1%} of packets passed over")
    for each in figures(rounds):
        print(json.dumps(each))


if __name__ == "__main__":
    main()
