# SPDX-License-Identifier: Apache-2.0
"""Several nodes on one machine: a network namespace each, on one bridge with a real nats-server, and calls that cross
them. `Cluster(test, nodes)` is a context manager; node i has the address 10.77.0.(10 + i)."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import demo_calls
import demo_report
import support

HUB = "10.77.0.1"
PORT = 4222
BUS_URL = f"nats://{HUB}:{PORT}"
AUDIO = range(5000, 5200)


def long_only():
    """What takes long, or the whole machine: AL_BUS_LONG=1 runs it, too."""
    if not os.environ.get("AL_BUS_LONG"):
        raise support.Skip("set AL_BUS_LONG=1 to run it")


def address(node):
    return f"10.77.0.{10 + node}"


class Server:
    """A nats-server in a namespace; `config` is its configuration file's text."""

    def __init__(self, namespace, config="", port=PORT):
        self.namespace, self.port = namespace, port
        self.directory = tempfile.TemporaryDirectory(prefix="alt-nats-")
        self.log = pathlib.Path(self.directory.name, "log")
        self.config = pathlib.Path(self.directory.name, "nats.conf")
        self.config.write_text(f"port: {port}\n{config}\n")
        self.process = None
        self.start()

    def start(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.namespace}", "nats-server", "-c",
                                             str(self.config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        support.eventually(lambda: "Server is ready" in self.log.read_text(), 20, f"nats-server: {self.log}")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(20)
        self.log.write_text("")

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.directory.cleanup()


class Call:
    """Source on one node, relay on the next, sink on the third; each with sound of its own."""

    def __init__(self, cluster, number, nodes, delay_ms=270, seconds=20, sound=(), loopback=False):
        self.hosts = ["127.0.0.1"] * 3 if loopback else [address(node) for node in nodes]
        self.cluster, self.nodes, self.delay_ms, self.seconds, self.sound = cluster, nodes, delay_ms, seconds, sound
        self.seed = number + 1
        self.source, self.relay, self.sink = nodes
        self.in_port, self.out_port = AUDIO[2 * number], AUDIO[2 * number + 1]
        self.pair = None
        self.processes = []

    def listen(self):
        self._spawn(self.sink, "audio-relay", f"--listen={self.dest}", "--format=rtp")
        self._spawn(self.relay, "audio-relay", f"--listen={self.hosts[1]}:{self.in_port}", "--format=rtp",
                    f"--delay-ms={self.delay_ms}", "--phase-ms=10", f"--to={self.dest}")

    def play(self):
        what = self.sound or (f"--seed={self.seed}",)
        self.player = self._spawn(self.source, "audio-source", f"--to={self.hosts[1]}:{self.in_port}",
                                  "--format=rtp", f"--seconds={self.seconds}", *what)

    def playing(self):
        assert self.player.poll() in (None, 0), f"audio-source ended with exit status {self.player.returncode}"
        return self.player.poll() is None

    @property
    def dest(self):
        return f"{self.hosts[2]}:{self.out_port}"

    def _spawn(self, node, program, *arguments):
        process = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.cluster.spaces[node]}",
                                    str(support.BUILD / program), *arguments], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()


