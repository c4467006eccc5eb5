# SPDX-License-Identifier: Apache-2.0
"""Two calls are measured while somebody on the same interface attacks."""
import tempfile

import scenario
import scenario_live
from support import total

SECONDS = 28
SLACK_NS = 2_000_000


def attacked(test, kind, **variables):
    """(run, verdict) of the neighbour's calls under one kind of attack."""
    with tempfile.TemporaryDirectory(prefix=f"alt-{test}-") as directory:
        capture, truth = scenario.synthesise(directory, 1, SECONDS, "--attack", kind, recordings=False)
        run = scenario_live.Run(test, directory, capture, truth, recent=True, **variables)
        truth.retime(scenario_live.passages(directory))
    return run, scenario.Verdict(truth, run.matches, SLACK_NS)


def grown(run, name, **labels):
    return total(run.after, name, **labels) - total(run.before, name, **labels)


def refused(run, *errors):
    return {error: int(grown(run, "audio_processing_errors_total", error_type=error)) for error in errors}
