# SPDX-License-Identifier: Apache-2.0
"""Nothing configured but the interface: one call from WebSocket frames of PCM into JSON and out over server-sent
events is measured, and `flows` tells what each connection carries."""
import base64
import contextlib
import json
import os
import pathlib
import random
import socket
import subprocess
import threading
import time
import warnings
import wave

from support import PROGRAM, Agent, Namespaces, Skip, Threads, eventually, inside, main, total

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import audioop  # G.711

RECORDINGS = pathlib.Path("/usr/share/asterisk/sounds")
FRAME = 0.02
JSON_DELAY, SSE_DELAY = 0.2, 0.45
UPGRADE = b"GET /media HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def speech(seconds):
    """Linear samples at 8 kHz that have been on a telephone line."""
    files = sorted(RECORDINGS.rglob("*.wav"))
    if not files:
        raise Skip(f"no recorded speech below {RECORDINGS}")
    random.Random(4).shuffle(files)
    linear = b""
    for path in files:
        with wave.open(str(path)) as file:
            linear += file.readframes(file.getnframes())
        if len(linear) > seconds * 16000:
            break
    return audioop.ulaw2lin(audioop.lin2ulaw(linear, 2), 2)


def websocket(payload, opcode):
    key = os.urandom(4)
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def twilio(linear):
    media = {"track": "inbound", "chunk": "1", "payload": base64.b64encode(audioop.lin2ulaw(linear, 2)).decode()}
    return websocket(json.dumps({"event": "media", "media": media}).encode(), 1)


def event(linear):
    data = b'data: {"audio":"' + linear.hex().encode() + b'"}\n\n'
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


class Call(Threads):
    """Connections on lo whose readers throw away what they get; each sends every frame `delay` late."""

    def __init__(self, namespace, linear):
        self.frames = [linear[at:at + 320] for at in range(0, len(linear) - 319, 320)]
        super().__init__()
        with inside(namespace):
            self.source = self.connection(7100)
            self.json = self.connection(7200)
            self.sse = self.connection(7300, from_server=True)
            self.tls = self.connection(7443)
        self.source[0].sendall(UPGRADE)
        self.json[0].sendall(UPGRADE)
        self.sse[0].sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(10):
            self.tls[0].sendall(b"\x17\x03\x03\x01\x00" + os.urandom(256))
            time.sleep(0.02)
        self.threads.append(threading.Thread(target=self.send))

    def connection(self, port, from_server=False):
        listener = socket.create_server(("127.0.0.1", port))
        client = socket.create_connection(("127.0.0.1", port))
        server, _ = listener.accept()
        listener.close()
        sender, receiver = (server, client) if from_server else (client, server)
        sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        receiver.settimeout(0.2)
        self.threads.append(threading.Thread(target=self.read, args=(receiver,)))
        return sender, receiver

    def read(self, receiver):
        while not self.end.is_set():
            try:
                receiver.recv(65536)
            except TimeoutError:
                pass

    def send(self):
        due = sorted([(number * FRAME + delay, number, wrap, to)
                      for number in range(len(self.frames))
                      for delay, wrap, to in ((0, lambda linear: websocket(linear, 2), self.source),
                                              (JSON_DELAY, twilio, self.json), (SSE_DELAY, event, self.sse))],
                     key=lambda each: each[0])
        start = time.monotonic()
        for when, number, wrap, to in due:
            if self.end.wait(max(0, start + when - time.monotonic())):
                return
            to[0].sendall(wrap(self.frames[number]))

    def close(self):
        for pair in (self.source, self.json, self.sse, self.tls):
            for each in pair:
                each.close()


