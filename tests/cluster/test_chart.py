# SPDX-License-Identifier: Apache-2.0
"""The chart on a real cluster: what it renders is taken by the API server; installed, it names the pods of the example call
and measures the relay; upgraded and uninstalled, it leaves nothing on any interface.

LOAD_IMAGE is a command that brings an image archive, the path behind it, to the cluster's nodes. IMAGE is its name."""
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

from kube import SOURCE, Kube
from tools import helm, kubectl, monitoring_resources, namespace

from support import BUILD, Skip, command, eventually, main, parse_metrics  # tests/e2e, as kube says

IMAGE = os.environ.get("IMAGE", "localhost/audio-latency-tracker:0.1.0")
CHART = SOURCE / "deploy/helm/audio-latency-tracker"
CALL = SOURCE / "examples/kubernetes/call.yaml"
RELEASE = "alt-tracker"
PORT = 19090  # of /metrics on the node
DELAY = 0.270  # as in the example


def what_is_rendered_is_taken():
    Kube()
    with namespace() as here, namespace("audio-latency"), namespace("audio-example"), monitoring_resources():
        manifests = {"defaults": helm("template", "alt", CHART, "-n", here)}
        for values in sorted((CHART / "ci").glob("*-values.yaml")):
            manifests[values.name] = helm("template", "alt", CHART, "-n", here, "-f", values)
        for file in (SOURCE / "deploy/static/audio-latency-tracker.yaml", CALL):
            manifests[file.name] = file.read_text()
        objects = 0
        for name, text in manifests.items():
            try:
                # Discovery of the new kinds is cached for a while.
                taken = eventually(lambda text=text: kubectl("apply", "--dry-run=server", "-f", "-", input=text),
                                   30, name)
            except AssertionError as refused:
                raise AssertionError(f"{name}: {refused}") from refused
            objects += len(taken.splitlines())
        return f"{objects} objects of {len(manifests)} manifests"


def load_image():
    if not os.environ.get("LOAD_IMAGE"):
        if "IMAGE" in os.environ:
            return  # the nodes pull it
        raise Skip("LOAD_IMAGE is not set, and IMAGE names none that the nodes can pull")
    tool = next((tool for tool in ("podman", "docker") if shutil.which(tool)), None)
    if tool is None or subprocess.run([tool, "image", "inspect", IMAGE], capture_output=True, check=False).returncode:
        raise Skip(f"there is no image {IMAGE}; `make image` builds it")
    with tempfile.TemporaryDirectory(prefix="alt-image-") as directory:
        archive = f"{directory}/image.tar"
        command(tool, "save", "-o", archive, IMAGE)
        command("sh", "-c", f"{os.environ['LOAD_IMAGE']} {archive}")


@contextlib.contextmanager
def installed(where, *values):
    repository, _, tag = IMAGE.rpartition(":")
    words = [RELEASE, CHART, "-n", where, "--wait", "--timeout", "120s", "--set",
             f"image.repository={repository},image.tag={tag},config.metricsPort={PORT}", *values]
    helm("install", *words)
    try:
        yield lambda *more: helm("upgrade", *words, *more)
    finally:
        helm("uninstall", RELEASE, "-n", where, "--wait", "--timeout", "60s")


def agent(where):
    """(name, node) of the agent's pod that runs; the test's cluster may have several nodes: that of the call."""
    pods = json.loads(kubectl("-n", where, "get", "pods", "-l", f"app.kubernetes.io/instance={RELEASE}", "-o", "json"))["items"]
    ready = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"] and pod["spec"]["nodeName"] == node()["name"]]
    return ready[0]["metadata"]["name"]


def node():
    item = json.loads(kubectl("get", "nodes", "-o", "json"))["items"][0]
    address = next(each["address"] for each in item["status"]["addresses"] if each["type"] == "InternalIP")
    return {"name": item["metadata"]["name"], "address": address}


def fetch(where, path):
    return kubectl("get", "--raw", f"/api/v1/namespaces/{where}/pods/{agent(where)}:{PORT}/proxy{path}")


def documents():
    """The example's manifests by kind and name, to be addressed by IP: not every cluster for tests has a DNS."""
    found = {}
    for text in CALL.read_text().split("\n---\n"):
        kind = text.split("kind: ")[1].split()[0]
        name = text.split("name: ")[1].split(",")[0].split("}")[0].strip()
        found[kind, name] = text.replace("localhost/audio-latency-tracker:0.1.0", IMAGE)
    return found


def start(where, text, name):
    """Applies a Deployment on the first node; returns its pod's name and address once it runs."""
    text = text.replace("namespace: audio-example", f"namespace: {where}")
    text = text.replace("      containers:", f"      nodeName: {node()['name']}\n      containers:")
    kubectl("apply", "-f", "-", input=text)

    def running():
        pods = json.loads(kubectl("-n", where, "get", "pods", "-l", f"app={name}", "-o", "json"))["items"]
        pod = [pod for pod in pods if pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]][0]
        return pod["metadata"]["name"], pod["status"]["podIP"]
    return eventually(running, 60, f"pod of {name}", interval=0.3)


