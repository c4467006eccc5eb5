#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bulk traffic beside the tracker: iperf3's throughput over a veth with nothing attached, and with audio-latency on the
receiving end, AUDIO_PORTS unset, in turn within one run.

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


def inside(namespace, *words, **options):
    return subprocess.Popen(["ip", "netns", "exec", namespace, *map(str, words)], stdout=subprocess.PIPE, text=True,
                            **options)


def throughput(here, seconds):
    """Bits a second that arrived, of one connection; the first half second is left out."""
    client = inside(here, "iperf3", "--client", "10.78.0.2", "--port", PORT, "--time", seconds, "--omit", "0.5", "--json")
    said = json.loads(client.communicate(timeout=seconds + 30)[0])
    assert "error" not in said, f"iperf3: {said['error']}"
    return said["end"]["sum_received"]["bits_per_second"]


def tracked(here, there, seconds):
    """The same with the program, which has said by then what the flow is."""
    with Agent(there, INTERFACE="veth0", DIRECTION="both", LOG_LEVEL="warn") as agent:
        bits = throughput(here, seconds)
        seen = agent.metrics()
        packets = total(seen, "audio_packets_total", interface="veth0")
        passed_over = total(seen, "audio_packets_total", interface="veth0", verdict="not_audio")
        small = total(seen, "audio_packets_total", interface="veth0", verdict="too_small")
    return bits, passed_over / max(packets - small, 1)


def rounds_of(count, seconds):
    with Namespaces("bulk") as namespaces:
        here, there = namespaces.add("a"), namespaces.add("b")
        namespaces.veth(here, there, ["10.78.0.1/24"], ["10.78.0.2/24"])
        server = inside(there, "iperf3", "--server", "--port", PORT)
        try:
            time.sleep(0.5)
            throughput(here, 1)
            rounds = []
            for number in range(count):
                # Each goes first in turn: what the machine does beside hits both alike.
                bare = throughput(here, seconds) if number % 2 == 0 else None
                watched, share = tracked(here, there, seconds)
                rounds.append((bare or throughput(here, seconds), watched, share))
            return rounds
        finally:
            server.kill()
            server.wait()


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
    parser.add_argument("--rounds", type=int, default=8)
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