class Cluster:
    """The nodes' namespaces, the server and whatever runs there."""

    def __init__(self, test, nodes, config="", server=True):
        if not shutil.which("nats-server"):
            raise support.Skip("nats-server is not installed (scripts/setup.sh test)")
        self.namespaces = support.Namespaces(test)
        self.nodes, self.config, self.wants_server = nodes, config, server
        self.cleanup = contextlib.ExitStack()
        self.agents, self.calls, self.server = [], [], None

    def __enter__(self):
        try:
            self.cleanup.enter_context(self.namespaces)
            self.hub = self.namespaces.add("hub")
            ip = self.namespaces.ip
            ip(self.hub, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
            self.namespaces.quiet(self.hub, "br0")
            ip(self.hub, "address", "add", f"{HUB}/24", "dev", "br0")
            ip(self.hub, "link", "set", "br0", "up")
            self.spaces = [self.namespaces.add(f"n{node}") for node in range(self.nodes)]
            for node, space in enumerate(self.spaces):
                self.namespaces.veth(self.hub, space, (), (f"{address(node)}/24",), f"port{node}", "veth0")
                ip(self.hub, "link", "set", f"port{node}", "master", "br0")
            if self.wants_server:
                self.server = Server(self.hub, self.config)
                self.cleanup.callback(self.server.close)
        except BaseException:
            self.cleanup.close()
            raise
        return self

    def __exit__(self, kind, *_):
        for agent in self.agents:
            if agent.process.poll() is None:
                agent.kill()
            if kind not in (None, support.Skip):
                print(f"    log of {agent.namespace}:\n" + agent.text()[-1500:])
            agent.output.close()
        for call in self.calls:
            call.close()
        self.cleanup.close()

    def start_agent(self, node, name=None, ready=True, **variables):
        """The program on a node. `name` is what the node's own names file calls its address."""
        options = {"INTERFACE": "veth0", "DIRECTION": "both", "BUS_URL": BUS_URL, "K8S_NODE_NAME": f"node-{node}",
                   "AUDIO_PORTS": ",".join(f"{port}/rtp" for port in AUDIO), "METRICS_ADDRESS": "0.0.0.0"}
        if name:
            names = pathlib.Path(self.directory(), f"names-{node}.yaml")
            names.write_text(f"names:\n  \"{address(node)}\": {name}\n")
            options["NAMES_FILE"] = str(names)
        agent = support.Agent(self.spaces[node], ready=ready, **(options | variables))
        agent.node = node
        self.agents.append(agent)
        return agent

    def directory(self):
        if not hasattr(self, "_directory"):
            self._directory = self.cleanup.enter_context(tempfile.TemporaryDirectory(prefix="alt-bus-"))
        return self._directory

    def meet(self, agents=None, members=None):
        """Waits until each of the daemons hears all the others."""
        agents = agents or self.agents
        wanted = members or len(agents)
        for agent in agents:
            support.eventually(lambda each=agent: support.total(each.metrics(), "audio_bus_members") == wanted, 20,
                               f"{agent.namespace} hears {wanted} members")

    def add_call(self, nodes, **how):
        call = Call(self, len(self.calls), nodes, **how)
        self.calls.append(call)
        call.listen()
        return call

    def listening(self):
        """All relays and sinks have bound their ports."""
        for call in self.calls:
            for node, port in ((call.relay, call.in_port), (call.sink, call.out_port)):
                support.eventually(lambda space=self.spaces[node], each=port: f":{each} " in support.command(
                    "nsenter", f"--net=/run/netns/{space}", "ss", "-Huln"), 20, f"port {port} of node {node}")


def matches_of(agents, kind="latency"):
    """What the daemons have recorded, each with the node that did."""
    found = []
    for agent in agents:
        for match in agent.api("matches?limit=4096"):
            if match["kind"] == kind:
                found.append(match | {"node": agent.node})
    return found


def count(agents, name="audio_latency_seconds_count", **labels):
    return sum(support.total(agent.metrics(), name, **labels) for agent in agents)


def settled(agents, timeout=20):
    """Waits until nothing new is recorded for longer than the second between two publications."""
    def quiet():
        before = count(agents)
        time.sleep(1.8)
        return count(agents) == before
    support.eventually(quiet, timeout, "the last matches", 0)


def repeated(matches):
    """Latencies that were recorded more than once: the same signature on the same pair at the same time."""
    seen, twice = {}, []
    for match in matches:
        key = (match["source"], match["dest"], match["signature"], match["domain"])
        for other in seen.setdefault(key, []):
            # A second sighting of a signature is at least MAX_LATENCY later; a second record is of the same moment.
            if abs(other["latency_seconds"] - match["latency_seconds"]) < 0.005 and same_moment(other, match):
                twice.append((other, match))
        seen[key].append(match)
    return twice


def same_moment(a, b):
    return abs(demo_report.nanoseconds(a["time"]) - demo_report.nanoseconds(b["time"])) < 50_000_000


def sounds(number, seconds):
    """Speech for each call: recorded where it is installed, else synthesised."""
    return demo_calls.speech(number, seconds) or [()] * number