def matches_of(where, kind, **names):
    found = json.loads(fetch(where, "/api/v1/matches?limit=4096"))
    return [match["latency_seconds"] for match in found
            if match["kind"] == kind and all(match[key] == value for key, value in names.items())]


def wait_for_call(where, source, relay, sink):
    """Until /metrics has the call by the pods' names; seconds that it took, and the relay's median."""
    begun = time.monotonic()

    def named():
        metrics = parse_metrics(fetch(where, "/metrics"))
        wanted = {("source_pod", source), ("dest_pod", sink), ("source_namespace", where), ("dest_namespace", where)}
        pair = any(name == "audio_latency_seconds_count" and value >= 3 and wanted <= labels
                   for (name, labels), value in metrics.items())
        stage = any(name == "audio_stage_latency_seconds_count" and value >= 3 and ("pod", relay) in labels
                    for (name, labels), value in metrics.items())
        return pair and stage
    try:
        eventually(named, 60, f"{source} -> {relay} -> {sink}", interval=0.5)
    except AssertionError:
        print(fetch(where, "/api/v1/links"), fetch(where, "/readyz"))
        raise
    seconds = time.monotonic() - begun
    held = statistics.median(matches_of(where, "stage", pod=relay))
    assert DELAY - 0.001 <= held <= DELAY + 0.005, f"{relay} holds the sound for {held:.4f} s"
    total = statistics.median(matches_of(where, "latency", source_pod=source, dest_pod=sink))
    assert DELAY - 0.001 <= total <= DELAY + 0.005, f"{total:.4f} s from {source} to {sink}"
    return seconds, held


def attached():
    """What of ours is attached to this machine's interfaces, where it is the node."""
    own = [address["local"] for link in json.loads(command("ip", "-j", "address")) for address in link["addr_info"]]
    if node()["address"] not in own:
        raise Skip("the node is another machine: what is left on its interfaces can't be seen from here")
    links = [link["ifname"] for link in json.loads(command("ip", "-j", "link"))]
    return [line for link in links for line in command(BUILD / "test-neighbour", link, "show", check=False).stdout.splitlines()
            if "al_" in line]


def attached_once():
    """The agent before an upgrade has left nothing beside what the new one attached."""
    places = [line.split(":")[0] for line in attached()]
    twice = {place for place in places if places.count(place) > 1}
    assert places and not twice, f"twice: {sorted(twice)}" if places else "nothing is attached"
    return len(places)


def nothing_is_left(where):
    """Helm returns when the DaemonSet is deleted; its pods have their grace period from then on."""
    def pods():
        return kubectl("-n", where, "get", "pods", "-l", f"app.kubernetes.io/instance={RELEASE}", "-o", "name")
    eventually(lambda: pods() == "", 120, "the end of the agent's pod", interval=0.2)
    left = attached()
    assert left == [], f"left: {left}"
    kinds = "daemonsets,services,serviceaccounts,configmaps,clusterroles,clusterrolebindings"
    assert kubectl("-n", where, "get", kinds, "-l", f"app.kubernetes.io/instance={RELEASE}", "-o", "name") == ""


def the_example_call_is_named_and_measured():
    Kube()
    load_image()
    with namespace() as where, contextlib.ExitStack() as stack:
        upgrade = stack.enter_context(installed(where))
        call = documents()
        sink, sink_address = start(where, call["Deployment", "sink"], "sink")
        relay, relay_address = start(where, call["Deployment", "relay"].replace("--to=sink:", f"--to={sink_address}:"), "relay")
        source, _ = start(where, call["Deployment", "source"].replace("--to=relay:", f"--to={relay_address}:"), "source")
        seconds, held = wait_for_call(where, source, relay, sink)
        assert seconds <= 30, f"{seconds:.1f} s until the names were in /metrics"
        helm("test", RELEASE, "-n", where, "--timeout", "60s")
        # The opt-in: processes of the node are looked at, so that a pod with the node's address has its name too.
        upgrade("--set", "hostPID=true,config.processIdentity=on")
        text = call["Deployment", "relay"].replace("--to=sink:", f"--to={sink_address}:").replace("name: relay", "name: hostrelay")
        text = text.replace("app: relay", "app: hostrelay").replace("0.0.0.0:5004", "0.0.0.0:15004")
        text = text.replace("containerPort: 5004", "containerPort: 15004")
        kubectl("-n", where, "delete", "deployment", "source", "relay", "--wait=true")
        host_relay, address = start(where, text.replace("      containers:", "      hostNetwork: true\n      containers:", 1), "hostrelay")
        assert address == node()["address"], f"{host_relay} has the address {address}"
        source, _ = start(where, call["Deployment", "source"].replace("--to=relay:5004", f"--to={address}:15004"), "source")
        host_seconds, host_held = wait_for_call(where, source, host_relay, sink)
        places = attached_once()
        stack.close()  # uninstalls
        nothing_is_left(where)
    return (f"{1000 * held:.2f} ms in {relay} after {seconds:.1f} s; {1000 * host_held:.2f} ms in {host_relay} "
            f"(hostNetwork) after {host_seconds:.1f} s; attached once at {places} places after the upgrade, nowhere after "
            "the end")


if __name__ == "__main__":
    main("chart", [what_is_rendered_is_taken, the_example_call_is_named_and_measured])
