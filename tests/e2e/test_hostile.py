#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile neighbours (docs: matching, "Bounds and hostile input"): two calls are measured while somebody on the same
interface tries to fill the tables, or to confuse the matching. Who tries to eat the CPU is in test_hostile_load.py."""
from scenario_attack import attacked, grown, refused
from support import main, total


def nobody():
    """The yardstick: what the same calls give in peace."""
    return attacked("hostile", "none")[1].check()


def ten_thousand_source_ports():
    run, verdict = attacked("hostile", "ports")
    summary = verdict.check()
    counted = refused(run, "flow_quota")
    # One sender may hold a tenth of the kernel's flow table; the neighbour's four flows come on top.
    flows = total(run.after, "audio_flows")
    assert counted["flow_quota"] > 0 and flows <= 1_000 + 4, f"{summary}; {flows:.0f} flows, {counted}"
    return f"{summary}; {flows:.0f} flows, refused {counted}"


def a_neighbours_packets_sent_again():
    run, verdict = attacked("hostile", "replay")
    origins = int(grown(run, "audio_signature_collisions_total", reason="origins"))
    assert origins > 0, f"origins that share signatures were not counted; {verdict.check()}"
    return f"{verdict.check()}; {origins} collisions of origins"


if __name__ == "__main__":
    main("hostile", [nobody, ten_thousand_source_ports, a_neighbours_packets_sent_again])
