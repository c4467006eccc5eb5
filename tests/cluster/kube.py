# SPDX-License-Identifier: Apache-2.0
"""A real Kubernetes cluster, whichever KUBECONFIG names, for the tests. They make namespaces `alt-test-…`, a node `alt-node`
that is none, and what the chart installs, and remove all of it."""
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import ssl
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "e2e"))

from proxy import Proxy  # noqa: E402  pylint: disable=wrong-import-position
from support import Skip, command, eventually  # noqa: E402  pylint: disable=wrong-import-position

NODE = "alt-node"
_COUNT = itertools.count()
ACCOUNT = "alt-watcher"
RULES = [{"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get", "list", "watch"]}]


def fresh_namespace():
    """A name that was not used before: the end of a namespace takes its time."""
    return f"alt-test-{os.getpid()}-{next(_COUNT)}"


class Refused(AssertionError):
    """The API server answered with another status than 2xx."""

    def __init__(self, status, message):
        super().__init__(f"{status}: {message}")
        self.status = status


class Kube:
    """The API as the user of KUBECONFIG. One connection a thread."""

    def __init__(self):
        if not os.environ.get("KUBECONFIG"):
            raise Skip("KUBECONFIG names no cluster")
        config = json.loads(command("kubectl", "config", "view", "--raw", "--flatten", "--minify", "-o", "json"))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.url = urllib.parse.urlparse(cluster["server"])
        self.ca = self._decoded(cluster["certificate-authority-data"])
        self.tls = ssl.create_default_context(cadata=self.ca)
        if "client-certificate-data" in user:
            with tempfile.NamedTemporaryFile("w") as pair:
                pair.write(self._decoded(user["client-certificate-data"]) + self._decoded(user["client-key-data"]))
                pair.flush()
                self.tls.load_cert_chain(pair.name)
        self.headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
        self.local = threading.local()

    @staticmethod
    def _decoded(text):
        import base64  # pylint: disable=import-outside-toplevel
        return base64.b64decode(text).decode()

    @property
    def endpoint(self):
        return self.url.hostname, self.url.port or 443

    def call(self, method, path, body=None, kind="application/json"):
        for attempt in (0, 1):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = self.local.connection = http.client.HTTPSConnection(*self.endpoint, context=self.tls, timeout=60)
            try:
                connection.request(method, path, json.dumps(body) if body is not None else None,
                                   {"Content-Type": kind, **self.headers})
                answer = connection.getresponse()
                value = json.loads(answer.read() or b"null")
            except (OSError, http.client.HTTPException):
                connection.close()
                self.local.connection = None
                if attempt:
                    raise
                continue  # the server was restarted since the last request
            if answer.status >= 300:
                raise Refused(answer.status, value.get("message", ""))
            return value

    def get(self, path):
        return self.call("GET", path)

    def create(self, path, body):
        return self.call("POST", path, body)

    def patch(self, path, body):
        return self.call("PATCH", path, body, "application/merge-patch+json")

    def delete(self, path, missing_ok=True, **options):
        try:
            return self.call("DELETE", path, {"apiVersion": "v1", "kind": "DeleteOptions", **options})
        except Refused as refused:
            if refused.status != 404 or not missing_ok:
                raise


