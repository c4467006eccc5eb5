# SPDX-License-Identifier: Apache-2.0
"""What every end-to-end test needs: network namespaces, the program under test, polling, a runner.

A test is a function that raises AssertionError or Skip; its return value, if any, is printed. `main(NAME, tests)` runs
them. Times to wait are generous, since a loaded machine is no failure; values are compared strictly."""
import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

BUILD = pathlib.Path(os.environ.get("AL_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build")).resolve()
PROGRAM = BUILD / "audio-latency"
_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_HANDED_OUT = set()  # ports


class Skip(Exception):
    """This machine lacks something that the test needs; the message says what."""


def command(*words, check=True, timeout=120, **options):
    """Runs a program to its end and returns what it printed."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=timeout, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout if check else done


def eventually(predicate, timeout=10.0, what="the condition", interval=0.02):
    """Polls until `predicate()` is truthy and returns its value. What it raises counts as "not yet"."""
    deadline = time.monotonic() + timeout
    failure = None
    while True:
        try:
            value = predicate()
            if value:
                return value
            failure = None
        except (OSError, AssertionError, LookupError, ValueError, http.client.HTTPException) as error:
            failure = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout} s" + (f" ({failure!r})" if failure else ""))
        time.sleep(interval)


@contextlib.contextmanager
def inside(namespace):
    """This thread is in the named network namespace; sockets made here stay there. None: where it was already."""
    if namespace is None:
        yield
        return
    with open("/proc/thread-self/ns/net", "rb") as before, open(f"/run/netns/{namespace}", "rb") as there:
        _enter(there)
        try:
            yield
        finally:
            _enter(before)


def _enter(handle):
    if _LIBC.setns(handle.fileno(), _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespaces:
    """Network namespaces `alt-TEST-LABEL`, with those that a killed run left behind removed first."""

    def __init__(self, test):
        self.prefix = f"alt-{test}-"
        self._remove()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._remove()

    def add(self, label):
        name = self.prefix + label
        command("ip", "netns", "add", name)
        self.ip(name, "link", "set", "lo", "up")
        return name

    @staticmethod
    def ip(namespace, *words, **options):
        return command("ip", "-n", namespace, *words, **options)

    def veth(self, left, right, left_addresses=(), right_addresses=(), left_name="veth0", right_name="veth0", **link):
        """A cable between two namespaces; addresses as "10.0.0.1/24". Both ends are up and have IPv6 autoconf off."""
        self.ip(left, "link", "add", left_name, "type", "veth", "peer", "name", right_name, "netns", right)
        for namespace, name, addresses in ((left, left_name, left_addresses), (right, right_name, right_addresses)):
            self.quiet(namespace, name)
            for address in addresses:
                self.ip(namespace, "address", "add", address, "dev", name, *(["nodad"] if ":" in address else []))
            self.ip(namespace, "link", "set", name, *[str(w) for pair in link.items() for w in pair], "up")

    @staticmethod
    def quiet(namespace, name):
        """No packet but the test's own: no router solicitations, no duplicate address detection."""
        with inside(namespace), contextlib.suppress(FileNotFoundError):
            # /proc/sys/net shows the namespace of the thread that opens it.
            pathlib.Path(f"/proc/sys/net/ipv6/conf/{name}/addr_gen_mode").write_text("1")

    def _remove(self):
        for line in command("ip", "netns", "list").splitlines():
            name = line.split()[0]
            if name.startswith(self.prefix):
                for pid in command("ip", "netns", "pids", name).split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
                command("ip", "netns", "delete", name)


_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def parse_metrics(text):
    """{(name, frozenset of (label, value)): float} of the Prometheus text format."""
    samples = {}
    for line in text.splitlines():
        sample = _SAMPLE.match(line)
        if sample:
            samples[sample[1], frozenset(_LABEL.findall(sample[2] or ""))] = float(sample[3])
    return samples


def total(samples, name, **labels):
    """Sum of the samples of that name that have at least those labels."""
    wanted = set(labels.items())
    return sum(value for (sample, has), value in samples.items() if sample == name and wanted <= has)


