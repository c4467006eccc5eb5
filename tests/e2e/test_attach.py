# SPDX-License-Identifier: Apache-2.0
"""What is on the interface after a clean end, after SIGKILL, and beside a second run."""
import support
from support import Agent, Namespaces, command, eventually
from test_neighbours import Foreign


def show(namespace):
    return command("ip", "netns", "exec", namespace, support.BUILD / "test-neighbour", "veth0", "show").splitlines()


def ours(namespace):
    return [line for line in show(namespace) if "al_" in line]


def qdiscs(namespace):
    return command("ip", "netns", "exec", namespace, "tc", "qdisc", "show", "dev", "veth0")


def place(namespaces):
    left, right = namespaces.add("left"), namespaces.add("right")
    namespaces.veth(left, right, ["10.9.2.1/24"], ["10.9.2.2/24"])
    return right


def sigterm_leaves_nothing():
    notes = []
    for mode in ("tcx", "clsact"):
        with Namespaces("attach") as namespaces:
            node = place(namespaces)
            with Agent(node, INTERFACE="veth0", DIRECTION="both", ATTACH_MODE=mode) as agent:
                assert len(ours(node)) == 2, f"{mode}: {show(node)}"
                assert all(mode in line.lower() for line in ours(node)), f"{mode}: {show(node)}"
                notes.append(f"{mode} {agent.stop():.2f} s")
                assert show(node) == [], f"{mode}: {show(node)}"
                assert "clsact" not in qdiscs(node), "the qdisc that this run made is left"
    return "ended in " + ", ".join(notes)


def sigkill_leaves_nothing_with_tcx():
    with Namespaces("attach") as namespaces:
        node = place(namespaces)
        with Agent(node, INTERFACE="veth0", DIRECTION="both", ATTACH_MODE="tcx") as agent:
            assert len(ours(node)) == 2
            agent.kill()
            # The kernel frees the link a moment after the process.
            eventually(lambda: show(node) == [], 10, "nothing left on the interface")


def the_next_start_removes_what_sigkill_left_with_clsact():
    with Namespaces("attach") as namespaces:
        node = place(namespaces)
        with Agent(node, INTERFACE="veth0", DIRECTION="both", ATTACH_MODE="clsact") as agent:
            agent.kill()
            assert len(ours(node)) == 2, f"clsact filters outlive the process: {show(node)}"
        with Agent(node, INTERFACE="veth0", ATTACH_MODE="clsact"):
            assert len(ours(node)) == 1, f"the stale filters are still there: {show(node)}"
        assert show(node) == [], show(node)
        with Agent(node, INTERFACE="veth0", ATTACH_MODE="clsact") as agent:
            agent.kill()
        with Agent(node, INTERFACE="lo", ATTACH_MODE="auto"):
            assert ours(node) == [], f"a start in another mode and place sweeps too: {show(node)}"


def foreign_filters_and_their_qdisc_stay():
    with Namespaces("attach") as namespaces:
        node = place(namespaces)
        with Foreign(node, "clsact"):
            before = show(node)
            assert len(before) == 1, before
            with Agent(node, INTERFACE="veth0", ATTACH_MODE="clsact") as agent:
                assert len(show(node)) == 2, show(node)
                agent.kill()
            with Agent(node, INTERFACE="veth0", ATTACH_MODE="clsact"):
                assert len(ours(node)) == 1, show(node)
            assert show(node) == before, f"{before} became {show(node)}"
        assert "clsact" in qdiscs(node), "somebody else's qdisc is gone"


def two_runs_do_not_remove_each_other():
    with Namespaces("attach") as namespaces:
        node = place(namespaces)
        with Agent(node, INTERFACE="veth0", ATTACH_MODE="clsact"):
            with Agent(node, INTERFACE="veth0", ATTACH_MODE="clsact", METRICS_PORT=9091):
                assert len(ours(node)) == 2, show(node)
            assert len(ours(node)) == 1, show(node)
        assert show(node) == [], show(node)
        assert "clsact" not in qdiscs(node), "the qdisc is left"


if __name__ == "__main__":
    support.main("attach", [sigterm_leaves_nothing, sigkill_leaves_nothing_with_tcx,
                            the_next_start_removes_what_sigkill_left_with_clsact,
                            foreign_filters_and_their_qdisc_stay, two_runs_do_not_remove_each_other])
