#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A node whose clock is 2 s wrong: its offset is measured to a millisecond and exported by the others; with
CLOCK_CORRECTION=on its latencies are right from the first on, without it they are refused and /readyz says why. A clock
that is less wrong is taken as it is, and each latency says how far it may be off. AL_BUS_LONG=1 runs all of them."""
import time

import bus_cluster
import bus_truth
import demo_report
import support

SECONDS = 10
DELAY_MS = 150
SHIFT_MS = 2000
SMALL_SHIFT_MS = 40
MAXIMUM_ERROR_S = 0.001
INVENTED_MS = 5.0  # as everywhere: whatever is off by more was not measured


def offsets(agent):
    return {dict(labels)["peer"]: value for (name, labels), value in agent.metrics().items()
            if name == "audio_clock_offset_seconds"}


def call_between(cluster, agents):
    call = cluster.add_call((0, 1, 2), delay_ms=DELAY_MS, seconds=SECONDS)
    cluster.listening()
    truth = bus_truth.Truth(cluster, call)
    time.sleep(1.5)
    call.play()
    support.eventually(lambda: not call.playing(), SECONDS + 30, "the end of the call", 0.5)
    bus_cluster.settled(agents)
    matches = [match for match in bus_cluster.matches_of(agents) if match["dest"] == call.dest]
    return truth.rows()["call"], matches


def run(name, correction, shift_ms):
    """Every node owns signatures, so that each way round is met: whoever is ahead, and whoever is behind."""
    with bus_cluster.Cluster(name, 3) as cluster:
        agents = [cluster.start_agent(node, ready=node == 0, CLOCK_CORRECTION=correction, BUS_OWNERS=16,
                                      TEST_CLOCK_OFFSET_MS=shift_ms if node == 2 else 0) for node in range(3)]
        cluster.meet()
        truth, matches = call_between(cluster, agents)
        measured = support.eventually(lambda: len(offsets(agents[0])) >= 2 and offsets(agents[0]), 20, "offsets")
        lost = {reason: bus_cluster.count(agents, "audio_bus_lost_observations_total", reason=reason)
                for reason in ("out_of_time", "no_clock", "late")}
        readiness = [agent.get("/readyz") for agent in agents]
        errors = {"node-1": abs(measured["node-1"]), "node-2": abs(measured["node-2"] - shift_ms / 1e3)}
        assert all(error <= MAXIMUM_ERROR_S for error in errors.values()), measured
        return truth, matches, measured, lost, readiness


def judged(truth, matches):
    """Errors in ms of what was recorded; none is of a window that was not sent."""
    row = demo_report.RowResult("call", truth)
    for match in matches:
        row.add(match)
    assert not row.unknown, f"{row.unknown} latencies of no known window"
    return row.errors


def the_offset_is_measured_and_corrected():
    truth, matches, measured, lost, _ = run("busc1", "on", SHIFT_MS)
    errors = judged(truth, matches)
    assert len(errors) >= 50, f"{len(errors)} latencies"
    p99 = demo_report.percentile(errors, 0.99)
    assert p99 <= MAXIMUM_ERROR_S * 1e3 and max(errors) <= INVENTED_MS, f"error p99 {p99:.3f} ms, largest {max(errors):.3f} ms"
    return (f"offsets {measured['node-1'] * 1e3:+.3f} ms and {measured['node-2'] * 1e3:+.3f} ms (0 and {SHIFT_MS}); "
            f"{len(errors)} latencies, error p99 {p99:.3f} ms, largest {max(errors):.3f} ms; not matched: {lost}")


def without_correction_it_is_exported_and_refused():
    bus_cluster.long_only()
    truth, matches, measured, lost, readiness = run("busc2", "off", SHIFT_MS)
    errors = judged(truth, matches)
    assert max(errors, default=0) <= INVENTED_MS, f"largest error {max(errors):.3f} ms"
    assert lost["out_of_time"] > 0, "nothing refused"
    said = [text for status, text in readiness if status == 503 and "CLOCK_CORRECTION" in text]
    assert said, readiness
    return (f"offset {measured['node-2']:.6f} s; {len(errors)} latencies, largest error {max(errors, default=0):.3f} ms; "
            f"not matched: {lost}; /readyz: {said[0].strip()}")


def without_correction_a_latency_says_how_far_it_may_be_off():
    bus_cluster.long_only()
    truth, matches, measured, _, _ = run("busc3", "off", SMALL_SHIFT_MS)
    for match in matches:
        errors = judged(truth, [match])
        allowed = match["uncertainty_seconds"] * 1e3 + MAXIMUM_ERROR_S * 1e3
        assert errors[0] <= allowed, f"{match} is off by {errors[0]:.3f} ms"
    uncertain = sum(1 for match in matches if match["uncertainty_seconds"] >= SMALL_SHIFT_MS / 1e3 - MAXIMUM_ERROR_S)
    assert len(matches) >= 50, f"{len(matches)} latencies"
    return f"offset {measured['node-2']:.6f} s; {len(matches)} latencies, {uncertain} of them uncertain by as much"


if __name__ == "__main__":
    support.main("bus_clock", [the_offset_is_measured_and_corrected, without_correction_it_is_exported_and_refused,
                               without_correction_a_latency_says_how_far_it_may_be_off])
