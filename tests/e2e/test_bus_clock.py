#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A node whose clock is 2 s wrong: its offset is measured to a millisecond and exported by the others; with
CLOCK_CORRECTION=on its latencies are right, without it they are refused and /readyz says why. The others go on."""
import time

import bus_cluster
import support

SECONDS = 10
DELAY_MS = 150
SHIFT_MS = 2000
MAXIMUM_ERROR_S = 0.001


def offsets(agent):
    return {dict(labels)["peer"]: value for (name, labels), value in agent.metrics().items()
            if name == "audio_clock_offset_seconds"}


def call_between(cluster, agents):
    call = cluster.add_call((0, 1, 2), delay_ms=DELAY_MS, seconds=SECONDS)
    cluster.listening()
    truth = bus_cluster.Truth(cluster, call)
    time.sleep(1.5)
    call.play()
    support.eventually(lambda: not call.playing(), SECONDS + 30, "the end of the call", 0.5)
    time.sleep(3)
    injected = [(each["out_ns"] - each["in_ns"]) / 1e9 for windows in truth.rows()["call"]["windows"].values()
                for each in windows]
    return injected, [match["latency_seconds"] for match in bus_cluster.matches_of(agents) if match["dest"] == call.dest]


def run(name, correction):
    with bus_cluster.Cluster(name, 3) as cluster:
        agents = [cluster.start_agent(node, ready=node == 0, CLOCK_CORRECTION=correction,
                                      TEST_CLOCK_OFFSET_MS=SHIFT_MS if node == 2 else 0) for node in range(3)]
        cluster.meet()
        injected, latencies = call_between(cluster, agents)
        measured = support.eventually(lambda: len(offsets(agents[0])) >= 2 and offsets(agents[0]), 20, "offsets")
        refused = bus_cluster.count(agents, "audio_bus_lost_observations_total", reason="out_of_time")
        readiness = [agent.get("/readyz") for agent in agents]
        return injected, latencies, measured, refused, readiness


def the_offset_is_measured_and_corrected():
    injected, latencies, measured, refused, _ = run("busc1", "on")
    errors = {"node-1": abs(measured["node-1"]), "node-2": abs(measured["node-2"] - SHIFT_MS / 1e3)}
    assert all(error <= MAXIMUM_ERROR_S for error in errors.values()), measured
    assert len(latencies) >= 50, f"{len(latencies)} latencies"
    least, most = min(injected) - MAXIMUM_ERROR_S, max(injected) + MAXIMUM_ERROR_S
    wrong = [value for value in latencies if not least <= value <= most]
    assert not wrong, f"{len(wrong)} of {len(latencies)} latencies are wrong, as {wrong[0]} s; {least:.4f} to {most:.4f} s"
    return (f"offsets {measured['node-1'] * 1e3:+.3f} ms and {measured['node-2'] * 1e3:+.3f} ms (0 and {SHIFT_MS}); "
            f"{len(latencies)} latencies from {min(latencies):.4f} to {max(latencies):.4f} s, {refused:.0f} refused")


def without_correction_it_is_exported_and_refused():
    bus_cluster.long_only()
    _, latencies, measured, refused, readiness = run("busc2", "off")
    assert abs(measured["node-2"] - SHIFT_MS / 1e3) <= MAXIMUM_ERROR_S, measured
    assert refused > 0, "nothing refused"
    said = [text for status, text in readiness if status == 503 and "CLOCK_CORRECTION" in text]
    assert said, readiness
    return f"offset {measured['node-2']:.6f} s; {refused:.0f} observations refused; /readyz: {said[0].strip()}"


if __name__ == "__main__":
    support.main("bus_clock", [the_offset_is_measured_and_corrected, without_correction_it_is_exported_and_refused])
