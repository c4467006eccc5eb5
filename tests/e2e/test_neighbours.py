# SPDX-License-Identifier: Apache-2.0
"""Foreign TC programs that end the chain work before, during and after ours, and ours still sees every packet."""
import contextlib
import json
import subprocess

import support
from support import Agent, Namespaces, command, eventually, total

PACKETS = 500


class Foreign:
    """A foreign program on the ingress of veth0."""

    def __init__(self, namespace, mode):
        self.process = subprocess.Popen(["ip", "netns", "exec", namespace, support.BUILD / "test-neighbour", "veth0",
                                         mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n", f"the foreign {mode} program does not attach"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        assert self.process.wait(10) == 0, "the foreign program was not there any more to be taken off"

    def count(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


class Cable:
    def __init__(self, namespaces):
        self.left, self.right = namespaces.add("left"), namespaces.add("right")
        namespaces.veth(self.left, self.right, ["10.9.1.1/24"], ["10.9.1.2/24"])
        self.mac = json.loads(namespaces.ip(self.right, "-j", "link", "show", "veth0"))[0]["address"]

    def send(self):
        command("ip", "netns", "exec", self.left, support.BUILD / "test-flood", "veth0", self.mac, PACKETS)

    def show(self):
        return command("ip", "netns", "exec", self.right, support.BUILD / "test-neighbour", "veth0", "show")


def seen_by(agent):
    return total(agent.metrics(), "audio_packets_total", interface="veth0", direction="ingress")


def expect_foreign(foreign, count):
    eventually(lambda: foreign.count() >= count, 10, f"{count} packets at the foreign program")
    assert foreign.count() == count, f"the foreign program saw {foreign.count()} packets, not {count}"


def expect_ours(agent, count):
    eventually(lambda: seen_by(agent) >= count, 15, f"{count} packets in audio_packets_total")
    assert seen_by(agent) == count, f"ours saw {seen_by(agent)} packets, not {count}"


def coexist(mode):
    with Namespaces("neighbours") as namespaces:
        cable = Cable(namespaces)
        with Foreign(cable.right, mode) as foreign:
            cable.send()
            expect_foreign(foreign, PACKETS)
            with Agent(cable.right, INTERFACE="veth0") as agent:
                cable.send()
                expect_foreign(foreign, 2 * PACKETS)
                expect_ours(agent, PACKETS)
                order = [line["message"] for line in agent.log("tc_attached")]
            assert any("foreign" in line and "before" in line for line in order), f"the order is not told: {order}"
            cable.send()
            expect_foreign(foreign, 3 * PACKETS)
            assert "al_" not in cable.show(), f"something of ours is left: {cable.show()}"
        return order[0]


def a_foreign_tcx_program_before_ours():
    return coexist("tcx")


def a_foreign_clsact_filter_before_ours():
    return coexist("clsact")


def foreign_programs_that_come_later():
    with Namespaces("neighbours") as namespaces:
        cable = Cable(namespaces)
        with Agent(cable.right, INTERFACE="veth0") as agent:
            for turn, mode in enumerate(("tcx", "clsact")):
                with Foreign(cable.right, mode) as foreign:
                    cable.send()
                    expect_foreign(foreign, PACKETS)
                    expect_ours(agent, (turn + 1) * PACKETS)


def a_clsact_filter_behind_a_tcx_program_says_so():
    with Namespaces("neighbours") as namespaces:
        cable = Cable(namespaces)
        with Foreign(cable.right, "tcx") as foreign:
            with Agent(cable.right, INTERFACE="veth0", ATTACH_MODE="clsact") as agent:
                cable.send()
                expect_foreign(foreign, PACKETS)
                warning = [line["message"] for line in agent.log("attach_error")]
                assert any("foreign" in line and "not seen" in line for line in warning), f"no warning: {agent.text()}"
                return warning[0]


if __name__ == "__main__":
    support.main("neighbours", [a_foreign_tcx_program_before_ours, a_foreign_clsact_filter_before_ours,
                                foreign_programs_that_come_later, a_clsact_filter_behind_a_tcx_program_says_so])
