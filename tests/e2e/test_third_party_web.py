# SPDX-License-Identifier: Apache-2.0
"""Voice over WebSocket between programs of Node's `ws`, behind nginx and haproxy, and over server-sent events to curl,
with nothing configured but the interfaces: every hop is measured and named by its address. What is compressed is said
to be so."""
import itertools
import os
import pathlib

import third_party
import third_party_report as report
import third_party_truth as truth
from support import eventually, main, total

SECONDS = 10
PARTY = ("env", "NODE_PATH=/usr/share/nodejs", "node", pathlib.Path(__file__).with_name("third_party_web.js"))
NGINX = """daemon off;
error_log stderr;
pid {here}/nginx.pid;
events {{}}
http {{
  access_log off;
  client_body_temp_path {here}/body;
  proxy_temp_path {here}/proxy;
  fastcgi_temp_path {here}/fastcgi;
  uwsgi_temp_path {here}/uwsgi;
  scgi_temp_path {here}/scgi;
  proxy_http_version 1.1;
  server {{
    listen {nginx}:8080;
    location / {{
      proxy_pass http://{haproxy}:8081;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
    }}
    location /events {{
      proxy_pass http://{haproxy}:8081;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""
HAPROXY = """defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel 1h
listen web
  bind {haproxy}:8081
  server app {server}:8082
"""
# What each hop is called: format, codec. The hops of a call, from host to host.
PCM, JSON = ("http/websocket", "pcm16le"), ("http/websocket/json/base64", "pcmu")
EVENTS = ("http/chunked/sse/json/hex", "pcm16le")
WAY = ("client", "nginx", "haproxy", "server")
CALLS = {
    "PCM16 > JSON": [(*hop, PCM) for hop in zip(WAY, WAY[1:])] + [("server", "sink", JSON)],
    "PCM16 > events": [(*hop, PCM) for hop in zip(WAY, WAY[1:])]
                      + [(*hop, EVENTS) for hop in zip(WAY[::-1], WAY[::-1][1:])],
    "JSON > PCM16": [(*hop, JSON) for hop in zip(WAY, WAY[1:])] + [("server", "sink", PCM)],
}


class Run:
    """Three clients at once, and curl: what is sent to /pcm as PCM16 leaves as JSON and as events, what is sent to
    /twilio as JSON leaves as PCM16, and what is sent to /deflated is compressed on its way."""

    def __init__(self):
        third_party.need("node", "nginx", "haproxy", "curl")
        self.node = third_party.Node("third-web", (*WAY, "sink"), 3, SECONDS)
        with self.node as node:
            self.serve(node)
            with node.agent() as agent, node.captured(), open(os.devnull, "w", encoding="ascii") as nowhere:
                web = f"//{node.address['nginx']}:8080"
                node.run("client", "curl", "-sN", f"http:{web}/events", stdout=nowhere)
                eventually(lambda: any(flow["source"].endswith(":8082") for flow in agent.api("flows")), 20, "events")
                clients = [node.run("client", *PARTY, "client", f"ws:{web}/{path}", sound, *form)
                           for sound, path, form in zip(node.sounds, ("pcm", "twilio", "deflated"),
                                                        (("pcm", 20), ("twilio", 20), ("pcm", 100, "deflate")))]
                node.finished(*clients)
                self.matches = third_party.settled(agent)
                self.flows, self.metrics = agent.api("flows?limit=1000"), agent.metrics()
                self.table = third_party.flows_command(agent)
        self.sounds = {}
        self.results = {}
        for name, hops in CALLS.items():
            for earlier, later in itertools.combinations(hops, 2):
                self.compare(name, earlier, later)
        print(report.table([result for result in self.results.values() if result.name.startswith("client")]))

    @staticmethod
    def serve(node):
        here, sink = node.directory.name, f"ws://{node.address['sink']}:8083/"
        node.run("sink", *PARTY, "sink", 8083)
        node.run("server", *PARTY, "server", 8082, sink)
        node.run("nginx", "nginx", "-p", here, "-c", node.path("nginx.conf", NGINX.format(here=here, **node.address)))
        node.run("haproxy", "haproxy", "-db", "-f", node.path("haproxy.cfg", HAPROXY.format(**node.address)))
        for label, port in (("sink", 8083), ("server", 8082), ("nginx", 8080), ("haproxy", 8081)):
            node.listening(label, port, kind="tcp")

    def flow(self, sender, receiver, what):
        """The flow between two hosts that is called so, and has most partners: each call has one; what was compressed on
        its way to the server leaves it as a flow of its own."""
        found = [flow for flow in self.between(sender, receiver) if (flow["format"], flow["codec"]) == what]
        assert found, f"no flow from {sender} to {receiver} is called {what}: {self.between(sender, receiver)}"
        return max(found, key=lambda flow: len(flow["partners"]))

    def between(self, sender, receiver):
        address = self.node.address
        return [flow for flow in self.flows if flow["source"].startswith(f"{address[sender]}:")
                and flow["dest"].startswith(f"{address[receiver]}:")]

    def sound(self, flow):
        ends = flow["source"], flow["dest"]
        if ends not in self.sounds:
            read = truth.sse_sound if "sse" in flow["format"] else truth.websocket_sound
            self.sounds[ends] = read(self.node.packets, *ends)
        return self.sounds[ends]

    def compare(self, name, *hops):
        earlier, later = (self.flow(*hop) for hop in hops)
        pair = earlier["source"], later["dest"]
        if pair not in self.results:
            passage = truth.Passage(self.sound(earlier), self.sound(later))
            self.results[pair] = report.Result(f"{hops[0][0]} > {hops[1][1]}, {name}", self.matches, *pair, passage)


run = third_party.once(Run)


def each_hop_is_named_and_linked_with_the_next():
    for hops in CALLS.values():
        flows = [run().flow(*hop) for hop in hops]
        for earlier, later in zip(flows, flows[1:]):
            assert earlier["verdict"] == "decoded" and earlier["source_pod"] == earlier["source"], earlier
            assert earlier["source"] in run().table, run().table
            report.check_linked(earlier, later)


def each_pair_along_the_way_is_measured():
    report.check_measured(run().results.values(), run().metrics)


def each_latency_is_one_that_the_sound_had():
    return report.check_errors(run().results.values())


def what_is_compressed_is_said_to_be():
    flows = [flow for flow in run().flows if flow["unhashable"]]
    hops = [(run().node.address[sender], run().node.address[receiver]) for sender, receiver in zip(WAY, WAY[1:])]
    assert sorted(tuple(flow[end].rsplit(":", 1)[0] for end in ("source", "dest")) for flow in flows) == sorted(hops), flows
    for flow in flows:
        assert (flow["verdict"], flow["unhashable"]) == ("ignored", "deflate") and "deflate" in flow["why"], flow
        assert flow["source"] in run().table and flow["why"] in run().table, run().table
    assert total(run().metrics, "audio_unhashable_flows", reason="deflate") == len(hops)


def nothing_between_calls():
    """But what is compressed may have matched until it was found to be: nginx and haproxy pass it on as it is."""
    deflated = [flow for flow in run().flows if flow["unhashable"] == "deflate"]
    known = {(earlier["source"], later["dest"]) for earlier, later in itertools.permutations(deflated, 2)}
    report.check_none_invented(run().results.values(), [match for match in run().matches
                                                        if (match["source"], match["dest"]) not in known])


if __name__ == "__main__":
    main("third_party_web", [each_hop_is_named_and_linked_with_the_next, each_pair_along_the_way_is_measured,
                             each_latency_is_one_that_the_sound_had, what_is_compressed_is_said_to_be,
                             nothing_between_calls])
