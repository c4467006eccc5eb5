# SPDX-License-Identifier: Apache-2.0
"""Plays a synthesised capture over a veth to the program under test, and checks what it measured against the times at
which the kernel saw the packets."""
import contextlib
import json
import os
import signal
import struct
import subprocess
import threading

from support import BUILD, Agent, Namespaces, command, eventually

STANDSTILL_NS = 1_000_000


def frames_of(path):
    """(ns since 1970, (source, dest, IP ID)) of each Ethernet and IPv4 packet of a little-endian capture."""
    with open(path, "rb") as file:
        data = file.read()
    unit = {b"\xd4\xc3\xb2\xa1": 1000, b"\x4d\x3c\xb2\xa1": 1}[data[:4]]
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, length, _ = struct.unpack_from("<4I", data, at)
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        if frame[12:14] == b"\x08\x00" and frame[23] in (6, 17):
            source_port, dest_port = struct.unpack_from(">HH", frame, 34)
            source = f"{'.'.join(map(str, frame[26:30]))}:{source_port}"
            dest = f"{'.'.join(map(str, frame[30:34]))}:{dest_port}"
            yield seconds * 10**9 + fraction * unit, (source, dest, struct.unpack_from(">H", frame, 18)[0])


def passages(directory):
    """{(source, dest, IP ID): (earliest, latest)} of the packets that passed, ns since 1970. The program under test ran
    between the tap's stamp and the return of the call that sent the packet: microseconds, which are left to it, or,
    where the machine stood still in between, milliseconds, of which nobody knows when it was."""
    with open(os.path.join(directory, "sent"), encoding="ascii") as file:
        played = zip(frames_of(os.path.join(directory, "scenario.pcap")), file, strict=True)
        sent = {key: int(time) for (_, key), time in played}
    stamped = frames_of(os.path.join(directory, "stamps.pcap"))
    return {key: (stamp, sent[key] if sent[key] > stamp + STANDSTILL_NS else stamp) for stamp, key in stamped}


@contextlib.contextmanager
def stamping(namespace, path):
    """tcpdump on veth0 of the namespace, packet heads only. In microseconds: for nanoseconds libpcap asks for
    SO_TIMESTAMPNS, and the kernel then stamps packets as they enter the receive queue, where a burst waits for
    milliseconds; else the tap stamps them, just before the programs on the interface run."""
    with subprocess.Popen(["ip", "netns", "exec", namespace, "tcpdump", "-i", "veth0", "-w", path, "-s", "96", "-n",
                           "-Q", "in", "-B", "32768", "-U"], stderr=subprocess.PIPE, text=True) as dump:
        assert "listening" in dump.stderr.readline()
        try:
            yield
        finally:
            dump.send_signal(signal.SIGINT)
            counted = dump.communicate(timeout=30)[1]
        assert "\n0 packets dropped by kernel" in counted, f"the truth has gaps: {counted}"


class Recent(threading.Thread):
    """Collects /api/v1/matches, which keeps some thousands, once a second."""

    def __init__(self, agent):
        super().__init__(daemon=True)
        self.agent, self.found, self.ended = agent, {}, threading.Event()
        self.start()

    def collect(self):
        for match in self.agent.api("matches?limit=4096"):
            self.found[match["kind"], match["source"], match["dest"], match["time"], match["signature"]] = match

    def run(self):
        while not self.ended.wait(1):
            self.collect()

    def stop(self):
        self.ended.set()
        self.join()
        self.collect()
        return list(self.found.values())


class Run:
    """One capture played: `matches`, metrics `before` and `after`, what the `player` said. The matches are all of them,
    from the log at level debug, or, with `recent`, those of the API: where somebody sends signatures by the million,
    writing each to a log would be what is tested."""

    def __init__(self, test, directory, capture, truth, recent=False, **variables):
        stamps = os.path.join(directory, "stamps.pcap")
        with Namespaces(test) as namespaces:
            player, watched = namespaces.add("player"), namespaces.add("watched")
            namespaces.veth(player, watched)
            with Agent(watched, INTERFACE="veth0", AUDIO_PORTS=truth.ports,
                       LOG_LEVEL="info" if recent else "debug", **variables) as agent:
                self.before = agent.metrics()
                collector = Recent(agent) if recent else None
                with stamping(watched, stamps):
                    played = command("ip", "netns", "exec", player, BUILD / "test-player", "--interface", "veth0",
                                     "--capture", capture, "--sent", os.path.join(directory, "sent"))
                    self._settled(agent)
                self.player = json.loads(played)
                self.after = agent.metrics()
                self.matches = collector.stop() if recent else self._logged(agent)

    @staticmethod
    def _logged(agent):
        with open(agent.output.name, encoding="utf-8") as log:
            return [json.loads(line) for line in log if '"latency_calculation"' in line]

    @staticmethod
    def _settled(agent):
        """Until nothing more is logged: the ring buffer is drained and every trail has settled."""
        sizes = [-1]

        def quiet():
            sizes.append(os.path.getsize(agent.output.name))
            return sizes[-1] == sizes[-2]
        eventually(quiet, 60, "the end of the log", interval=1.0)
