# SPDX-License-Identifier: Apache-2.0
"""kubectl and helm, and what tests make on a cluster for as long as they run."""
import contextlib
import json
import subprocess

from kube import SOURCE, fresh_namespace

from support import command, eventually  # tests/e2e, as kube says

MONITORING = {"ServiceMonitor": "servicemonitors", "PodMonitor": "podmonitors", "PrometheusRule": "prometheusrules"}


def kubectl(*words, **options):
    return command("kubectl", *words, **options)


def helm(*words):
    program = command(SOURCE / "scripts/helm.sh").strip()
    return command(program, *words, timeout=300)  # its own --timeout tells more


@contextlib.contextmanager
def namespace(name=None):
    """A namespace that is there for the test only."""
    name = name or fresh_namespace()
    made = subprocess.run(["kubectl", "create", "namespace", name], capture_output=True, check=False).returncode == 0
    eventually(lambda: kubectl("-n", name, "get", "serviceaccount", "default"), 60, f"namespace {name}")
    try:
        yield name
    finally:
        if made:
            kubectl("delete", "namespace", name, "--wait=false")


@contextlib.contextmanager
def monitoring_resources():
    """The Prometheus operator's kinds, without a schema, where the cluster has none."""
    made = []
    for kind, plural in MONITORING.items():
        name = f"{plural}.monitoring.coreos.com"
        definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name},
                      "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced",
                               "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
                               "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                                   "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}
        if subprocess.run(["kubectl", "get", "crd", name], capture_output=True, check=False).returncode != 0:
            kubectl("create", "-f", "-", input=json.dumps(definition))
            made.append(name)
    for name in made:
        kubectl("wait", "--for=condition=established", f"crd/{name}", "--timeout=60s")
    try:
        yield
    finally:
        for name in made:
            kubectl("delete", "crd", name)
