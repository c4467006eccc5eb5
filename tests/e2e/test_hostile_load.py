#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile neighbours who try to eat the CPU: two calls are measured while somebody on the same interface sends as much
as can be of what costs most."""
import os

from scenario_attack import SECONDS, attacked, grown, refused
from support import main, total


def bytes_that_select_every_window():
    run, verdict = attacked("hostile_load", "crafted", MAX_ACTIVE_SIGNATURES=50_000)
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
    run, verdict = attacked("hostile_load", "crafted", SCAN_BUDGET_MBPS=1)
    scanned = grown(run, "audio_scanned_bytes_total")
    passed = grown(run, "audio_packets_total", verdict="budget")
    # Packets may come in on every CPU, and each has a budget of its own; a second's worth may be saved up.
    allowed = budget * (os.cpu_count() or 1) * (SECONDS + 1)
    wrong = verdict.invented or verdict.wrong
    note = f"{scanned / 1e6:.1f} MB scanned of {allowed / 1e6:.0f} allowed, {passed:.0f} packets over the budget"
    assert passed > 0 and scanned <= allowed and not wrong and verdict.count > 0, f"{note}\n      {verdict.describe()}"
    return f"{note}; {verdict.count} latencies, none wrong"


if __name__ == "__main__":
    main("hostile_load", [bytes_that_select_every_window, more_than_the_scan_budget])
