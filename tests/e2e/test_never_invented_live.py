#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A minute of the synthesised calls of test_never_invented.py, through the kernel program, at their own pace."""
import os
import tempfile

import scenario
import scenario_live
from support import main, total


def sixty_seconds_through_the_kernel():
    with tempfile.TemporaryDirectory(prefix="alt-scenario-") as directory:
        capture, truth = scenario.synthesise(directory, os.environ.get("SEED", "1"), 60)
        run = scenario_live.Run("inventlive", directory, capture, truth)
        truth.retime(scenario_live.passages(directory))
    lost = total(run.after, "audio_events_lost_total")
    note = f"player at most {run.player['latest_seconds'] * 1e3:.1f} ms late, {lost:.0f} events lost"
    summary = f"{scenario.Verdict(truth, run.matches, slack_ns=2_000_000).check()}; {note}"
    collisions = {reason: int(total(run.after, "audio_signature_collisions_total", reason=reason))
                  for reason in ("repeat", "origins")}
    assert lost == 0 and collisions["repeat"] > 0 and collisions["origins"] > 0, f"{summary}; collisions {collisions}"
    return f"{summary}; collisions {collisions}"


if __name__ == "__main__":
    main("never_invented_live", [sixty_seconds_through_the_kernel])