class RealApi:
    """What FakeApi does, on the cluster: pods of a node that is none, seen through a proxy by a service account of its
    own. Used as a context manager."""

    def __init__(self, kube, where):
        self.kube, self.where = kube, where
        self.namespace = fresh_namespace()
        self.base = f"/api/v1/namespaces/{self.namespace}"
        self.pods = f"{self.base}/pods"
        self.directory = tempfile.TemporaryDirectory(prefix="alt-account-")

    def __enter__(self):
        self.clean()
        self.kube.create("/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        # Without a Ready condition, the controller manager of Kubernetes 1.20 dies of it.
        self.kube.create("/api/v1/nodes", {"metadata": {"name": NODE}, "status": {"conditions": [
            {"type": "Ready", "status": "True", "reason": "Test", "message": ""}]}})
        self.kube.create(f"{self.base}/serviceaccounts", {"metadata": {"name": ACCOUNT}})
        self.kube.create("/apis/rbac.authorization.k8s.io/v1/clusterroles", {"metadata": {"name": ACCOUNT}, "rules": RULES})
        self.allow()
        eventually(lambda: self.kube.get(f"{self.base}/serviceaccounts/default"), 60, "the namespace")
        directory = pathlib.Path(self.directory.name)
        (directory / "ca.crt").write_text(self.kube.ca)
        (directory / "hosts").write_text("127.0.0.1 localhost kubernetes.default.svc\n")
        self.write_token("first")
        self.proxy = Proxy(self.where, self.kube.endpoint)
        return self

    def __exit__(self, *_):
        self.proxy.close()
        self.clean()
        self.directory.cleanup()

    @property
    def prefix(self):
        """The server's certificate is for this name in every cluster; for 127.0.0.1 in few."""
        return ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', f"{self.directory.name}/hosts"]

    def settings(self):
        return {"K8S_API_URL": f"https://kubernetes.default.svc:{self.proxy.port}",
                "K8S_SERVICE_ACCOUNT_DIR": self.directory.name, "K8S_SCOPE": "node", "K8S_NODE_NAME": NODE}

    def clean(self):
        self.forbid()
        self.kube.delete(f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{ACCOUNT}")
        self.kube.delete(f"/api/v1/nodes/{NODE}")
        with contextlib.suppress(Refused):
            self.kube.call("DELETE", self.pods, {"gracePeriodSeconds": 0})
        self.kube.delete(self.base)

    def allow(self):
        self.kube.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
            "metadata": {"name": ACCOUNT},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ACCOUNT},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": self.namespace}]})

    def forbid(self):
        self.kube.delete(f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{ACCOUNT}")

    def write_token(self, name):
        """A token that is good for as long as the Secret of that name is there."""
        secret = self.kube.create(f"{self.base}/secrets", {"metadata": {"name": f"token-{name}"}})
        request = self.kube.create(f"{self.base}/serviceaccounts/{ACCOUNT}/token", {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"audiences": [], "expirationSeconds": 3600, "boundObjectRef": {
                "kind": "Secret", "apiVersion": "v1", "name": f"token-{name}", "uid": secret["metadata"]["uid"]}}})
        file = pathlib.Path(self.directory.name) / "token"
        file.with_suffix(".new").write_text(request["status"]["token"])
        file.with_suffix(".new").rename(file)

    def revoke_token(self, name):
        self.kube.delete(f"{self.base}/secrets/token-{name}", missing_ok=False)

    def create(self, name, labels=None, node=NODE):
        self.kube.create(self.pods, {"metadata": {"name": name, "labels": labels or {}}, "spec": {
            "nodeName": node, "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0,
            "schedulerName": "nobody", "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "audio", "image": "none.invalid/none:1"}]}})

    def assign(self, name, address):
        self.kube.patch(f"{self.pods}/{name}/status", {"status": {"phase": "Running", "podIP": address,
                                                                  "podIPs": [{"ip": address}]}})

    def relabel(self, name, labels):
        self.kube.patch(f"{self.pods}/{name}", {"metadata": {"labels": labels}})

    def delete(self, name):
        self.kube.delete(f"{self.pods}/{name}", gracePeriodSeconds=0)


def in_parallel(work, items, threads=8):
    """Calls work(item) for each; the first error is raised."""
    queue, errors = list(items), []

    def run():
        with contextlib.suppress(IndexError):
            while not errors:
                item = queue.pop()
                try:
                    work(item)
                except Exception as error:  # pylint: disable=broad-except
                    errors.append(error)
    started = time.monotonic()
    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]
    return time.monotonic() - started
