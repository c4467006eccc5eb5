# SPDX-License-Identifier: Apache-2.0
"""Calls on one loopback device: audio-source -> audio-relay -> audio-sink, each with sound of its own, at the same
time; the program under test beside them, and a capture of the same packets for the truth."""
import contextlib
import dataclasses
import json
import pathlib
import random
import select
import signal
import subprocess
import tempfile
import time
import wave

import support

SOUNDS = pathlib.Path("/usr/share/asterisk/sounds/en_US_f_Allison")
NOT_SPEECH = ("silence/", "beep", "2tone", "confbridge-join", "confbridge-leave", "monkeys")
SAID_TWICE = ("privacy-thankyou", "queue-seconds")  # the same take as in auth-thankyou, seconds


@dataclasses.dataclass
class Row:
    """One call. Sound, ports and processes are filled in by Calls. Formats and codecs are spelt as audio-source does."""
    name: str
    delay_ms: float
    framing: str = "rtp"
    relay: tuple = ()
    served: bool = False  # the sink fetches from the relay, which is the server then
    fetched: bool = False  # the relay fetches from the source
    codec: str = ""
    out_framing: str = ""  # as the source's
    out_codec: str = ""
    in_port: int = 0
    out_port: int = 0

    def __post_init__(self):
        self.codec = self.codec or ("pcmu" if self.framing == "rtp" else "pcm16")
        self.out_framing = self.out_framing or self.framing
        self.out_codec = self.out_codec or self.codec

    def plan(self):
        """For test-truth."""
        return {"row": self.name, "framing": self.framing, "codec": self.codec, "in_port": self.in_port,
                "in_served": self.fetched, "out_framing": self.out_framing, "out_codec": self.out_codec,
                "out_port": self.out_port, "served": self.served}


FORMATS = {
    "RTP u-law 20>20 ms": {"framing": "rtp", "relay": ("--phase-ms=10",)},
    "RTP u-law 20>30 ms": {"framing": "rtp", "relay": ("--out-ptime=30",)},
    "PCM16 TCP re-cut": {"framing": "tcp", "relay": ("--recut", "160", "1400")},
    "WebSocket masked>not": {"framing": "websocket", "served": True},
    "PCM16 UDP 20>20 ms": {"framing": "udp", "relay": ("--phase-ms=10",)},
}
DELAYS_MS = (0, 23, 270, 2130)


def rows(formats, delays=DELAYS_MS):
    return [Row(f"{name} +{delay}", delay, **FORMATS[name]) for name in formats for delay in delays]


def recordings():
    """Sound files of speech, in an order of no meaning."""
    files = sorted(str(path) for path in SOUNDS.rglob("*.wav"))
    files = [path for path in files if not any(word in path for word in NOT_SPEECH + SAID_TWICE)]
    random.Random(1).shuffle(files)
    return files


def length_of(file):
    with wave.open(file) as sound:
        return sound.getnframes() / sound.getframerate()


def speech(parts, seconds):
    """Lists of sound files, at least so long and without a file in common; None where Debian's are not installed."""
    files = recordings()
    lists = []
    for _ in range(parts):
        chosen, length = [], 0.0
        while length < seconds and files:
            chosen.append(files.pop())
            length += length_of(chosen[-1])
        if length < seconds:
            return None
        lists.append(chosen)
    return lists


def located(capture, plan):
    """By row of the plan what test-truth says of it, with its windows by signature."""
    found = {}
    for line in support.command(support.BUILD / "test-truth", "locate", capture, plan).splitlines():
        item = json.loads(line)
        if "signature" in item:
            found[item["row"]]["windows"].setdefault(item["signature"], []).append(item)
        else:
            found[item["row"]] = item | {"windows": {}}
    return found


