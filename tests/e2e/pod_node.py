# SPDX-License-Identifier: Apache-2.0
"""A node with pods, as far as the tests of naming need one: network namespaces behind veths, the agent on the node's side,
audio between the pods. Who is behind an address is for an API server to say: a FakeApi, or a real one's (tests/cluster)."""
import contextlib
import pathlib
import subprocess

from support import BUILD, Agent, Namespaces, command, eventually, inside

PORT = 5004


class PodNode:
    """Used as a context manager. A pod called N has the address 10.77.N.2, its interface on the node is called cali-N."""

    def __init__(self, test):
        self.namespaces = Namespaces(test)

    def __enter__(self):
        self.name = self.namespaces.add("node")
        with inside(self.name):
            pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        return self

    def __exit__(self, *_):
        self.namespaces.__exit__()

    @staticmethod
    def address(number):
        return f"10.77.{number}.2"

    @contextlib.contextmanager
    def pod(self, number):
        """Its network, from creation to removal; yields its address."""
        namespace = self.namespaces.add(f"pod{number}")
        self.namespaces.veth(self.name, namespace, [f"10.77.{number}.1/24"], [f"{self.address(number)}/24"],
                             left_name=f"cali-{number}", right_name="eth0")
        self.namespaces.ip(namespace, "route", "add", "default", "via", f"10.77.{number}.1")
        try:
            yield self.address(number)
        finally:
            self.namespaces.ip(self.name, "link", "delete", f"cali-{number}")
            command("ip", "netns", "delete", namespace)

    def namespace(self, number):
        return f"{self.namespaces.prefix}pod{number}"

    @contextlib.contextmanager
    def program(self, number, *words):
        """A program that runs in the pod."""
        process = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.namespace(number)}", str(BUILD / words[0]),
                                    *map(str, words[1:])], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def listening(self, number):
        return self.program(number, "audio-relay", "--format", "rtp", "--listen", f"0.0.0.0:{PORT}")

    def relaying(self, number, to, delay_ms=150):
        return self.program(number, "audio-relay", "--format", "rtp", "--listen", f"0.0.0.0:{PORT}", "--to",
                            f"{to}:{PORT}", "--delay-ms", delay_ms)

    def talking(self, number, to):
        return self.program(number, "audio-source", "--format", "rtp", "--to", f"{to}:{PORT}", "--loop")

    def agent(self, api, ready=True, **variables):
        settings = {"INTERFACE": "auto", "AUDIO_PORTS": f"{PORT}/rtp", "K8S_ENABLED": "true"}
        return Agent(self.name, ready=ready, prefix=api.prefix, **(settings | api.settings() | variables))


def speakers(agent):
    """(namespace, name) of who has spoken since the metrics were read before that."""
    def counts():
        return {(dict(labels)["namespace"], dict(labels)["pod"]): value for (name, labels), value
                in agent.metrics().items() if name == "audio_signatures_total"}
    before = counts()
    return eventually(lambda: {who for who, value in counts().items() if value > before.get(who, 0)}, 20, "a signature",
                      interval=0.5)


def comes_to_be(agent, namespace, name):
    """Until the one who speaks has that name; "address": none but its address and port."""
    def named():
        found = speakers(agent)
        if name == "address":
            return all(where == "-" and ":" in who for where, who in found)
        assert found == {(namespace, name)}, f"{found} speaks"
        return True
    eventually(named, 40, f"{namespace}/{name} as the one who speaks")


def life_of_pods(node, api, **variables):
    """Added, given an address, relabelled, deleted, the address handed on."""
    with node.pod(2) as listener, node.listening(2), node.agent(api, METRIC_IDENTITY="workload", **variables) as agent:
        with node.pod(1) as address, node.talking(1, listener):
            comes_to_be(agent, "-", "address")
            api.create("first", {"app": "alpha"})
            comes_to_be(agent, "-", "address")
            api.assign("first", address)
            comes_to_be(agent, api.namespace, "alpha")
            api.relabel("first", {"app": "beta"})
            comes_to_be(agent, api.namespace, "beta")
        api.delete("first")
        with node.pod(1) as address, node.talking(1, listener):
            comes_to_be(agent, "-", "address")
            api.create("second", {"app": "gamma"})
            api.assign("second", address)
            comes_to_be(agent, api.namespace, "gamma")
            agent.stop()
            with node.agent(api, METRIC_IDENTITY="pod", **variables) as other:
                comes_to_be(other, api.namespace, "second")
    api.delete("second")
