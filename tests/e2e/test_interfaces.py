# SPDX-License-Identifier: Apache-2.0
"""Interfaces that appear, are renamed and disappear while the program runs."""
import datetime
import statistics
import time

import support
from support import Agent, Namespaces, eventually, total

ROUNDS = 5
CHURN = 30


def attached(agent):
    return total(agent.metrics(), "audio_attached_interfaces")


def stamp(line):
    """Seconds since the epoch of a log line; its fraction may have nine digits."""
    whole, _, rest = line["timestamp"].rstrip("Z").partition(".")
    seconds = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc).timestamp()
    return seconds + float("0." + (rest or "0"))


def wait_for_line(agent, event_type, interface, count=1):
    def lines():
        found = [line for line in agent.log(event_type) if interface in line["message"]]
        return found if len(found) >= count else None
    return eventually(lines, 20, f"{count} × {event_type} of {interface}")


def attached_within_a_second():
    delays = []
    with Namespaces("interfaces") as namespaces:
        node = namespaces.add("node")
        with Agent(node, INTERFACE="pod*", DIRECTION="both") as agent:
            assert attached(agent) == 0
            for number in range(ROUNDS):
                name = f"pod{number}"
                namespaces.ip(node, "link", "add", name, "type", "veth", "peer", "name", f"other{number}")
                made = time.time()
                delays.append(stamp(wait_for_line(agent, "tc_attached", f"{name} egress")[0]) - made)
                eventually(lambda: attached(agent) == number + 1, 10, "audio_attached_interfaces")
            assert agent.log("attach_error") == [], agent.log("attach_error")
    assert statistics.median(delays) <= 1.0, f"attached after {delays} s"
    return "attached after the device was made, ms: " + ", ".join(f"{1000 * max(d, 0):.1f}" for d in delays)


def renamed_and_gone():
    with Namespaces("interfaces") as namespaces:
        node = namespaces.add("node")
        with Agent(node, INTERFACE="pod*") as agent:
            namespaces.ip(node, "link", "add", "pod1", "type", "veth", "peer", "name", "other1")
            wait_for_line(agent, "tc_attached", "pod1 ingress")
            namespaces.ip(node, "link", "set", "pod1", "name", "pod2")
            wait_for_line(agent, "tc_attached", "now called pod2")
            eventually(lambda: attached(agent) == 1, 10, "audio_attached_interfaces 1")
            namespaces.ip(node, "link", "set", "pod2", "name", "away")
            wait_for_line(agent, "tc_detached", "pod2 ingress")
            eventually(lambda: attached(agent) == 0, 10, "audio_attached_interfaces 0")
            namespaces.ip(node, "link", "set", "away", "name", "pod3")
            wait_for_line(agent, "tc_attached", "pod3 ingress")
            namespaces.ip(node, "link", "delete", "pod3")
            wait_for_line(agent, "tc_detached", "pod3 ingress")
            eventually(lambda: attached(agent) == 0, 10, "audio_attached_interfaces 0")
            assert agent.get("/readyz")[0] == 200, "a glob may wait"
            assert agent.log("attach_error") == [], agent.log("attach_error")


def a_named_interface_that_goes_is_said_and_comes_back():
    with Namespaces("interfaces") as namespaces:
        node = namespaces.add("node")
        namespaces.ip(node, "link", "add", "uplink", "type", "veth", "peer", "name", "other")
        with Agent(node, INTERFACE="uplink") as agent:
            namespaces.ip(node, "link", "delete", "uplink")
            eventually(lambda: agent.get("/readyz")[0] == 503, 10, "/readyz 503")
            reason = agent.get("/readyz")[1]
            assert "uplink" in reason, reason
            namespaces.ip(node, "link", "add", "uplink", "type", "veth", "peer", "name", "other")
            eventually(lambda: agent.get("/readyz")[0] == 200, 10, "/readyz 200")
            eventually(lambda: attached(agent) == 1, 10, "audio_attached_interfaces 1")
            assert agent.log("attach_error") == [], agent.log("attach_error")


def churn_is_no_error_loop():
    with Namespaces("interfaces") as namespaces:
        node = namespaces.add("node")
        with Agent(node, INTERFACE="pod*") as agent:
            for number in range(CHURN):
                namespaces.ip(node, "link", "add", f"pod{number}", "type", "veth", "peer", "name", f"other{number}")
                namespaces.ip(node, "link", "delete", f"pod{number}")
            namespaces.ip(node, "link", "add", "pod-last", "type", "veth", "peer", "name", "other-last")
            wait_for_line(agent, "tc_attached", "pod-last")
            eventually(lambda: attached(agent) == 1, 10, "audio_attached_interfaces 1")
            assert agent.log("attach_error") == [], agent.log("attach_error")
            lines = len(agent.log())
            assert lines <= 3 * CHURN, f"{lines} log lines"
            return f"{lines} log lines for {CHURN} devices made and deleted at once"


if __name__ == "__main__":
    support.main("interfaces", [attached_within_a_second, renamed_and_gone,
                                a_named_interface_that_goes_is_said_and_comes_back, churn_is_no_error_loop])
