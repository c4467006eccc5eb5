# SPDX-License-Identifier: Apache-2.0
"""A million packets reach the other end of a cable alike, with the program on it and without."""
import json

import support
from support import Agent, Namespaces, command, eventually, inside, total

COUNT = 1_000_000


def counters(namespaces, namespace):
    """What the receiving device and the IP layer behind it have counted."""
    device = json.loads(namespaces.ip(namespace, "-s", "-j", "link", "show", "veth0"))[0]["stats64"]["rx"]
    with inside(namespace), open("/proc/thread-self/net/snmp", encoding="ascii") as file:
        names, values = [line.split()[1:] for line in file if line.startswith("Ip:")]
    ip = dict(zip(names, map(int, values)))
    return {"rx_packets": device["packets"], "rx_bytes": device["bytes"], "rx_errors": device["errors"],
            "rx_dropped": device["dropped"], "ip_in_receives": ip["InReceives"], "ip_in_address": ip["InAddrErrors"],
            "ip_in_header": ip["InHdrErrors"], "ip_in_discards": ip["InDiscards"]}


def flood(namespaces, left, right, count=COUNT):
    """Counters of the receiver, after minus before."""
    mac = json.loads(namespaces.ip(right, "-j", "link", "show", "veth0"))[0]["address"]
    before = counters(namespaces, right)
    command("ip", "netns", "exec", left, support.BUILD / "test-flood", "veth0", mac, count)
    eventually(lambda: counters(namespaces, right)["ip_in_receives"] - before["ip_in_receives"] >= count, 10,
               "all packets received")
    after = counters(namespaces, right)
    return {name: after[name] - before[name] for name in after}


def a_million_packets_fare_alike():
    with Namespaces("fate") as namespaces:
        left, right = namespaces.add("left"), namespaces.add("right")
        namespaces.veth(left, right, ["10.9.0.1/24"], ["10.9.0.2/24"])
        without = flood(namespaces, left, right)
        with Agent(right, INTERFACE="veth0", DIRECTION="both", SCAN_BUDGET_MBPS=100) as agent:
            attached = flood(namespaces, left, right)
            seen = eventually(lambda: total(agent.metrics(), "audio_packets_total", interface="veth0",
                                            direction="ingress") >= COUNT and agent.metrics(), 20, "all packets counted")
        assert without["ip_in_receives"] == COUNT, without
        assert without == attached, f"without the program {without}, with it {attached}"
        scanned = total(seen, "audio_packets_total", interface="veth0", verdict="scanned")
        return f"{attached}, {scanned:.0f} scanned"


if __name__ == "__main__":
    support.main("packet_fate", [a_million_packets_fare_alike])
