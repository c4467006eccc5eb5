# SPDX-License-Identifier: Apache-2.0
"""`run` from packets to metrics: audio that a relay sends on 200 ms later becomes a latency of 200 ms."""
import contextlib
import json
import random
import shutil
import socket
import subprocess
import threading
import time

from support import Agent, Namespaces, Skip, Threads, eventually, inside, main, total

DELAY = 0.2


class Call(Threads):
    """source :7000 → relay :7001, :7101 → sink :7002 on lo: random payload, so that nothing in it repeats."""

    def __init__(self, namespace):
        super().__init__()
        with inside(namespace):
            self.sockets = {}
            for port in (7000, 7001, 7101, 7002):
                self.sockets[port] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                self.sockets[port].bind(("127.0.0.1", port))
                self.sockets[port].settimeout(0.5)
        self.threads = [threading.Thread(target=self._send), threading.Thread(target=self._relay)]

    def close(self):
        for each in self.sockets.values():
            each.close()

    def _send(self):
        sound = random.Random(7)
        while not self.end.is_set():
            self.sockets[7000].sendto(sound.randbytes(640), ("127.0.0.1", 7001))
            time.sleep(0.02)

    def _relay(self):
        held = []
        self.sockets[7001].settimeout(0.005)
        while not self.end.is_set():
            with contextlib.suppress(TimeoutError):
                packet = self.sockets[7001].recv(65536)
                held.append((time.monotonic() + DELAY, packet))
            while held and held[0][0] <= time.monotonic():
                self.sockets[7101].sendto(held.pop(0)[1], ("127.0.0.1", 7002))


def measures_a_relay():
    with Namespaces("run") as spaces:
        space = spaces.add("a")
        with Agent(space, INTERFACE="lo", AUDIO_PORTS="7001,7002") as agent, Call(space):
            pair = {"source_pod": "127.0.0.1:7000", "dest_pod": "127.0.0.1:7002"}
            eventually(lambda: total(agent.metrics(), "audio_latency_seconds_count", **pair) >= 50, 60, "50 latencies")
            seen = agent.metrics()
            count = total(seen, "audio_latency_seconds_count", **pair)
            mean = total(seen, "audio_latency_seconds_sum", **pair) / count
            assert DELAY <= mean < DELAY + 0.15, f"mean latency {mean}"
            assert total(seen, "audio_latency_seconds_bucket", le="0.15", **pair) == 0
            assert total(seen, "audio_latency_seconds_count") == count, "a latency of a pair that no chain connects"
            assert total(seen, "audio_packets_total", interface="lo", verdict="scanned") > 0
            assert total(seen, "audio_events_lost_total") == 0
            assert total(seen, "audio_attached_interfaces") == 1
            assert total(seen, "audio_latency_build_info") == 1
            matches = eventually(lambda: agent.api("matches?limit=5"), 10, "/api/v1/matches")
            assert matches[0]["dest"] == "127.0.0.1:7002" or matches[0]["kind"] == "stage", matches[0]
            links = eventually(lambda: agent.api("links"), 10, "/api/v1/links")
            assert links[0]["source_pod"] == "127.0.0.1:7000", links
            eventually(lambda: agent.log("latency_calculation"), 10, "a latency_calculation event")
            lint(agent.get("/metrics")[1])
    return f"{count:.0f} latencies, mean {mean * 1e3:.1f} ms, injected {DELAY * 1e3:.0f} ms"


def lint(text):
    if shutil.which("promtool") is None:
        raise Skip("promtool (package prometheus) is missing")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stdout and not done.stderr, f"promtool: {done.stdout}{done.stderr}"


def names_from_a_file(path="/tmp/alt-run-names.yaml"):
    with open(path, "w", encoding="ascii") as file:
        json.dump({"names": {"127.0.0.1:7000": "telephony", "127.0.0.1:7001": "media/relay",
                             "127.0.0.1:7101": "media/relay", "127.0.0.1:7002": "asr"}}, file)
    with Namespaces("run") as spaces:
        space = spaces.add("a")
        with Agent(space, INTERFACE="lo", AUDIO_PORTS="7001,7002", NAMES_FILE=path) as agent, Call(space):
            pair = {"source_pod": "telephony", "dest_pod": "asr", "source_namespace": "-"}
            eventually(lambda: total(agent.metrics(), "audio_latency_seconds_count", **pair) >= 10, 60, "latencies by name")
            stage = {"pod": "relay", "namespace": "media"}
            eventually(lambda: total(agent.metrics(), "audio_stage_latency_seconds_count", **stage) >= 10, 30, "a stage")


main("run", [measures_a_relay, names_from_a_file])