class ShortConnections(Threads):
    """Requests and answers on lo, each on a connection of its own, so many a second: in turn HTTP, and a protocol that
    nobody knows."""

    def __init__(self, namespace, rate):
        self.namespace, self.rate = namespace, rate
        super().__init__()
        self.threads = [threading.Thread(target=self.answer), threading.Thread(target=self.ask)]
        with inside(namespace):
            self.listener = socket.create_server(("127.0.0.1", 7080), backlog=64)
        self.listener.settimeout(0.2)

    def answer(self):
        body = json.dumps({"items": list(range(60))}).encode()
        while not self.end.is_set():
            try:
                connection, _ = self.listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(1)
            with connection, contextlib.suppress(OSError):
                if connection.recv(4096).startswith(b"GET"):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                else:
                    connection.sendall(b"\x00\x07" + os.urandom(3000))

    def ask(self):
        request = b"GET /items HTTP/1.1\r\nHost: items.default.svc.cluster.local\r\nAccept: application/json\r\n\r\n"
        with inside(self.namespace):
            while not self.end.wait(2 / self.rate):
                for words in (request, b"\x00\x03" + os.urandom(300)):
                    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 7080), 1) as connection:
                        connection.sendall(words)  # at the end nobody may answer any more
                        connection.recv(4096)

    def close(self):
        self.listener.close()


def address(sock, peer=False):
    host, port = sock.getpeername() if peer else sock.getsockname()
    return f"{host}:{port}"


def one_call_through_three_formats():
    with Namespaces("formats") as spaces:
        space = spaces.add("a")
        with Agent(space, INTERFACE="lo") as agent, Call(space, speech(60)) as call:
            source = address(call.source[0])
            for sender, delay in ((call.json[0], JSON_DELAY), (call.sse[0], SSE_DELAY)):
                pair = {"source_pod": source, "dest_pod": address(sender, peer=True)}
                eventually(lambda: total(agent.metrics(), "audio_latency_seconds_count", **pair) >= 60, 50,
                           f"60 latencies {pair}")
                seen = agent.metrics()
                mean = total(seen, "audio_latency_seconds_sum", **pair) / total(seen, "audio_latency_seconds_count", **pair)
                assert delay - 0.005 <= mean < delay + 0.1, f"mean latency {mean} for {delay}"
            def published():
                flows = {(flow["source"], flow["dest"]): flow for flow in agent.api("flows?limit=1000")}
                found = {name: flows[address(sender), address(receiver)] for name, (sender, receiver) in
                         {"source": call.source, "json": call.json, "sse": call.sse, "tls": call.tls}.items()}
                later = {f"{found[name]['source']} > {found[name]['dest']}" for name in ("json", "sse")}
                return found if later <= set(found["source"]["partners"]) else None
            found = eventually(published, 10, "both links in /api/v1/flows")
            assert found["source"]["codec"] == "pcm16le" and "websocket" in found["source"]["format"], found["source"]
            assert found["json"]["codec"] == "pcmu" and "json/base64" in found["json"]["format"], found["json"]
            assert found["sse"]["codec"] == "pcm16le" and "sse/json/hex" in found["sse"]["format"], found["sse"]
            assert found["tls"]["unhashable"] == "tls" and found["tls"]["verdict"] == "ignored", found["tls"]
            assert total(agent.metrics(), "audio_unhashable_flows", reason="tls") >= 1
            assert total(agent.metrics(), "audio_events_lost_total") == 0
            table = subprocess.run(["nsenter", f"--net=/run/netns/{space}", str(PROGRAM), "flows", "--metrics-port",
                                    str(agent.port)], capture_output=True, text=True, check=True).stdout
            assert "websocket/json/base64" in table and "TLS records: encrypted" in table, table


def a_call_among_short_connections():
    """They would fill all flow tables within seconds if each were kept for FLOW_TIMEOUT_MS."""
    full = ("flow_table_full", "format_flow_table_full")
    with Namespaces("formats") as spaces:
        space = spaces.add("a")
        with Agent(space, INTERFACE="lo", MAX_FLOWS=1000) as agent, ShortConnections(space, 200):
            for table in ("kernel", "formats"):
                eventually(lambda: total(agent.metrics(), "audio_flows_forgotten_total", table=table) >= 1000, 30,
                           f"1,000 flows that made room in the table of {table}")
            with Call(space, speech(30)) as call:
                pair = {"source_pod": address(call.source[0]), "dest_pod": address(call.json[0], peer=True)}
                eventually(lambda: total(agent.metrics(), "audio_latency_seconds_count", **pair) >= 30, 25, "30 latencies")
            seen = agent.metrics()
            assert not any(total(seen, "audio_processing_errors_total", error_type=each) for each in full), seen
            return f"{total(seen, 'audio_flows_forgotten_total'):.0f} flows made room"


if __name__ == "__main__":
    main("formats", [one_call_through_three_formats, a_call_among_short_connections])
