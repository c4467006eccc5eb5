#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Calls that cross random nodes, measured by 1, 2, 4, … daemons on one bus: is every call measured, once, and what does
it cost each node. Every node is a network namespace with its own daemon; one process plays all calls.

Usage: bench_bus_scale.py [--nodes 2,16] [--calls N] [--calls-per-node N] [--owners N] [--seconds N] [--json]"""
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

BEFORE_S = 1.5
FIRST_PORT = 10_000
TOLERANCE_S = 0.012  # 10 ms of another cut; what the player itself was late comes on top


class Run:
    """One cluster and its calls; `rows()` is what it cost."""

    def __init__(self, nodes, calls, owners, seconds, seed=1):
        self.nodes, self.seconds, self.owners = nodes, seconds, owners
        pick = random.Random(seed)
        self.calls = []
        for number in range(calls):
            source, relay, sink = (pick.sample(range(nodes), 3) if nodes >= 3 else
                                   (0, nodes - 1, 0) if number % 2 == 0 else (nodes - 1, 0, nodes - 1))
            self.calls.append((source, relay, sink, FIRST_PORT + 2 * number, pick.choice((80, 150, 270, 600)), number + 1))

    def play(self, cluster):
        plan = "".join(f"{cluster.spaces[source]} {bus_cluster.address(source)} {cluster.spaces[relay]} "
                       f"{bus_cluster.address(relay)} {cluster.spaces[sink]} {bus_cluster.address(sink)} {port} {delay} "
                       f"{seed}\n" for source, relay, sink, port, delay, seed in self.calls)
        player = subprocess.Popen([support.BUILD / "test-calls", str(self.seconds)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        player.stdin.write(plan)
        player.stdin.close()
        assert player.stdout.readline() == "ready\n", "test-calls did not start"
        return player

    def measure(self):
        ports = ",".join(f"{port + i}/rtp" for _, _, _, port, _, _ in self.calls for i in range(2))
        with bus_cluster.Cluster("busn", self.nodes) as cluster:
            agents = [cluster.start_agent(node, AUDIO_PORTS=ports, BUS_OWNERS=self.owners, LOG_LEVEL="warn",
                                          MAX_SERIES=20_000) for node in range(self.nodes)]
            wanted = min(self.nodes, self.owners)
            for agent in agents:
                support.eventually(lambda each=agent: support.total(each.metrics(), "audio_bus_owners") == wanted, 60,
                                   f"{wanted} owners")
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
            return self.judge(found, recorded) | cost.figures(len(self.calls) * self.seconds) | {
                "nodes": self.nodes, "calls": len(self.calls), "owners": min(self.owners, self.nodes), "lost": lost,
                "speech": speech}

    @staticmethod
    def collect(agents, found):
        for match in bus_cluster.matches_of(agents):
            found[match["node"], match["time"], match["source"], match["dest"], match["signature"]] = match

    def judge(self, found, recorded):
        wanted = {(f"{bus_cluster.address(source)}:{port}", f"{bus_cluster.address(sink)}:{port + 1}"): delay / 1e3
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
                "recorded": recorded, "invented": len(invented), "wrong": len(wrong), "twice": len(twice), "late": self.late,
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
        return sums

    def end(self):
        self.seconds = time.monotonic() - self.start
        self.after = self.read()

    def figures(self, call_seconds):
        """All per call-second: a second of one call, which passes three nodes."""
        gone = {name: self.after[name] - self.before[name] for name in self.before}
        return {"observations": gone["signatures"] / call_seconds, "sent": gone["sent"] / call_seconds,
                "messages": gone["audio_bus_messages_total"] / call_seconds,
                "bytes": gone["audio_bus_bytes_total"] / call_seconds, "cpu": gone["cpu"] / call_seconds,
                "cpu_node": gone["cpu"] / self.seconds / len(self.agents)}


COLUMNS = (("nodes", "nodes", "{:5.0f}"), ("owners", "owners", "{:6.0f}"), ("calls", "calls", "{:5.0f}"),
           ("measured", "measured", "{:8.0f}"), ("twice", "twice", "{:5.0f}"), ("invented", "invented", "{:8.0f}"),
           ("wrong", "wrong", "{:5.0f}"), ("lost", "lost", "{:5.0f}"), ("observations", "observations", "{:12.1f}"),
           ("sent", "sent", "{:6.1f}"), ("messages", "messages", "{:8.2f}"), ("bytes", "bytes", "{:7.0f}"),
           ("cpu", "CPU ms", "{:7.2f}"), ("cpu_node", "CPU/node", "{:8.1%}"))


def table(rows):
    lines = ["Per second of a call: observations of all nodes, those that were sent, messages and bytes received, CPU of all daemons.",
             "  ".join(f"{title:>{len(form.format(0))}}" for _, title, form in COLUMNS)]
    for row in rows:
        row = row | {"cpu": row["cpu"] * 1e3}
        lines.append("  ".join(form.format(row[name]) for name, _, form in COLUMNS))
    return "\n".join(lines)


def holds(row):
    return row["measured"] == row["calls"] and row["twice"] == row["invented"] == row["wrong"] == 0


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--nodes", default="2,16")
    options.add_argument("--calls", type=int, default=0, help="of each run, whatever its nodes")
    options.add_argument("--calls-per-node", type=float, default=6.25)
    options.add_argument("--owners", type=int, default=16)
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
    for row in rows:
        name = f"bus: {row['nodes']} nodes, {row['owners']} owners, {row['calls']} calls"
        print(json.dumps({"name": f"{name}: calls measured, each latency once, none invented", "value": row["measured"],
                          "unit": "calls", "goal": f"{row['calls']}", "holds": holds(row)}))
        for figure, unit in (("messages", "received a call-second"), ("bytes", "received a call-second"),
                             ("sent", "observations a call-second")):
            ratio = row[figure] / rows[0][figure] if rows[0][figure] else float("nan")
            print(json.dumps({"name": f"{name}: {figure}", "value": row[figure], "unit": unit}))
            if row is not rows[0] and figure != "sent":
                print(json.dumps({"name": f"{name}: {figure} against {rows[0]['nodes']} nodes", "value": ratio,
                                  "unit": "ratio", "goal": "<= 1.3", "holds": ratio <= 1.3}))


if __name__ == "__main__":
    main()
