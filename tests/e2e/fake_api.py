# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes API server as far as the pod watcher goes, for tests without a cluster: lists and watches of pods, of
Services and of nothing else."""
import collections
import http.server
import json
import threading
import urllib.parse
import uuid

from support import inside


def merged(old, new):
    """RFC 7386."""
    if not isinstance(new, dict):
        return new
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in new.items():
        result[key] = merged(result.get(key), value)
    return result


class FakeApi:
    """Listens on 127.0.0.1 of a network namespace; used as a context manager."""

    namespace = "media"
    prefix = ()

    def __init__(self, where):
        self.where, self.port = where, 0
        self.objects = {"pods": {}, "services": {}}
        self.events = collections.defaultdict(list)  # by resource: (version, line)
        self.version = 100
        self.refusal = None
        self.news = threading.Condition()
        self.server = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def settings(self):
        return {"K8S_API_URL": f"http://127.0.0.1:{self.port}", "K8S_SERVICE_ACCOUNT_DIR": "/nonexistent"}

    def start(self):
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # pylint: disable=invalid-name
                api.answer(self)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass
        with inside(self.where):
            self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        """Ends all watches and goes away; start() comes back on the same port."""
        if self.server is None:
            return
        server, self.server = self.server, None
        with self.news:
            self.news.notify_all()
        server.shutdown()
        server.server_close()

    def answer(self, request):
        url = urllib.parse.urlparse(request.path)
        resource, query = url.path.rpartition("/")[2], urllib.parse.parse_qs(url.query)
        try:
            if self.refusal or resource not in self.objects:
                status, message = self.refusal or (404, "the server could not find the requested resource")
                self._send(request, status, {"kind": "Status", "code": status, "message": message})
            elif "watch" in query:
                self._watch(request, resource, int(query["resourceVersion"][0]))
            else:
                with self.news:
                    self._send(request, 200, {"metadata": {"resourceVersion": str(self.version)},
                                              "items": list(self.objects[resource].values())})
        except OSError:
            pass  # the client has gone

    @staticmethod
    def _send(request, status, value):
        body = json.dumps(value).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _watch(self, request, resource, version):
        server = self.server
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        while True:
            with self.news:
                self.news.wait_for(lambda: self.server is not server or self.version > version, 1)
                lines = b"".join(line for at, line in self.events[resource] if at > version)
                version = self.version
            if lines:
                request.wfile.write(b"%x\r\n%s\r\n" % (len(lines), lines))
            if self.server is not server:
                request.close_connection = True
                return

    def change(self, kind, resource, value):
        with self.news:
            self.version += 1
            value["metadata"]["resourceVersion"] = str(self.version)
            name = value["metadata"]["name"]
            if kind == "DELETED":
                del self.objects[resource][name]
            else:
                self.objects[resource][name] = value
            self.events[resource].append((self.version, json.dumps({"type": kind, "object": value}).encode() + b"\n"))
            self.news.notify_all()

    def _patch(self, name, patch):
        self.change("MODIFIED", "pods", merged(self.objects["pods"][name], patch))

    def refuse(self, status=None, message=""):
        """From now on every request; without a status none."""
        self.refusal = status and (status, message)

    def create(self, name, labels=None):
        """A pod without an address."""
        self.change("ADDED", "pods", {
            "metadata": {"name": name, "namespace": self.namespace, "uid": str(uuid.uuid4()), "labels": labels or {}},
            "spec": {"nodeName": "node-1", "containers": []}, "status": {"phase": "Pending"}})

    def assign(self, name, address):
        self._patch(name, {"status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}})

    def relabel(self, name, labels):
        self._patch(name, {"metadata": {"labels": labels}})

    def delete(self, name):
        self.change("DELETED", "pods", self.objects["pods"][name])

    def serve(self, name, address, port, protocol="UDP"):
        """A Service with that ClusterIP."""
        self.change("ADDED", "services", {
            "metadata": {"name": name, "namespace": self.namespace, "uid": str(uuid.uuid4())},
            "spec": {"clusterIP": address, "clusterIPs": [address], "ports": [{"port": port, "protocol": protocol}]}})
