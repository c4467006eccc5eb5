#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A call over three nodes: each has its own program, which knows the name of its own end only. What Prometheus sums
over the three has all names, and each latency is that of the packets."""
import bisect
import contextlib
import functools
import shutil
import time

import bus_cluster
import bus_truth
import demo_report
import support
import test_prometheus

SECONDS = 14
DELAY_MS = 270
NAMES = ("telephony", "relay", "asr")
MAXIMUM_P99_MS = 2.0
QUERY = "histogram_quantile(0.99, sum(rate(audio_latency_seconds_bucket[1m])) by (source_pod, dest_pod, le))"


@functools.cache
def live():
    """One run for all tests of this file: (Prometheus' answers, sums over the nodes, truth, matches, metrics)."""
    if not shutil.which("prometheus"):
        raise support.Skip("prometheus is not installed (scripts/setup.sh test)")
    with bus_cluster.Cluster("bus3", 3) as cluster, contextlib.ExitStack() as stack:
        agents = [cluster.start_agent(node, name) for node, name in enumerate(NAMES)]
        cluster.meet()
        targets = [f"{bus_cluster.address(node)}:9090" for node in range(3)]
        stack.enter_context(test_prometheus.prometheus(cluster.hub, *targets))
        call = cluster.add_call((0, 1, 2), delay_ms=DELAY_MS, seconds=SECONDS, sound=bus_cluster.sounds(1, SECONDS)[0])
        cluster.listening()
        truth = bus_truth.Truth(cluster, call)
        time.sleep(1.5)  # a call that was running before is not believed at once
        call.play()
        support.eventually(lambda: not call.playing(), SECONDS + 30, "the end of the call", 0.5)
        bus_cluster.settled(agents)
        counted = bus_cluster.count(agents)
        support.eventually(lambda: sum(float(item["value"][1]) for item in test_prometheus.ask(
            cluster.hub, "audio_latency_seconds_count")) >= counted, 20, "a scrape of the last latencies", 0.5)
        answers = test_prometheus.ask(cluster.hub, QUERY)
        samples = [agent.metrics() for agent in agents]
        return (answers, samples, truth.rows(), {kind: bus_cluster.matches_of(agents, kind) for kind in
                                                 ("latency", "stage", "network")}, call.dest)


def prometheus_sums_over_the_nodes():
    answers, samples, truth, _, _ = live()
    values = {(item["metric"]["source_pod"], item["metric"]["dest_pod"]): float(item["value"][1]) for item in answers}
    assert set(values) == {("telephony", "asr")}, values
    value = values["telephony", "asr"]
    windows = [(each["out_ns"] - each["in_ns"]) / 1e9 for all_of_it in truth["call"]["windows"].values() for each in all_of_it]
    injected = demo_report.percentile(windows, 0.99)
    bounds = sorted({float(dict(labels)["le"]) for each in samples for (name, labels) in each
                     if name == "audio_latency_seconds_bucket"})
    upper = bisect.bisect_left(bounds, injected)
    # The neighbouring buckets: a quantile of so many windows may fall to either side of a bound.
    assert bounds[upper - 2] < value <= bounds[upper + 1], f"p99 {value} s; injected {injected} s"
    return f"p99 {value:.3f} s of telephony to asr, injected {injected:.3f} s"


def every_name_comes_from_its_own_node():
    _, samples, _, matches, dest = live()
    wanted = {"latency": ("telephony", "asr"), "network": ("telephony", "relay")}
    for kind, pair in wanted.items():
        pairs = {(match["source_pod"], match["dest_pod"]) for match in matches[kind]}
        assert pair in pairs, f"{kind}: {pairs}"
        unnamed = {name for each in pairs for name in each} - set(NAMES)
        assert not unnamed, f"{kind}: bare addresses {unnamed}; the sink is {dest}"
    assert {match["pod"] for match in matches["stage"]} == {"relay"}, {match["pod"] for match in matches["stage"]}
    owners = [sum(value for (name, _), value in each.items() if name == "audio_latency_seconds_count")
              for each in samples]
    spread = support.total(samples[0], "audio_bus_owners")
    assert sum(1 for each in owners if each) == spread, f"{spread} owners; latencies by node: {owners}"
    return f"latencies recorded by the {spread:.0f} owners: {[int(each) for each in owners]}"


def latencies_are_those_of_the_packets():
    _, samples, truth, matches, _ = live()
    twice = bus_cluster.repeated(matches["latency"])
    assert not twice, f"{len(twice)} recorded twice, as {twice[0]}"
    report = demo_report.Report(truth, dict(enumerate(matches["latency"])))
    row = report.rows["call"]
    assert not report.invented and not row.unknown, f"{len(report.invented)} invented, {row.unknown} of no known window"
    p99 = demo_report.percentile(row.errors, 0.99)
    assert len(row.errors) >= 100 and p99 <= MAXIMUM_P99_MS, f"{len(row.errors)} latencies, error p99 {p99:.3f} ms"
    assert row.recall >= 0.95, f"{row.recall:.1%} of the seconds of speech"
    lost = sum(support.total(each, "audio_bus_lost_observations_total") for each in samples)
    assert lost == 0, f"{lost} observations lost"
    return (f"{len(row.errors)} latencies, error p50 {demo_report.percentile(row.errors, 0.5):.3f} ms, p99 {p99:.3f} ms, "
            f"{row.recall:.1%} of the seconds of speech")


if __name__ == "__main__":
    support.main("bus_calls", [prometheus_sums_over_the_nodes, every_name_comes_from_its_own_node,
                               latencies_are_those_of_the_packets])
