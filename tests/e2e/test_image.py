# SPDX-License-Identifier: Apache-2.0
"""The container image as podman runs it: privileged, with three capabilities, as another user than root, with none. IMAGE
names the one to test (`make test-image` builds it whole); without, its run-time stage is built around the programs that are
tested, which takes seconds once its packages are there."""
import contextlib
import functools
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from support import BUILD, Namespaces, Skip, command, eventually, inside, main, parse_metrics

IMAGE = os.environ.get("IMAGE", "localhost/audio-latency-tracker:test")
SOURCE = pathlib.Path(__file__).resolve().parents[2]
MEGABYTE = 1_000_000
THREE = ["--cap-drop", "ALL", "--cap-add", "BPF,NET_ADMIN,PERFMON", "--security-opt", "seccomp=unconfined", "--read-only"]


def podman(*words, check=True):
    return command("podman", *words, check=check)


@functools.cache
def image():
    """What podman knows of the image, which is built first."""
    if not shutil.which("podman"):
        raise Skip("podman is not installed")
    works = podman("info", check=False)
    if works.returncode != 0:
        raise Skip(f"podman does not work here: {works.stderr.strip().splitlines()[-1]}")
    if "IMAGE" not in os.environ:
        # The base image, too, on a fresh machine.
        command(SOURCE / "scripts/image.sh", "--from-build", BUILD, IMAGE, timeout=1500)
    return json.loads(podman("image", "inspect", IMAGE))[0]


def run_words(namespace, *options):
    """podman run in that network namespace, which the container then takes for the host's."""
    # crun can't start where both cgroup versions are mounted; the limits are for users who have lower ones.
    return ["nsenter", f"--net=/run/netns/{namespace}", "podman", "--runtime", "runc", "run", "--rm", "--network", "host",
            "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", *options]


def can_run(namespace):
    tried = subprocess.run([*run_words(namespace, "--entrypoint", "true"), IMAGE], capture_output=True, text=True)
    if tried.returncode != 0:
        raise Skip(f"podman runs no container here: {tried.stderr.strip().splitlines()[-1]}")


@contextlib.contextmanager
def container(namespace, name, *options, words=()):
    """A running container; yields the podman process, whose output is the container's."""
    with subprocess.Popen([*run_words(namespace, "--replace", "--name", name, *options), IMAGE, *words], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            yield process
        finally:
            podman("rm", "--force", "--time", "0", "--ignore", name)


def tool(namespace, name, program, *words):
    return container(namespace, name, "--cap-drop", "ALL", "--read-only", "--entrypoint", program, words=words)


@contextlib.contextmanager
def call(namespace):
    """source -> relay (200 ms) -> sink on lo, each in a container of its own, of this image and without a capability."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(tool(namespace, "alt-sink", "audio-relay", "--format=rtp", "--listen=127.0.0.1:5006"))
        stack.enter_context(tool(namespace, "alt-relay", "audio-relay", "--format=rtp", "--listen=127.0.0.1:5004",
                                 "--to=127.0.0.1:5006", "--delay-ms=200"))
        time.sleep(1)
        stack.enter_context(tool(namespace, "alt-source", "audio-source", "--format=rtp", "--to=127.0.0.1:5004", "--loop"))
        yield


def fetch(namespace, path):
    with inside(namespace):
        connection = http.client.HTTPConnection("127.0.0.1", 9090, timeout=10)
        connection.connect()
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def measures(*options, names=None, **variables):
    """Runs the agent's container beside a call and says what it measured; with `names`, the relay has that name."""
    image()
    settings = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
    with Namespaces("image") as namespaces:
        node = namespaces.add("node")
        can_run(node)
        with container(node, "alt-agent", *options, *settings, words=("-i", "lo", "--audio-ports", "5004/rtp,5006/rtp")):
            eventually(lambda: fetch(node, "/readyz")[0] == 200, 30, "/readyz")
            command("nsenter", f"--net=/run/netns/{node}", "podman", "healthcheck", "run", "alt-agent")

            # A relay is one component with two sockets: only who knows its name sees it as a stage.
            what = "audio_stage_latency_seconds" if names else "audio_latency_seconds"

            def measured():
                metrics = parse_metrics(fetch(node, "/metrics")[1])
                for (name, labels), count in metrics.items():
                    if name == what + "_count" and count >= 10:
                        return dict(labels), metrics[what + "_sum", labels] / count
                return None
            with call(node):
                labels, mean = eventually(measured, 60, "ten latencies")
                # Both sides cut the sound alike, so that each window is held for the delay and the time of sending.
                assert 0.2 <= mean < 0.21, f"{mean:.4f} s"
                assert not names or labels["pod"] == names, f"the relay is called {labels['pod']}"
    return f"{1000 * mean:.1f} ms" + (f" in {names}" if names else "")


def is_small_stripped_and_labelled():
    found = image()
    labels = found["Config"]["Labels"]
    for label in ("title", "description", "licenses", "version", "revision"):
        assert labels.get("org.opencontainers.image." + label), f"no label {label}: {labels}"
    assert found.get("Healthcheck", found["Config"].get("Healthcheck")), "no HEALTHCHECK"
    assert found["Size"] < 120 * MEGABYTE, f"{found['Size'] / MEGABYTE:.1f} MB"
    with tempfile.TemporaryDirectory(prefix="alt-image-") as directory:
        podman("create", "--name", "alt-files", IMAGE)
        try:
            for name in ("audio-latency", "audio-source", "audio-relay"):
                podman("cp", f"alt-files:/usr/local/bin/{name}", directory)
                sections = command("readelf", "-SW", f"{directory}/{name}")
                assert ".text" in sections and ".symtab" not in sections, f"{name} is not stripped"
        finally:
            podman("rm", "alt-files")
    return f"{found['Size'] / MEGABYTE:.1f} MB"


def runs_privileged():
    return measures("--privileged")


def runs_with_three_capabilities():
    return measures(*THREE)


def runs_as_another_user():
    """The runtime hands the capabilities on to a user who is not root."""
    return measures("--user", "65534:65534", *THREE)


def names_containers():
    """On a plain host: hostPID, and the capabilities and state directory that naming takes."""
    return measures("--privileged", "--pid", "host", "--volume", "/run/containers:/run/containers:ro", "--volume",
                    "/var/lib/containers:/var/lib/containers:ro", names="alt-relay", PROCESS_IDENTITY="on")


def with_none_says_which_is_missing():
    image()
    with Namespaces("image") as namespaces:
        node = namespaces.add("node")
        can_run(node)
        said = {}
        for left_out in ("BPF,NET_ADMIN,PERFMON", "NET_ADMIN"):
            kept = ",".join({"BPF", "NET_ADMIN", "PERFMON"} - set(left_out.split(","))) or None
            done = subprocess.run([*run_words(node, "--cap-drop", "ALL", *(["--cap-add", kept] if kept else []),
                                              "--security-opt", "seccomp=unconfined"), IMAGE, "-i", "lo"],
                                  capture_output=True, text=True, timeout=60)
            said[left_out] = done.stderr.strip().splitlines()[-1]
            expected = "missing: " + ", ".join("CAP_" + name for name in left_out.split(","))
            assert done.returncode != 0 and expected + ";" in said[left_out], f"exit {done.returncode}: {done.stderr}"
        return said["NET_ADMIN"]


if __name__ == "__main__":
    main("image", [is_small_stripped_and_labelled, runs_privileged, runs_with_three_capabilities, runs_as_another_user,
                   names_containers, with_none_says_which_is_missing])
