#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile neighbours (docs: matching, "Bounds and hostile input"): two calls are measured while somebody on the same
interface tries to fill the tables, to confuse the matching, or to eat the CPU."""
import os
import tempfile

import scenario
import scenario_live
from support import main, total

SECONDS = 28
SLACK_NS = 2_000_000


def attacked(kind, **variables):
    """(run, verdict) of the neighbour's calls under one kind of attack."""
    with tempfile.TemporaryDirectory(prefix="alt-hostile-") as directory:
        capture, truth = scenario.synthesise(directory, 1, SECONDS, "--attack", kind, recordings=False)
        run = scenario_live.Run("hostile", directory, capture, truth, recent=True, **variables)
        truth.retime(scenario_live.passages(directory))
    return run, scenario.Verdict(truth, run.matches, SLACK_NS)


def grown(run, name, **labels):
    return total(run.after, name, **labels) - total(run.before, name, **labels)


def refused(run, *errors):
    return {error: int(grown(run, "audio_processing_errors_total", error_type=error)) for error in errors}


def nobody():
    """The yardstick: what the same calls give in peace."""
    return attacked("none")[1].check()


def ten_thousand_source_ports():
    run, verdict = attacked("ports")
    summary = verdict.check()
    counted = refused(run, "flow_quota")
    # One sender may hold a tenth of the kernel's flow table; the neighbour's four flows come on top.
    flows = total(run.after, "audio_flows")
    assert counted["flow_quota"] > 0 and flows <= 1_000 + 4, f"{summary}; {flows:.0f} flows, {counted}"
    return f"{summary}; {flows:.0f} flows, refused {counted}"


def a_neighbours_packets_sent_again():
    run, verdict = attacked("replay")
    origins = int(grown(run, "audio_signature_collisions_total", reason="origins"))
    assert origins > 0, f"origins that share signatures were not counted; {verdict.check()}"
    return f"{verdict.check()}; {origins} collisions of origins"


def bytes_that_select_every_window():
    run, verdict = attacked("crafted", MAX_ACTIVE_SIGNATURES=50_000)
    summary = verdict.check()
    active = total(run.after, "active_signatures")
    counted = refused(run, "signature_quota")
    note = (f"{grown(run, 'signatures_detected_total'):.0f} signatures, {active:.0f} active, refused {counted}, "
            f"{grown(run, 'audio_events_lost_total'):.0f} events lost")
    assert counted["signature_quota"] > 0 and active <= 50_000, f"{summary}; {note}"
    return f"{summary}; {note}"


def more_than_the_scan_budget():
    """The same bytes at twice the budget: what is above it passes unscanned and is counted, and nothing that is still
    measured is wrong."""
    budget = 1_000_000
    run, verdict = attacked("crafted", SCAN_BUDGET_MBPS=1)
    scanned = grown(run, "audio_scanned_bytes_total")
    passed = grown(run, "audio_packets_total", verdict="budget")
    # Packets may come in on every CPU, and each has a budget of its own; a second's worth may be saved up.
    allowed = budget * (os.cpu_count() or 1) * (SECONDS + 1)
    wrong = verdict.invented or verdict.wrong
    note = f"{scanned / 1e6:.1f} MB scanned of {allowed / 1e6:.0f} allowed, {passed:.0f} packets over the budget"
    assert passed > 0 and scanned <= allowed and not wrong and verdict.count > 0, f"{note}\n      {verdict.describe()}"
    return f"{note}; {verdict.count} latencies, none wrong"


if __name__ == "__main__":
    main("hostile", [nobody, ten_thousand_source_ports, a_neighbours_packets_sent_again,
                     bytes_that_select_every_window, more_than_the_scan_budget])