class Agent:
    """The program under test, in a network namespace; used as a context manager. Options are environment variables:
    Agent(ns, INTERFACE="veth0", AUDIO_PORTS=5004). Leaving the block stops it by SIGTERM and expects exit status 0."""

    def __init__(self, namespace=None, arguments=(), ready=True, prefix=(), **variables):
        self.namespace = namespace
        self.ended = False  # by stop() or kill(): leaving the block expects nothing more
        self.port = int(variables.pop("METRICS_PORT", 0)) or (9090 if namespace else free_port())
        self.output = tempfile.NamedTemporaryFile("w+", prefix="alt-log-", suffix=".jsonl")
        environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "AL_BUILD")}
        environment |= {"LOG_FORMAT": "json", "METRICS_PORT": str(self.port), "K8S_ENABLED": "false",
                        "PROCESS_IDENTITY": "off"}
        environment |= {name: str(value) for name, value in variables.items()}
        enter = ["nsenter", f"--net=/run/netns/{namespace}"] if namespace else []
        self.process = subprocess.Popen([*enter, *prefix, str(PROGRAM), *map(str, arguments)], env=environment,
                                        stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output)
        if ready:
            self.wait_ready()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None and not self.ended:
            if self.process.poll() is not None:
                raise AssertionError(f"ended by itself: exit {self.process.returncode}: {self.text()[-2000:]}")
            self.stop()
        elif self.process.poll() is None:
            self.kill()
        if kind not in (None, Skip):
            print("    the program's log ends with:\n" + self.text()[-3000:])
        self.output.close()

    def wait_ready(self, timeout=30):
        def ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"the program ended: exit {self.process.returncode}: {self.text()[-2000:]}")
            return self.get("/readyz")[0] == 200
        try:
            eventually(ready, timeout, "/readyz")
        except BaseException:
            if self.process.poll() is None:
                self.kill()
            raise

    def get(self, path):
        """(status, body) of an HTTP request to the program."""
        with inside(self.namespace):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            connection.connect()
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def metrics(self):
        return parse_metrics(self.get("/metrics")[1])

    def api(self, what):
        """The JSON value of /api/v1/WHAT."""
        status, body = self.get(f"/api/v1/{what}")
        assert status == 200, f"/api/v1/{what}: {status}: {body}"
        return json.loads(body)

    def text(self):
        return pathlib.Path(self.output.name).read_text()

    def log(self, event_type=None):
        """The log lines as dictionaries, oldest first."""
        lines = [json.loads(line) for line in self.text().splitlines() if line.startswith("{") and line.endswith("}")]
        return [line for line in lines if event_type in (None, line.get("event_type"))]

    def stop(self, timeout=10):
        """SIGTERM, exit status 0; returns the seconds that it took."""
        start = time.monotonic()
        self.ended = True
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired as slow:
            self.kill()
            raise AssertionError(f"still running {timeout} s after SIGTERM") from slow
        assert status == 0, f"exit {status} after SIGTERM: {self.text()[-2000:]}"
        return time.monotonic() - start

    def kill(self):
        """SIGKILL: nothing is cleaned up but by the kernel."""
        self.ended = True
        self.process.kill()
        self.process.wait()


def free_port():
    """A port to listen on later: below those that the kernel gives to connections, which might take it meanwhile, and
    none that was handed out before."""
    first_of_kernel = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(10_000, max(first_of_kernel, 20_000))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _HANDED_OUT:
                _HANDED_OUT.add(port)
                return port


class Threads:
    """Base of what runs in threads of its own while a `with` block does: they stop when `end` is set."""

    def __init__(self):
        self.end = threading.Event()
        self.threads = []

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        for thread in self.threads:
            thread.join()
        self.close()

    def close(self):
        """The sockets, once nobody uses them any more."""


def main(name, tests):
    """Runs the tests, prints a line for each, and exits: 0 passed, 1 failed, 77 all skipped."""
    if os.geteuid() != 0:
        print(f"skip {name}: needs root")
        sys.exit(77)
    results = {"ok": 0, "skip": 0, "FAIL": 0}
    for test in tests:
        start = time.monotonic()
        try:
            detail, outcome = test(), "ok"
        except Skip as reason:
            detail, outcome = str(reason), "skip"
        except Exception as error:  # a test that crashes has failed; the others still run
            detail, outcome = f"{error}", "FAIL"
            if not isinstance(error, AssertionError):
                traceback.print_exc(file=sys.stdout)
        results[outcome] += 1
        note = f": {detail}" if detail else ""
        print(f"{outcome:4} {name}.{test.__name__} ({time.monotonic() - start:.1f} s){note}", flush=True)
    sys.exit(1 if results["FAIL"] else 0 if results["ok"] else 77)
