# SPDX-License-Identifier: Apache-2.0
"""A node with hosts of other people's programs on it: namespaces on one bridge, as pods are, the program under test on
the node with nothing configured but the interfaces, and a capture of the same packets for the truth."""
import contextlib
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import wave

import demo_calls
import third_party_truth
from support import PROGRAM, Agent, Namespaces, Skip, command, eventually


def once(make):
    """Calls it at most once; who asks again gets the same answer, or the same exception."""
    @functools.cache
    def attempt():
        try:
            return make(), None
        except Exception as error:
            return None, error

    def get():
        value, error = attempt()
        if error is not None:
            raise error
        return value
    return get


def need(*programs):
    """Skips where Debian's packages of them (scripts/setup.sh) are not installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise Skip(f"not installed: {', '.join(missing)}")


class Node:
    """Context manager: `hosts` are labels, the n-th has the address 10.66.0.n; `calls` is how many sounds are needed,
    of `seconds` each. Leaving the block ends what run() started."""

    def __init__(self, test, hosts, calls, seconds):
        need("tcpdump")
        self.test, self.seconds = test, seconds
        self.directory = tempfile.TemporaryDirectory(prefix="alt-third-")
        self.address = {label: f"10.66.0.{number}" for number, label in enumerate(hosts, 1)}
        self.space, self.processes = {}, []
        self.sounds = self._sounds(calls)

    def __enter__(self):
        self.spaces = Namespaces(self.test)
        try:
            self._cable()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            self.end(process, signal.SIGKILL)
        self.spaces.__exit__()
        self.directory.cleanup()

    def _cable(self):
        self.watched = self.spaces.add("node")
        self.spaces.ip(self.watched, "link", "add", "br0", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        self.spaces.quiet(self.watched, "br0")
        self.spaces.ip(self.watched, "link", "set", "br0", "up")
        for number, (label, address) in enumerate(self.address.items(), 1):
            self.space[label] = self.spaces.add(label)
            self.spaces.veth(self.space[label], self.watched, [f"{address}/24"], right_name=f"veth{number}")
            self.spaces.ip(self.watched, "link", "set", f"veth{number}", "master", "br0")

    def path(self, name, text=None):
        """A file of this test, written where there is a text."""
        path = pathlib.Path(self.directory.name, name)
        if text is not None:
            path.write_text(text)
        return path

    def _sounds(self, calls):
        """WAVE files of recorded speech, with nothing in common."""
        lists = demo_calls.speech(calls, self.seconds)
        if lists is None:
            raise Skip(f"no recorded speech below {demo_calls.SOUNDS}")
        return [self._join(files, self.path(f"speech{number}.wav")) for number, files in enumerate(lists)]

    def _join(self, files, path):
        linear = b""
        for name in files:
            with wave.open(name) as sound:
                linear += sound.readframes(sound.getnframes())
        with wave.open(str(path), "wb") as to:
            to.setparams((1, 2, 8000, 0, "NONE", None))
            to.writeframes(linear[:self.seconds * 16000])
        return path

    @contextlib.contextmanager
    def agent(self):
        with Agent(self.watched, INTERFACE="veth*", LOG_LEVEL="debug") as agent:
            time.sleep(1.1)  # what begins within a second may have been running before, and waits (matching.md)
            yield agent

    def run(self, label, *words, **options):
        """Starts a program on a host; what it prints is kept for the message of a failure."""
        log = self.path(f"{len(self.processes)}-{pathlib.Path(str(words[0])).name}.log")
        with open(log, "w", encoding="utf-8") as output:
            process = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.space.get(label, self.watched)}",
                                        *map(str, words)], stdin=subprocess.DEVNULL,
                                       **{"stdout": output, "stderr": output, "cwd": self.directory.name} | options)
        process.log = log
        self.processes.append(process)
        return process

    def end(self, process, how=signal.SIGTERM):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        if process.poll() is None:
            process.kill()
            process.wait()

    def finished(self, *processes):
        """All have ended by themselves, with exit status 0."""
        def over():
            self.none_failed()
            return all(process.poll() == 0 for process in processes)
        eventually(over, self.seconds + 60, "the end of the sources", interval=0.1)

    def none_failed(self):
        """Ends the test where a program has ended with an error."""
        for process in self.processes:
            if process.poll() not in (None, 0):
                raise RuntimeError(f"{' '.join(process.args[2:])}: exit {process.returncode}: {self.said(process)}")

    @staticmethod
    def said(process):
        return process.log.read_text(errors="replace")[-2000:]

    def listening(self, label, *ports, kind="udp", timeout=30):
        """Until a program on the host has each of the ports."""
        def bound():
            self.none_failed()
            lines = command("ip", "netns", "exec", self.space[label], "ss", "-Hln", f"--{kind}").splitlines()
            return set(ports) <= {int(line.split()[3].rsplit(":", 1)[1]) for line in lines}
        eventually(bound, timeout, f"{kind} ports {ports} of {label}", interval=0.1)

    @contextlib.contextmanager
    def captured(self):
        """Packets as they enter the node, complete. Read them by `packets` afterwards. See scenario_live.stamping for
        the microseconds."""
        path = self.path("capture.pcap")
        dump = self.run(None, "tcpdump", "-i", "any", "-y", "LINUX_SLL2", "-w", path, "-n", "-Q", "in", "-B", "32768",
                        "-U", "--time-stamp-precision=micro", stderr=subprocess.PIPE, text=True)
        while "listening" not in (line := dump.stderr.readline()):
            assert line, "tcpdump ended"
        try:
            yield
        finally:
            dump.send_signal(signal.SIGINT)
            dump.communicate(timeout=30)
        self.packets = third_party_truth.read_capture(path)


def flows_command(agent):
    """What `audio-latency flows` prints."""
    return command("nsenter", f"--net=/run/netns/{agent.namespace}", PROGRAM, "flows", "--metrics-port", agent.port)


def settled(agent):
    """Until nothing more is logged; returns every match."""
    sizes = [-1]

    def quiet():
        sizes.append(os.path.getsize(agent.output.name))
        return sizes[-1] == sizes[-2]
    eventually(quiet, 60, "the end of the log", interval=0.3)
    return agent.log("latency_calculation")
