#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the daemon takes for flows that it decodes, live: streams over real connections through the kernel program and
its ring buffer, the daemon's CPU from its process times. WebSocket frames of 100 ms, of which two CPUs can also send
and receive two thousand streams; of 20 ms, as Twilio has them, fewer, and what that makes for the number of the goal.

Usage: bench_decoded.py [--seconds N] [--json]"""
import argparse
import audioop
import base64
import json
import multiprocessing
import os
import pathlib
import selectors
import socket
import sys
import time
import wave

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import demo_calls  # noqa: E402
from bench_streams import process_seconds  # noqa: E402
from support import Agent, Namespaces, inside, total  # noqa: E402

PORT = 7000


def recording():
    """16-bit samples of recorded speech, some minutes."""
    linear = b"".join(wave.open(path).readframes(1 << 24) for path in demo_calls.recordings())
    assert len(linear) > 10_000_000, f"no recorded speech below {demo_calls.SOUNDS}"
    return linear


def sounds(streams, length):
    """So many bytes of samples for each stream, no two alike: each is two places of the recording, added."""
    linear = recording()
    step = (len(linear) - length) // (2 * streams) & ~1
    for index in range(streams):
        first = linear[index * step:][:length]
        second = linear[len(linear) - length - (index * index * 7919 * 2) % (len(linear) // 3) & ~1:][:length]
        yield audioop.add(audioop.mul(first, 2, 0.7), audioop.mul(second.ljust(length, b"\0"), 2, 0.3), 2)


def frame(payload, opcode):
    """RFC 6455, masked, as clients send."""
    key = os.urandom(4)
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    mask = int.from_bytes((key * (len(payload) // 4 + 1))[:len(payload)], "big")
    masked = (int.from_bytes(payload, "big") ^ mask).to_bytes(len(payload), "big")
    return bytes([0x80 | opcode]) + length + key + masked


def pcm16(chunk):
    return frame(chunk, 2)


def twilio(chunk):
    media = {"track": "inbound", "chunk": "2", "timestamp": "5",
             "payload": base64.b64encode(audioop.lin2ulaw(chunk, 2)).decode()}
    return frame(json.dumps({"event": "media", "sequenceNumber": "4", "media": media,
                             "streamSid": "MZ" + "0" * 32}).encode(), 1)


# Samples a second, seconds of sound in a frame, framing, streams, and the streams and the share of a core of the goal.
LOADS = {
    "WebSocket PCM16 16 kHz, 100 ms": (16_000, 0.1, pcm16, 2000, 2000, 40),
    "WebSocket PCM16 16 kHz, 20 ms": (16_000, 0.02, pcm16, 250, 2000, 40),
    "Twilio JSON, 20 ms": (8000, 0.02, twilio, 250, 1000, 15),
}
PERIOD_S = 14  # after which a stream begins again: longer than anything is remembered
SENDERS = 20  # addresses: of the tables, one may fill a tenth


def receive(namespace, ready):
    with inside(namespace):
        listener = socket.create_server(("", PORT), backlog=4096)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    ready.set()
    buffer = bytearray(1 << 20)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                selector.register(listener.accept()[0], selectors.EVENT_READ)
            else:
                key.fileobj.recv_into(buffer)


def send(namespace, frames, frame_s, ready):
    streams = len(frames)
    with inside(namespace):
        sockets = [socket.create_connection(("10.79.0.2", PORT), source_address=(f"10.79.1.{1 + index % SENDERS}", 0))
                   for index in range(streams)]
    for each in sockets:
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        each.sendall(b"GET /media HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    ready.set()
    start, number = time.monotonic(), 0
    while True:
        for index, each in enumerate(sockets):
            if index % 20 == 0:  # spread over a frame's time
                time.sleep(max(0, start + (number + index / streams) * frame_s - time.monotonic()))
            each.sendall(frames[index][number % len(frames[index])])
        number += 1


def await_decoding(agent, wanted):
    """Until nearly all payload is decoded: where all begin at once, looking at them is spread over some seconds."""
    metric = "audio_decoded_bytes_total"
    for _ in range(30):
        before, at = total(agent.metrics(), metric), time.monotonic()
        time.sleep(1)
        if total(agent.metrics(), metric) - before > 0.97 * wanted * (time.monotonic() - at):
            return


def measure(name, seconds):
    rate, frame_s, wrap, streams, wanted, goal = LOADS[name]
    step = 2 * int(rate * frame_s)
    frames = [[wrap(sound[at:at + step]) for at in range(0, len(sound), step)]
              for sound in sounds(streams, step * int(PERIOD_S / frame_s))]
    sent = sum(map(len, frames[0])) / len(frames[0]) * streams / frame_s
    with Namespaces("decoded") as namespaces:
        here, there = namespaces.add("a"), namespaces.add("b")
        namespaces.veth(here, there, [f"10.79.1.{host}/16" for host in range(1, SENDERS + 1)], ["10.79.0.2/16"])
        with Agent(there, INTERFACE="veth0", LOG_LEVEL="warn", MAX_ACTIVE_SIGNATURES=2_000_000) as agent:
            ready = [multiprocessing.Event(), multiprocessing.Event()]
            processes = [multiprocessing.Process(target=receive, args=(there, ready[0]), daemon=True),
                         multiprocessing.Process(target=send, args=(here, frames, frame_s, ready[1]), daemon=True)]
            for process, event in zip(processes, ready):
                process.start()
                assert event.wait(60), "the traffic did not start"
            await_decoding(agent, sent)
            before, at = agent.metrics(), (time.monotonic(), process_seconds(agent.process.pid))
            time.sleep(seconds)
            wall, used = time.monotonic() - at[0], process_seconds(agent.process.pid) - at[1]
            after = agent.metrics()
            for process in reversed(processes):
                process.kill()
                process.join()
    done = {metric: total(after, metric) - total(before, metric) for metric in
            ("audio_decoded_bytes_total", "signatures_detected_total", "audio_framing_skipped_bytes_total")}
    # A sample that had to wait only delays the verdict; all connect at once here.
    lost = total(after, "audio_events_lost_total") - total(after, "audio_events_lost_total", reason="sample_budget")
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
