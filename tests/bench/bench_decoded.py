#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the daemon takes for flows that it decodes, live: streams over real connections through the kernel program and
its ring buffer, all at the pace of their sound; the daemon's CPU from its process times.

Usage: bench_decoded.py [--seconds N] [--json]"""
import argparse
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import demo_calls  # noqa: E402
from bench_streams import process_seconds  # noqa: E402
from support import BUILD, Agent, Namespaces, total  # noqa: E402

PORT = "7000"
# Sound's form, ms of sound in a frame, streams, the share of a core of the goal. Two CPUs can't also send and receive
# 100,000 frames a second.
LOADS = {
    "WebSocket PCM16 16 kHz, 100 ms": ("pcm16", 100, 2000, 40),
    "WebSocket PCM16 16 kHz, 20 ms": ("pcm16", 20, 1000, None),
    "Twilio JSON, 20 ms": ("twilio", 20, 1000, 15),
}
FILLING_S = 15  # until as many signatures expire as come: the tables have their size
WINDOWS = 5  # whose median counts: other machines on the same hardware come and go
SENDERS = 20  # addresses: of the tables, one may fill a tenth


def start(namespace, *words):
    process = subprocess.Popen(["ip", "netns", "exec", namespace, str(BUILD / "test-frames"), *words],
                               stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline().split()
    assert line[:1] == ["ready"], "the traffic did not start"
    return process, int(line[1])


def await_pace(agent, wanted):
    """Until as much is decoded as the sound has: where all begin at once, looking at them is spread over some seconds;
    and who sends makes up for a late start."""
    metric = "audio_decoded_bytes_total"
    for _ in range(30):
        before, at = total(agent.metrics(), metric), time.monotonic()
        time.sleep(1)
        rate = (total(agent.metrics(), metric) - before) / (time.monotonic() - at)
        if 0.97 * wanted < rate < 1.03 * wanted:
            return


def share(agent, seconds):
    at, before = time.monotonic(), process_seconds(agent.process.pid)
    time.sleep(seconds)
    return (process_seconds(agent.process.pid) - before) / (time.monotonic() - at)


def measure(name, seconds):
    form, frame_ms, streams, _ = LOADS[name]
    with Namespaces("decoded") as namespaces:
        here, there = namespaces.add("a"), namespaces.add("b")
        namespaces.veth(here, there, [f"10.79.1.{host}/16" for host in range(1, SENDERS + 1)], ["10.79.0.2/16"])
        with Agent(there, INTERFACE="veth0", LOG_LEVEL="warn", MAX_ACTIVE_SIGNATURES=2_000_000, MAX_FLOWS=40_000) as agent:
            receiver, _ = start(there, "receive", "10.79.0.2", PORT)
            sender, frame_bytes = start(here, "send", str(demo_calls.SOUNDS), form, str(frame_ms), str(streams),
                                        "10.79.1.1", str(SENDERS), "10.79.0.2", PORT)
            sent = frame_bytes * streams * 1000 / frame_ms
            await_pace(agent, sent)
            time.sleep(FILLING_S)
            await_pace(agent, sent)
            before, since = agent.metrics(), time.monotonic()
            shares = [share(agent, seconds) for _ in range(WINDOWS)]
            wall, after = time.monotonic() - since, agent.metrics()
            for process in (sender, receiver):
                process.kill()
                process.wait()
    done = {metric: total(after, metric) - total(before, metric) for metric in
            ("audio_decoded_bytes_total", "signatures_detected_total", "audio_framing_skipped_bytes_total")}
    # A sample that had to wait only delays the verdict; all connect at once here.
    lost = total(after, "audio_events_lost_total") - total(after, "audio_events_lost_total", reason="sample_budget")
    return name, 100 * statistics.median(shares), done, wall, sent, lost


def figures(result):
    name, percent, done, wall, sent, lost = result
    _, _, streams, goal = LOADS[name]

    def figure(what, value, unit, goal=None, holds=None):
        return {"name": f"decoded live: {streams:,} {name} streams: {what}", "value": round(value, 3), "unit": unit,
                "goal": goal, "holds": holds, "command": "tests/bench/bench_decoded.py"}

    decoded = done["audio_decoded_bytes_total"] / wall
    return [
        figure("daemon", percent, "% of a core", goal and f"<= {goal}", goal and percent <= goal),
        figure("payload sent at the pace of the sound", sent / 1e6, "MB/s"),
        figure("payload decoded", decoded / 1e6, "MB/s", f">= {0.99 * sent / 1e6:.2f}", decoded >= 0.99 * sent),
        figure("signatures", done["signatures_detected_total"] / wall / streams, "1/s and stream"),
        figure("events and payload lost", lost, "", "0", lost == 0),
        figure("bytes without framing", done["audio_framing_skipped_bytes_total"], "", "0",
               done["audio_framing_skipped_bytes_total"] == 0),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4, help="of a window")
    parser.add_argument("--json", action="store_true", help="figures only (they are always JSON)")
    arguments = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for name in LOADS:
        for each in figures(measure(name, arguments.seconds)):
            print(json.dumps(each), flush=True)


if __name__ == "__main__":
    main()