class Calls:
    """Context manager around the processes of all rows and the capture. Order: `with Calls(...) as calls`, start the
    program under test with calls.ports(), then calls.play()."""

    def __init__(self, calls, seconds, namespace=None, skip_ports=(), sounds=None):
        self.rows, self.seconds, self.namespace = calls, seconds, namespace
        self.skip_ports, self.sounds = skip_ports, sounds
        self.directory = tempfile.TemporaryDirectory(prefix="alt-calls-")
        self.processes, self.sources = [], []

    def __enter__(self):
        try:
            self._start_capture()
            for row in self.rows:
                self._start_row(row)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.sources + self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
        self.directory.cleanup()

    def ports(self):
        """For AUDIO_PORTS."""
        return ",".join(f"{port}/rtp" if row.framing == "rtp" else str(port)
                        for row in self.rows for port in (row.in_port, row.out_port))

    def play(self):
        sounds = self.sounds or speech(len(self.rows), self.seconds)
        for index, row in enumerate(self.rows):
            what = sounds[index] if sounds else [f"--seed={index + 1}"]
            where = "--serve" if row.fetched else "--to"
            self.sources.append(self._spawn("audio-source", f"{where}=127.0.0.1:{row.in_port}", f"--format={row.framing}",
                                            f"--codec={row.codec}", f"--seconds={self.seconds}", *what))
            if row.fetched:
                self._fetch(row)
        return "recorded" if sounds else "synthesised"

    def playing(self):
        for process in self.sources:
            if process.poll() not in (None, 0):
                raise AssertionError(f"audio-source ended with exit status {process.returncode}")
        return any(process.poll() is None for process in self.sources)

    def truth(self):
        """Ends the capture. {row name: {"source", "dest", "speech_seconds", "windows": {signature: [window]}}}, a
        window being {"second", "in_ns", "out_ns"} by the kernel's stamps of the packets with the window's last byte."""
        time.sleep(0.3)  # the capture hands packets over ten times a second
        self.capture.send_signal(signal.SIGTERM)
        printed = self.capture.communicate(timeout=60)[0]
        assert self.capture.returncode == 0, f"the capture lost packets: {printed.strip()}"
        plan = pathlib.Path(self.directory.name, "plan.json")
        plan.write_text(json.dumps([row.plan() for row in self.rows]))
        return located(self._capture_file(), plan)

    def _capture_file(self):
        return pathlib.Path(self.directory.name, "truth.pcap")

    def _start_capture(self):
        others = " and ".join(f"not port {port}" for port in self.skip_ports) or "ip"
        self.capture = self._spawn("test-truth", "capture", "lo", self._capture_file(), others)
        self.processes.append(self.capture)
        self._line(self.capture)

    def _start_row(self, row):
        """All but the source, and but what waits for it."""
        # Not left to the kernel, which gives the same number to one protocol and to the other.
        row.in_port, row.out_port = self._free_port(), self._free_port()
        sink = (f"--format={row.out_framing}", f"--codec={row.out_codec}")
        if not row.served:
            self._line(self._relay(f"--listen=127.0.0.1:{row.out_port}", *sink))
        if row.fetched:
            return
        process = self._relay(f"--listen=127.0.0.1:{row.in_port}", *self._relaying(row))
        self._line(process)
        if row.served:
            self._line(process)
            self._relay(f"--from=127.0.0.1:{row.out_port}", *sink)

    @staticmethod
    def _relaying(row):
        output = "--serve" if row.served else "--to"
        return (f"--format={row.framing}", f"--codec={row.codec}", f"--out-format={row.out_framing}",
                f"--out-codec={row.out_codec}", f"--delay-ms={row.delay_ms}", *row.relay,
                f"{output}=127.0.0.1:{row.out_port}")

    def _fetch(self, row):
        self._relay(f"--from=127.0.0.1:{row.in_port}", *self._relaying(row))
        if row.served:
            self._relay(f"--from=127.0.0.1:{row.out_port}", f"--format={row.out_framing}", f"--codec={row.out_codec}")

    def _free_port(self):
        with support.inside(self.namespace):
            return support.free_port()

    def _relay(self, *arguments):
        process = self._spawn("audio-relay", *arguments)
        self.processes.append(process)
        return process

    def _spawn(self, program, *arguments):
        enter = ["nsenter", f"--net=/run/netns/{self.namespace}"] if self.namespace else []
        return subprocess.Popen([*enter, str(support.BUILD / program), *map(str, arguments)], text=True, bufsize=1,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    @staticmethod
    def _line(process):
        """The next line that the process prints; it prints few, so none waits unread in the pipe's buffer."""
        line = process.stdout.readline()
        assert line, f"{process.args}: ended with exit status {process.wait()}"
        return line
