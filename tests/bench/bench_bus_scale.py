#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Calls that cross random nodes, measured by 1, 2, 4, … daemons on one bus: is every call measured, once, and what does
it cost each node. Every node is a network namespace with its own daemon; one process plays all calls.

Usage: bench_bus_scale.py [--nodes 1,2,16] [--calls N] [--calls-per-node N] [--owners N] [--seconds N] [--json]"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import bus_cluster  # noqa: E402
import support  # noqa: E402

BEFORE_S = 11  # for MAX_LATENCY after a change, observations go to the owner before, too
FIRST_PORT = 10_000
TOLERANCE_S = 0.012  # 10 ms of another cut; what the player itself was late comes on top
FEWEST_OWNERS = 2    # of BUS_OWNERS=auto


def host(node, role, nodes):
    """Where a call's source (0), relay (1) and sink (2) are. One node has an address for each."""
    return f"10.77.{role}.10" if nodes == 1 else bus_cluster.address(node)


class Run:
    """One cluster and its calls; `rows()` is what it cost."""

    def __init__(self, nodes, calls, owners="auto", seconds=20, seed=1):
        self.nodes, self.seconds = nodes, seconds
        self.owners, self.wanted_owners = owners, min(nodes, FEWEST_OWNERS if owners == "auto" else int(owners))
        pick = random.Random(seed)
        self.calls = []
        for number in range(calls):
            source, relay, sink = (pick.sample(range(nodes), 3) if nodes >= 3 else
                                   (0, nodes - 1, 0) if number % 2 == 0 else (nodes - 1, 0, nodes - 1))
            self.calls.append((source, relay, sink, FIRST_PORT + 2 * number, pick.choice((80, 150, 270, 600)), number + 1))

    def play(self, cluster):
        plan = "".join(" ".join(f"{cluster.spaces[node]} {host(node, role, self.nodes)}"
                                for role, node in enumerate((source, relay, sink))) + f" {port} {delay} {seed}\n"
                       for source, relay, sink, port, delay, seed in self.calls)
        player = subprocess.Popen([support.BUILD / "test-calls", str(self.seconds)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        player.stdin.write(plan)
        player.stdin.close()
        assert player.stdout.readline() == "ready\n", "test-calls did not start"
        return player

    def measure(self):
        ports = ",".join(f"{port + i}/rtp" for _, _, _, port, _, _ in self.calls for i in range(2))
        with bus_cluster.Cluster("busn", self.nodes) as cluster:
            if self.nodes == 1:
                for role in (1, 2):
                    cluster.namespaces.ip(cluster.spaces[0], "address", "add", f"10.77.{role}.10/32", "dev", "veth0")
            agents = [cluster.start_agent(node, AUDIO_PORTS=ports, BUS_OWNERS=self.owners, LOG_LEVEL="warn",
                                          INTERFACE="lo" if self.nodes == 1 else "veth0",
                                          MAX_SERIES=20_000) for node in range(self.nodes)]
            for agent in agents:
                support.eventually(
                    lambda each=agent: support.total(each.metrics(), "audio_bus_owners") == self.wanted_owners, 60,
                    f"{self.wanted_owners} owners")
            time.sleep(BEFORE_S)
            cost = Cost(agents)
            player = self.play(cluster)
            found = {}
            while player.poll() is None:
                self.collect(agents, found)
                time.sleep(2)
            cost.end()
            self.late = float(player.stdout.read()) / 1e3
            assert player.returncode == 0, f"test-calls ended with exit status {player.returncode}"
            bus_cluster.settled(agents, 60)
            self.collect(agents, found)
            lost = bus_cluster.count(agents, "audio_bus_lost_observations_total")
            speech = bus_cluster.count(agents, "audio_speech_seconds_total")
            recorded = bus_cluster.count(agents)
            owners = support.total(agents[0].metrics(), "audio_bus_owners")
            return self.judge(found, recorded) | cost.figures(len(self.calls) * self.seconds) | {
                "nodes": self.nodes, "calls": len(self.calls), "owners": owners, "lost": lost, "speech": speech}

    @staticmethod
    def collect(agents, found):
        for match in bus_cluster.matches_of(agents):
            found[match["node"], match["time"], match["source"], match["dest"], match["signature"]] = match

    def judge(self, found, recorded):
        wanted = {(f"{host(source, 0, self.nodes)}:{port}", f"{host(sink, 2, self.nodes)}:{port + 1}"): delay / 1e3
                  for source, relay, sink, port, delay, _ in self.calls}
        measured, invented, wrong = {}, [], []
        for match in found.values():
            pair = (match["source"], match["dest"])
            if pair not in wanted:
                invented.append(match)
                continue
            measured[pair] = measured.get(pair, 0) + 1
            if abs(match["latency_seconds"] - wanted[pair]) > TOLERANCE_S + self.late:
                wrong.append(match)
        twice = bus_cluster.repeated(found.values())
        return {"measured": len(measured), "fewest": min(measured.values(), default=0), "latencies": len(found),
                "recorded": recorded, "latency_rate": recorded / len(self.calls) / self.seconds, "invented": len(invented), "wrong": len(wrong), "twice": len(twice), "late": self.late,
                "example": (invented + wrong + [each for each, _ in twice] + [None])[0]}


class Cost:
    NAMES = ("audio_bus_messages_total", "audio_bus_bytes_total")

    def __init__(self, agents):
        self.agents, self.start = agents, time.monotonic()
        self.before = self.read()

    def read(self):
        sums = {"signatures": bus_cluster.count(self.agents, "signatures_detected_total"),
                "sent": bus_cluster.count(self.agents, "audio_bus_observations_total", result="sent"),
                "cpu": bus_cluster.count(self.agents, "process_cpu_seconds_total")}
        for name in self.NAMES:
            sums[name] = bus_cluster.count(self.agents, name, direction="received")
        sums["each"] = [support.total(agent.metrics(), "audio_bus_bytes_total", direction="received")
                        for agent in self.agents]
        return sums

    def end(self):
        self.seconds = time.monotonic() - self.start
        self.after = self.read()

    def figures(self, call_seconds):
        """All per call-second: a second of one call, which passes three nodes."""
        gone = {name: self.after[name] - self.before[name] for name in self.before if name != "each"}
        busiest = max(after - before for before, after in zip(self.before["each"], self.after["each"]))
        sent = gone["sent"] or float("nan")
        return {"busiest": busiest / self.seconds, "bytes_sent": gone["audio_bus_bytes_total"] / sent,
                "messages_sent": 1e3 * gone["audio_bus_messages_total"] / sent,
                "observations": gone["signatures"] / call_seconds, "sent": gone["sent"] / call_seconds,
                "messages": gone["audio_bus_messages_total"] / call_seconds,
                "bytes": gone["audio_bus_bytes_total"] / call_seconds, "cpu": gone["cpu"] / call_seconds,
                "cpu_node": gone["cpu"] / self.seconds / len(self.agents)}


COLUMNS = (("nodes", "nodes", "{:5.0f}"), ("owners", "owners", "{:6.0f}"), ("calls", "calls", "{:5.0f}"),
           ("measured", "measured", "{:8.0f}"), ("latency_rate", "latencies", "{:9.2f}"), ("twice", "twice", "{:5.0f}"), ("invented", "invented", "{:8.0f}"),
           ("wrong", "wrong", "{:5.0f}"), ("lost", "lost", "{:5.0f}"), ("observations", "observations", "{:12.1f}"),
           ("sent", "sent", "{:6.1f}"), ("messages", "messages", "{:8.2f}"), ("bytes", "bytes", "{:7.0f}"),
           ("messages_sent", "messages/1000 sent", "{:18.1f}"), ("bytes_sent", "bytes/sent", "{:10.1f}"),
           ("busiest", "busiest node B/s", "{:16.0f}"), ("cpu", "CPU ms", "{:7.2f}"), ("cpu_node", "CPU/node", "{:8.1%}"))


def table(rows):
    lines = ["Per second of a call: latencies, observations of all nodes, those that were sent, messages and bytes received, CPU of all "
             "daemons. Then messages and bytes by what was sent, and what the busiest node received in a second.",
             "  ".join(f"{title:>{len(form.format(0))}}" for _, title, form in COLUMNS)]
    for row in rows:
        row = row | {"cpu": row["cpu"] * 1e3}
        lines.append("  ".join(form.format(row[name]) for name, _, form in COLUMNS))
    return "\n".join(lines)


def holds(row):
    return row["measured"] == row["calls"] and row["twice"] == row["invented"] == row["wrong"] == 0


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--nodes", default="1,2,4,8,16")
    options.add_argument("--calls", type=int, default=0, help="of each run, whatever its nodes")
    options.add_argument("--calls-per-node", type=float, default=6.25)
    options.add_argument("--owners", default="auto", help="as BUS_OWNERS")
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    rows = []
    for nodes in map(int, given.nodes.split(",")):
        calls = given.calls or round(given.calls_per_node * nodes)
        rows.append(Run(nodes, calls, given.owners, given.seconds).measure())
        if not holds(rows[-1]):
            print(f"{nodes} nodes: {rows[-1]}", file=sys.stderr)
    if not given.json:
        print(table(rows))
        return
    two = next((row for row in rows if row["nodes"] == 2), None)
    for row in rows:
        name = f"bus: {row['nodes']} nodes, {row['owners']:.0f} owners, {row['calls']} calls"
        print(json.dumps({"name": f"{name}: calls measured, each latency once, none invented", "value": row["measured"],
                          "unit": "calls", "goal": f"{row['calls']}", "holds": holds(row)}))
        for figure, unit in (("sent", "observations a call-second"), ("messages", "received a call-second"),
                             ("bytes", "received a call-second"), ("messages_sent", "received for 1,000 observations sent"),
                             ("bytes_sent", "received for an observation sent")):
            print(json.dumps({"name": f"{name}: {figure}", "value": row[figure], "unit": unit}))
            if two and row["nodes"] > 2 and figure != "sent":
                ratio = row[figure] / two[figure]
                print(json.dumps({"name": f"{name}: {figure} against 2 nodes", "value": ratio, "unit": "ratio",
                                  "goal": "<= 1.3", "holds": ratio <= 1.3}))


if __name__ == "__main__":
    main()
