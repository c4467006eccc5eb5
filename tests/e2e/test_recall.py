# SPDX-License-Identifier: Apache-2.0
"""Of the seconds of ten minutes of recorded speech, replayed in the worst phase, at least 99 % give a latency."""
import os
import pathlib
import sys

from support import BUILD, Skip, main

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import recall  # noqa: E402 (it lies beside the other benchmarks)


def ten_minutes_of_speech():
    if not os.path.isdir("/usr/share/asterisk/sounds"):
        raise Skip("no recorded speech: package asterisk-core-sounds-en-wav")
    rows = recall.run(10, recall.FORMATS, BUILD)
    missed = [row["format"] for row in rows if not row["holds"]]
    assert not missed, f"below {recall.GOAL:.0%}, or wrong: {', '.join(missed)}"
    return ", ".join(f"{row['format']} {row['recall']:.2%}" for row in rows)


main("recall", [ten_minutes_of_speech])
