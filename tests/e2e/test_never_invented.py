#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Ten minutes of synthesised calls full of sounds that repeat, replayed: no latency is invented, none is wrong, and
nearly every second of clean speech is measured in the same run. SEEDS (environment): seeds to try, comma-separated."""
import json
import os
import re
import subprocess
import tempfile

import scenario
from support import BUILD, PROGRAM, command, main

SECONDS = float(os.environ.get("SECONDS", 600))
SEEDS = os.environ.get("SEEDS", "1")


def replay(capture, truth):
    """(matches, collisions by reason). The table for people, a second run, ends with what was counted."""
    run = [PROGRAM, "--audio-ports", truth.ports, "replay", capture]
    with subprocess.Popen([*run, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        matches = [json.loads(line) for line in program.stdout]
        errors = program.stderr.read()
    assert program.returncode == 0, f"exit {program.returncode}: {errors[-2000:]}"
    counted = re.search(r"^signatures .*$", command(*run), re.MULTILINE)[0]
    return matches, {reason: int(count) for count, reason in re.findall(r"(\d+) (repeat|origins)\b", counted)}


def check(seed, alike):
    with tempfile.TemporaryDirectory(prefix="alt-scenario-") as directory:
        capture, truth = scenario.synthesise(directory, seed, SECONDS, alike=alike)
        matches, collisions = replay(capture, truth)
    summary = scenario.Verdict(truth, matches).check()
    assert collisions.get("repeat", 0) > 0, f"no repeat counted; {summary}"
    assert alike or collisions.get("origins", 0) > 0, f"no origins counted; {summary}"
    return f"{summary}; collisions {collisions}"


def every_endpoint_has_an_address():
    return "; ".join(f"seed {seed}: {check(seed, alike=False)}" for seed in SEEDS.split(","))


def all_addresses_are_alike():
    """All on 127.0.0.1: latencies from the origin only, and no prompt or loop that several calls share, since nothing
    tells a later hop from another call there."""
    return "; ".join(f"seed {seed}: {check(seed, alike=True)}" for seed in SEEDS.split(","))


if __name__ == "__main__":
    assert (BUILD / "test-scenario").exists(), "build it first"
    main("never_invented", [every_endpoint_has_an_address, all_addresses_are_alike])
