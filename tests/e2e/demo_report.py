# SPDX-License-Identifier: Apache-2.0
"""Measured latencies beside true ones: window by window, never on the average."""
import datetime
import json

import support

MAXIMUM_P50_MS = 0.2
MAXIMUM_P99_MS = 1.0
MINIMUM_RECALL = 0.99


def collect(agent, into):
    """Adds the latest matches of the program to `into`, a dictionary without repeats."""
    status, body = agent.get("/api/v1/matches?limit=4096")
    assert status == 200, f"/api/v1/matches: {status}"
    matches = json.loads(body) if body.startswith("[") else [json.loads(line) for line in body.splitlines()]
    for match in matches:
        into[match["kind"], match["time"], match["source"], match["dest"], match["signature"]] = match


def percentile(values, share):
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def nanoseconds(rfc3339):
    whole, fraction = rfc3339.rstrip("Z").split(".")
    moment = datetime.datetime.fromisoformat(whole + "+00:00")
    return int(moment.timestamp()) * 1_000_000_000 + int(fraction.ljust(9, "0"))


def figures(items, command):
    """(name, value, unit, goal, holds) as build/demo.json has them."""
    return [{"name": name, "value": value if value == value else None, "unit": unit, "goal": goal, "holds": holds,
             "command": command} for name, value, unit, goal, holds in items]


class RowResult:
    """What was injected into one call, by the kernel's stamps, and what was measured of it, in milliseconds."""

    def __init__(self, name, truth):
        self.name, self.speech = name, set(truth["speech_seconds"])
        self.windows, self.pair = truth["windows"], (truth["source"], truth["dest"])
        self.injected, self.measured, self.errors = [], [], []  # of the same windows
        self.seconds, self.unknown = set(), 0
        self.counted, self.twice = set(), 0  # latencies of a window that gave one already
        self.domains = {}  # by second

    def add(self, match):
        latency_ms = match["latency_seconds"] * 1e3
        self.measured.append(latency_ms)
        windows = self.windows.get(match["signature"])
        if not windows:
            self.unknown += 1
            return
        passed = nanoseconds(match["time"])
        window = min(windows, key=lambda each: abs(each["out_ns"] - passed))
        self.injected.append((window["out_ns"] - window["in_ns"]) / 1e6)
        self.errors.append(abs(latency_ms - self.injected[-1]))
        self.seconds.add(window["second"])
        place = (match["signature"], window["in_ns"])
        self.twice += place in self.counted
        self.counted.add(place)
        self.domains.setdefault(window["second"], set()).add(match["domain"])

    @property
    def recall(self):
        return len(self.seconds & self.speech) / len(self.speech) if self.speech else float("nan")

    def mixed(self):
        """Seconds whose sound was counted in two domains: where a link finds a better one, one, and the next."""
        return sorted(second for second, domains in self.domains.items() if len(domains) > 1)

    def counted_twice(self):
        """A sentence where sound was."""
        if self.twice or len(self.mixed()) > 2:
            return [f"{self.name}: {self.twice} windows were counted twice, seconds {self.mixed()} in two domains"]
        return []

    def accurate(self):
        return (bool(self.errors) and not self.unknown and percentile(self.errors, 0.5) <= MAXIMUM_P50_MS
                and percentile(self.errors, 0.99) <= MAXIMUM_P99_MS)

    def cells(self):
        three = [f"{percentile(values, share):9.2f}" for values in (self.injected, self.measured)
                 for share in (0.5, 0.95, 0.99)]
        errors = [f"{percentile(self.errors, share):7.3f}" for share in (0.5, 0.99)]
        return [f"{self.name:26}", *three, f"{len(self.measured):6}", *errors, f"{self.recall:7.1%}",
                " ok" if self.accurate() and self.recall >= MINIMUM_RECALL else " WRONG"]


class Report:
    def __init__(self, truth, matches):
        self.rows = {name: RowResult(name, row) for name, row in truth.items()}
        by_pair = {row.pair: row for row in self.rows.values()}
        self.invented = []  # latencies of pairs that no call connects
        for match in matches.values():
            if match["kind"] != "latency":
                continue
            row = by_pair.get((match["source"], match["dest"]))
            if row:
                row.add(match)
            else:
                self.invented.append(match)

    def compare_metrics(self, samples):
        """Sentences about rows whose histogram disagrees with their matches."""
        problems = []
        for row in self.rows.values():
            labels = {"source_pod": row.pair[0], "dest_pod": row.pair[1]}
            count = support.total(samples, "audio_latency_seconds_count", **labels)
            seconds = support.total(samples, "audio_latency_seconds_sum", **labels)
            if count != len(row.measured):
                problems.append(f"{row.name}: /metrics counts {count:.0f} latencies, /api/v1/matches {len(row.measured)}")
            elif abs(seconds - sum(row.measured) / 1e3) > 1e-6 * max(1.0, seconds):
                problems.append(f"{row.name}: /metrics sums to {seconds} s, /api/v1/matches to {sum(row.measured) / 1e3}")
        return problems

    def table(self):
        lines = ["call, hold in ms            ----- injected, ms -----      ----- measured, ms -----    "
                 "              error, ms    speech",
                 "                                p50       p95       p99       p50       p95       p99  "
                 " count     p50     p99 seconds"]
        return "\n".join(lines + [" ".join(row.cells()) for row in self.rows.values()])

    def problems(self):
        sentences = []
        for row in self.rows.values():
            if not row.errors:
                sentences.append(f"{row.name}: nothing measured")
                continue
            if not row.accurate():
                sentences.append(f"{row.name}: error p50 {percentile(row.errors, 0.5):.3f} ms, p99 "
                                 f"{percentile(row.errors, 0.99):.3f} ms, {row.unknown} latencies of no known window")
            sentences += row.counted_twice()
            if row.recall < MINIMUM_RECALL:
                missing = sorted(row.speech - row.seconds)
                sentences.append(f"{row.name}: {row.recall:.1%} of {len(row.speech)} speech seconds, missing {missing}")
        if self.invented:
            sentences.append(f"{len(self.invented)} latencies between calls that nothing connects, as {self.invented[0]}")
        return sentences

    def results(self, command):
        """For build/demo.json."""
        items = []
        for row in self.rows.values():
            for share, goal in ((0.5, MAXIMUM_P50_MS), (0.99, MAXIMUM_P99_MS)):
                value = percentile(row.errors, share)
                items.append((f"{row.name}: error p{share * 100:.0f}", value, "ms", f"<= {goal}", value <= goal))
            items.append((f"{row.name}: speech seconds measured", row.recall, "ratio", f">= {MINIMUM_RECALL}",
                          row.recall >= MINIMUM_RECALL))
        items.append(("latencies between unconnected calls", len(self.invented), "latencies", "0", not self.invented))
        return figures(items, command)
