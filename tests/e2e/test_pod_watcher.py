# SPDX-License-Identifier: Apache-2.0
"""Pods are named by an API server, in /metrics, from their creation to the reuse of their address; what it refuses is
said; forged senders are counted; a ClusterIP is the pod behind it, or else its Service."""
import os
import socket
import time

from fake_api import FakeApi
from pod_node import PORT, PodNode, comes_to_be, life_of_pods, speakers
from support import command, eventually, inside, main, total

SERVICE = "10.96.7.7"


def from_creation_to_the_reuse_of_an_address():
    with PodNode("watcher") as node, FakeApi(node.name) as api:
        life_of_pods(node, api)


def a_refusal_is_said_and_addresses_go_on():
    with PodNode("watcher") as node, FakeApi(node.name) as api:
        api.create("talker")
        api.assign("talker", node.address(1))
        api.refuse(403, 'pods is forbidden: User "x" cannot list resource "pods"')
        with node.pod(1), node.pod(2) as listener, node.listening(2), node.talking(1, listener), \
                node.agent(api, ready=False) as agent:
            reason = eventually(lambda: (lambda got: got[0] == 503 and "forbidden" in got[1] and got[1])(
                agent.get("/readyz")), 20, "/readyz 503")
            assert "grant this service account get, list and watch on pods" in reason, reason
            comes_to_be(agent, "-", "address")
            api.refuse()
            comes_to_be(agent, "media", "talker")
            eventually(lambda: agent.get("/readyz")[0] == 200, 20, "/readyz 200")
            return reason.strip()


def what_was_known_stays_known_while_the_server_is_away():
    with PodNode("watcher") as node, FakeApi(node.name) as api:
        api.create("talker")
        api.assign("talker", node.address(1))
        with node.pod(1), node.pod(2) as listener, node.listening(2), node.talking(1, listener), \
                node.agent(api) as agent:
            comes_to_be(agent, "media", "talker")
            api.stop()
            eventually(lambda: agent.get("/readyz")[0] == 503, 20, "/readyz 503")
            assert speakers(agent) == {("media", "talker")}
            api.start()
            eventually(lambda: agent.get("/readyz")[0] == 200, 60, "/readyz 200")
            api.create("second")
            eventually(lambda: total(agent.metrics(), "audio_identity_pods") == 2, 20, "the second pod")


def a_forged_sender_is_counted_and_not_named():
    with PodNode("watcher") as node, FakeApi(node.name) as api:
        for number in (1, 2):
            api.create(f"pod-{number}")
            api.assign(f"pod-{number}", node.address(number))
        with node.pod(1), node.pod(2) as listener, node.listening(2), node.talking(1, listener), \
                node.agent(api) as agent:
            comes_to_be(agent, "media", "pod-1")
            assert total(agent.metrics(), "audio_packets_total", verdict="spoofed") == 0
            with inside(node.namespace(1)):
                forger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            with forger:
                forger.setsockopt(socket.SOL_IP, getattr(socket, "IP_TRANSPARENT", 19), 1)
                forger.bind((node.address(2), 4000))  # the other pod's address
                for _ in range(200):
                    forger.sendto(b"\x80\x00" + os.urandom(800), (listener, PORT))
                    time.sleep(0.002)
            count = eventually(lambda: total(agent.metrics(), "audio_packets_total", verdict="spoofed",
                                             interface="cali-1", direction="ingress"), 20, "spoofed packets")
            assert count <= 200, f"{count:.0f} of 200 packets"
            names = {dict(labels)["pod"] for (name, labels), value in agent.metrics().items()
                     if name == "audio_signatures_total" and value > 0}
            assert "pod-2" not in names, f"the forged sender has a name: {names}"
            return f"{count:.0f} of 200 packets had a window and are counted"


def receivers(agent):
    return {dict(labels)["dest_pod"] for (name, labels), value in agent.metrics().items()
            if name == "audio_latency_seconds_count" and value > 0}


def call_to_a_service(node, api, interfaces, prepare, wanted=None):
    """source -> relay -> the Service's address; returns what the receiver is called, once it is called as wanted."""
    for number, name in ((1, "source"), (2, "relay"), (3, "sink")):
        api.create(name)
        api.assign(name, node.address(number))
    api.serve("mixer", SERVICE, PORT)
    with node.pod(1), node.pod(2) as relay, node.pod(3):
        prepare(node)
        with node.listening(3), node.relaying(2, SERVICE), node.talking(1, relay), \
                node.agent(api, INTERFACE=interfaces, DIRECTION="both", K8S_WATCH_SERVICES="true") as agent:
            return eventually(lambda: (lambda names: (wanted is None or wanted in names) and names)(receivers(agent)), 60,
                              f"a latency to {wanted or 'somebody'}")


def translate(node):
    """As kube-proxy does."""
    command("nsenter", f"--net=/run/netns/{node.name}", "nft", f"""
        add table ip kube
        add chain ip kube services {{ type nat hook prerouting priority dstnat; }}
        add rule ip kube services ip daddr {SERVICE} udp dport {PORT} dnat to {node.address(3)}:{PORT}""")


def answer_for_it(node):
    """The pod has the Service's address itself: nothing is translated on the way."""
    node.namespaces.ip(node.namespace(3), "address", "add", f"{SERVICE}/32", "dev", "lo")
    node.namespaces.ip(node.name, "route", "add", SERVICE, "via", node.address(3))


def a_service_is_the_pod_that_is_seen_behind_it():
    with PodNode("watcher") as node, FakeApi(node.name) as api:
        names = call_to_a_service(node, api, "cali-1,cali-2,cali-3", translate)
        assert names == {"sink"}, names


def a_service_is_the_pod_that_connections_are_tracked_to():
    """The pod's own interface is not watched; the node knows where it translates to."""
    with PodNode("watcher") as node, FakeApi(node.name) as api:
        names = call_to_a_service(node, api, "cali-1,cali-2", translate, wanted="sink")
        assert names <= {"sink", "mixer"}, names  # until it was asked, it was the Service
        return names


def a_service_that_nobody_is_seen_behind_reads_as_itself():
    with PodNode("watcher") as node, FakeApi(node.name) as api:
        names = call_to_a_service(node, api, "cali-1,cali-2", answer_for_it)
        assert names == {"mixer"}, names


if __name__ == "__main__":
    main("pod_watcher", [from_creation_to_the_reuse_of_an_address, a_refusal_is_said_and_addresses_go_on,
                         what_was_known_stays_known_while_the_server_is_away,
                         a_forged_sender_is_counted_and_not_named, a_service_is_the_pod_that_is_seen_behind_it,
                         a_service_is_the_pod_that_connections_are_tracked_to,
                         a_service_that_nobody_is_seen_behind_reads_as_itself])
