#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the daemon takes for flows that it decodes, live: streams over real connections through the kernel program and
its ring buffer, the daemon's CPU from its process times. Fewer streams than build/bench-formats has, since two CPUs
can't send, forward, and receive two thousand; beside each figure stands what it makes for the number of the goal.

Usage: bench_decoded.py [--seconds N] [--json]"""
import argparse
import base64
import json
import math
import multiprocessing
import os
import pathlib
import random
import selectors
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from bench_streams import process_seconds  # noqa: E402
from support import Agent, Namespaces, inside, total  # noqa: E402

FRAME_S = 0.02
PORT = 7000


def samples(rate, seconds, seed):
    """Sound in whose windows nothing repeats: a glide between vowels in noise."""
    noise = random.Random(seed)
    phase, values = 0.0, []
    for n in range(int(rate * seconds)):
        phase += 2 * math.pi * (120 + 60 * math.sin(n / rate)) / rate
        loud = 0.55 + 0.45 * math.sin(2 * math.pi * 3 * n / rate)
        values.append(int(6000 * loud * (math.sin(phase) + 0.4 * math.sin(9 * phase) + 0.2 * noise.uniform(-1, 1))))
    return values


def frame(payload, opcode):
    """RFC 6455, masked, as clients send."""
    key = os.urandom(4)
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def pcm16(chunk):
    return frame(b"".join(value.to_bytes(2, "little", signed=True) for value in chunk), 2)


def mu_law(value):
    magnitude = min(abs(value), 32635) + 132
    segment = magnitude.bit_length() - 8
    return ~((0x80 if value < 0 else 0) | segment << 4 | magnitude >> (segment + 3) & 15) & 0xff


def twilio(chunk):
    payload = base64.b64encode(bytes(mu_law(value) for value in chunk)).decode()
    return frame(json.dumps({"event": "media", "sequenceNumber": "4", "media": {
        "track": "inbound", "chunk": "2", "timestamp": "5", "payload": payload}, "streamSid": "MZ" + "0" * 32}).encode(), 1)


LOADS = {"WebSocket PCM16 16 kHz": (16_000, pcm16, 200, 2000, 40), "Twilio JSON": (8000, twilio, 200, 1000, 15)}


def receive(namespace, ready):
    with inside(namespace):
        listener = socket.create_server(("", PORT), backlog=512)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    ready.set()
    buffer = bytearray(65536)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                selector.register(listener.accept()[0], selectors.EVENT_READ)
            else:
                key.fileobj.recv_into(buffer)


def send(namespace, frames, streams, ready):
    with inside(namespace):
        sockets = [socket.create_connection(("10.79.0.2", PORT)) for _ in range(streams)]
    for each in sockets:
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        each.sendall(b"GET /media HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    ready.set()
    start, number = time.monotonic(), 0
    while True:
        for index, each in enumerate(sockets):
            if index % 20 == 0:  # spread over the 20 ms
                time.sleep(max(0, start + (number + index / streams) * FRAME_S - time.monotonic()))
            each.sendall(frames[(number + 37 * index) % len(frames)])
        number += 1


def measure(name, seconds):
    rate, wrap, streams, wanted, goal = LOADS[name]
    sound, step = samples(rate, 20, 1), int(rate * FRAME_S)
    frames = [wrap(sound[at:at + step]) for at in range(0, len(sound), step)]
    with Namespaces("decoded") as namespaces:
        here, there = namespaces.add("a"), namespaces.add("b")
        namespaces.veth(here, there, ["10.79.0.1/24"], ["10.79.0.2/24"])
        with Agent(there, INTERFACE="veth0", LOG_LEVEL="warn", MAX_FLOWS=20_000) as agent:
            ready = [multiprocessing.Event(), multiprocessing.Event()]
            processes = [multiprocessing.Process(target=receive, args=(there, ready[0]), daemon=True),
                         multiprocessing.Process(target=send, args=(here, frames, streams, ready[1]), daemon=True)]
            for process, event in zip(processes, ready):
                process.start()
                assert event.wait(30), "the traffic did not start"
            time.sleep(3)  # by then it is known what they are
            before, at = agent.metrics(), (time.monotonic(), process_seconds(agent.process.pid))
            time.sleep(seconds)
            wall, used = time.monotonic() - at[0], process_seconds(agent.process.pid) - at[1]
            after = agent.metrics()
            for process in processes:
                process.kill()
                process.join()
    done = {metric: total(after, metric) - total(before, metric) for metric in
            ("audio_decoded_bytes_total", "signatures_detected_total", "audio_framing_skipped_bytes_total")}
    lost = total(after, "audio_events_lost_total")
    sent = sum(map(len, frames)) / len(frames) * streams / FRAME_S
    return name, streams, wanted, goal, 100 * used / wall, done, wall, sent, lost


def figures(result):
    name, streams, wanted, goal, percent, done, wall, sent, lost = result

    def figure(what, value, unit, goal=None, holds=None):
        return {"name": f"decoded live: {streams} {name} streams: {what}", "value": round(value, 3), "unit": unit,
                "goal": goal, "holds": holds, "command": "tests/bench/bench_decoded.py"}

    scaled = percent * wanted / streams
    return [
        figure("daemon", percent, "% of a core"),
        figure(f"the same for {wanted:,}", scaled, "% of a core", f"<= {goal}", scaled <= goal),
        figure("payload decoded", done["audio_decoded_bytes_total"] / wall / 1e6, "MB/s"),
        figure("payload sent at the pace of the sound", sent / 1e6, "MB/s"),
        figure("signatures", done["signatures_detected_total"] / wall / streams, "1/s and stream"),
        figure("events and payload lost", lost, "", "0", lost == 0),
        figure("bytes without framing", done["audio_framing_skipped_bytes_total"], "", "0",
               done["audio_framing_skipped_bytes_total"] == 0),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--json", action="store_true", help="figures only (they are always JSON)")
    arguments = parser.parse_args()
    for name in LOADS:
        for each in figures(measure(name, arguments.seconds)):
            print(json.dumps(each), flush=True)


if __name__ == "__main__":
    main()
