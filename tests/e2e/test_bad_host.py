# SPDX-License-Identifier: Apache-2.0
"""A host that lacks what is needed: one sentence, an exit status other than 0, nothing left attached."""
import contextlib
import pathlib
import socket
import subprocess

import support
from support import Agent, Namespaces, Skip, command, inside


def refuse(namespace, *, says, prefix=(), **variables):
    """Starts the program, expects it to give up, and returns what it wrote."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LOG_FORMAT": "text", "K8S_ENABLED": "false"} | variables
    done = subprocess.run(["nsenter", f"--net=/run/netns/{namespace}", *prefix, str(support.PROGRAM)],
                          env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode not in (0, -6, -11), f"exit {done.returncode}: {done.stderr}"
    lines = done.stderr.strip().splitlines()
    assert lines, f"nothing on stderr; stdout: {done.stdout}"
    assert any(word in lines[-1] for word in says), f"{says} not in: {done.stderr}"
    errors = [line for line in lines if "audio-latency:" in line]
    assert len(errors) <= 1, f"more than one sentence: {done.stderr}"
    left = command("ip", "netns", "exec", namespace, support.BUILD / "test-neighbour", "lo", "show")
    assert left == "", f"left attached: {left}"
    return lines[-1]


def a_missing_interface():
    with Namespaces("badhost") as namespaces:
        return refuse(namespaces.add("node"), says=["no-such-device"], INTERFACE="no-such-device")


def no_default_interface_and_no_route():
    with Namespaces("badhost") as namespaces:
        return refuse(namespaces.add("node"), says=["eth0"])


def no_capability():
    with Namespaces("badhost") as namespaces:
        return refuse(namespaces.add("node"), says=["missing: CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON"], INTERFACE="lo",
                      prefix=["setpriv", "--bounding-set=-all", "--inh-caps=-all"])


def one_capability_too_few():
    with Namespaces("badhost") as namespaces:
        return refuse(namespaces.add("node"), says=["missing: CAP_NET_ADMIN;"], INTERFACE="lo",
                      prefix=["setpriv", "--bounding-set=-all,+bpf,+perfmon", "--inh-caps=-all"])


def a_port_in_use():
    with Namespaces("badhost") as namespaces:
        node = namespaces.add("node")
        with inside(node):
            taken = socket.socket()
            taken.bind(("0.0.0.0", 9090))
            taken.listen()
        with taken:
            return refuse(node, says=["9090"], INTERFACE="lo")


@contextlib.contextmanager
def memory_limit(megabytes):
    """Words that run a command with so much memory, what the kernel holds for it included."""
    one, two = pathlib.Path("/sys/fs/cgroup/memory"), pathlib.Path("/sys/fs/cgroup")
    parent, limit = (one, "memory.limit_in_bytes") if (one / "memory.limit_in_bytes").exists() else (two, "memory.max")
    group = parent / "alt-badhost"
    try:
        group.mkdir(exist_ok=True)
        (group / limit).write_text(str(megabytes << 20))
    except OSError as error:
        raise Skip(f"no memory limit can be set here: {error}") from error
    try:
        yield ["sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        group.rmdir()


def too_little_memory():
    with Namespaces("badhost") as namespaces, memory_limit(64) as prefix:
        return refuse(namespaces.add("node"), says=["MAX_FLOWS"], prefix=prefix, INTERFACE="lo", MAX_FLOWS="1000000")


def no_btf_is_no_obstacle():
    with Namespaces("badhost") as namespaces:
        node = namespaces.add("node")
        hide = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', "sh"]
        if subprocess.run([*hide, "true"], capture_output=True).returncode != 0:
            raise Skip("/sys/kernel/btf can't be hidden here")
        with Agent(node, INTERFACE="lo", prefix=hide) as agent:
            assert agent.get("/readyz")[0] == 200


if __name__ == "__main__":
    support.main("bad_host", [a_missing_interface, no_default_interface_and_no_route, no_capability,
                              one_capability_too_few, a_port_in_use, too_little_memory, no_btf_is_no_obstacle])
