#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the kernel program costs for packets that BPF_PROG_TEST_RUN can't make: of nearly 64 KiB, non-linear, segmented by
the receiver (UDP_SEGMENT) after they crossed a veth. Time is the program's own run time as the kernel counts it, the
counting included; the least of several batches, since other work on the machine only adds.

Usage: bench_large.py [--batches N] [--json]"""
import argparse
import json
import os
import pathlib
import socket
import struct
import sys
import time

import tcx

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from support import Agent, Namespaces, eventually, inside  # noqa: E402

PORT, UNWATCHED = 5000, 5001
SIZES = (160, 1_448, 16_384, 65_000)  # bytes of payload; 65,535 with all headers is the most that a veth lets pass whole
BATCH = 100
UDP_SEGMENT = 103
SEGMENT = 1_448
BPF_ENABLE_STATS, BPF_STATS_RUN_TIME = 32, 0


def enable_statistics():
    """A descriptor: while it is open, the kernel counts run times (Linux 5.8)."""
    return tcx.bpf(BPF_ENABLE_STATS, struct.pack("=I", BPF_STATS_RUN_TIME))


def run_time(pid):
    """(runs, ns) of all programs that the process holds."""
    runs = nanoseconds = 0
    for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            fields = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
        except FileNotFoundError:
            continue
        runs += int(fields.get("run_cnt", 0))
        nanoseconds += int(fields.get("run_time_ns", 0))
    return runs, nanoseconds


def one_batch(pid, sender, size, port):
    """ns a packet."""
    packets = [os.urandom(size) for _ in range(BATCH)]
    before = run_time(pid)
    for packet in packets:
        sender.sendto(packet, ("10.78.0.2", port))
    runs, nanoseconds = (after - then for after, then in zip(run_time(pid), before))
    assert runs == BATCH, f"{runs} runs for {BATCH} packets: something else was sent, or packets were segmented before"
    return nanoseconds / runs


def measure(batches):
    """{(size, port): ns a packet}."""
    times = {}
    with Namespaces("large") as namespaces:
        here, there = namespaces.add("send"), namespaces.add("receive")
        namespaces.veth(here, there, ["10.78.0.1/24"], ["10.78.0.2/24"])
        hardware = json.loads(namespaces.ip(there, "-j", "link", "show", "veth0"))[0]["address"]
        namespaces.ip(here, "neigh", "replace", "10.78.0.2", "lladdr", hardware, "dev", "veth0")  # so nobody asks for it
        with inside(here):
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with inside(there):
            receivers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for receiver, port in zip(receivers, (PORT, UNWATCHED)):
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # what arrives is dropped
            receiver.bind(("10.78.0.2", port))
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SEGMENT)
        with Agent(there, INTERFACE="veth0", AUDIO_PORTS=f"{PORT}/raw", SCAN_BUDGET_MBPS=0, LOG_LEVEL="warn") as agent:
            descriptor = enable_statistics()
            for _ in range(batches):
                for size in SIZES:
                    for port in (PORT, UNWATCHED):
                        nanoseconds = one_batch(agent.process.pid, sender, size, port)
                        times[size, port] = min(times.get((size, port), nanoseconds), nanoseconds)
            os.close(descriptor)
            time.sleep(1.2)  # the daemon publishes once a second
            metrics = eventually(agent.metrics, what="/metrics")
            unscanned = sum(value for (name, labels), value in metrics.items() if name == "audio_packets_total"
                            and dict(labels)["verdict"] not in ("scanned", "port"))
            assert unscanned == 0, f"{unscanned} packets were not scanned"
    return times


def figures(times):
    def figure(name, value, unit):
        return {"name": f"kernel over veth: {name}", "value": round(value, 3), "unit": unit, "goal": None, "holds": None,
                "command": "tests/bench/bench_large.py"}

    for size in SIZES:
        yield figure(f"{size} bytes", times[size, PORT], "ns")
        yield figure(f"{size} bytes, port not watched", times[size, UNWATCHED], "ns")
        yield figure(f"{size} bytes, a byte", (times[size, PORT] - times[size, UNWATCHED]) / size, "ns")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    for each in figures(measure(arguments.batches)):
        print(json.dumps(each) if arguments.json else f"{each['name']}: {each['value']} {each['unit']}")


if __name__ == "__main__":
    main()
