#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Recall by replay: of the seconds of recorded speech, how many give a latency, and is any latency wrong.

Usage: recall.py [--minutes N] [--build DIRECTORY] [FORMAT ...]

test-speech-capture writes source -> relay -> sink with every packet's time and byte range; `replay --json` measures it.
A latency is right where it is, within 1 ms, the time between a packet of the source and a packet of the relay that
share sound. A speech second is measured where at least one right latency has its sound in it.
"""
import argparse
import bisect
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

FORMATS = ["pcm16-udp", "pcmu-rtp", "pcm16-rtp", "pcm16-tcp", "pcm16-websocket"]
GOAL = 0.99
STAMP_TOLERANCE_NS = 500_000  # of either end, so 1 ms of the latency
BUILD = pathlib.Path(os.environ.get("AL_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build"))


def nanoseconds(text):
    """RFC 3339 with nanoseconds to nanoseconds since 1970."""
    seconds, fraction = re.fullmatch(r"(.*)\.(\d{9})Z", text).groups()
    moment = datetime.datetime.fromisoformat(seconds).replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp()) * 10**9 + int(fraction)


class Truth:
    """What test-speech-capture says of the two hops."""

    def __init__(self, path):
        self.data = json.loads(pathlib.Path(path).read_text())
        self.speech = set(self.data["speech_seconds"])
        self.source = self.data["source_packets"]
        self.relay = self.data["relay_packets"]
        self.source_times = [packet[0] for packet in self.source]
        self.relay_times = [packet[0] for packet in self.relay]

    @staticmethod
    def _near(times, time):
        first = bisect.bisect_left(times, time - STAMP_TOLERANCE_NS)
        return range(first, bisect.bisect_right(times, time + STAMP_TOLERANCE_NS))

    def second_of(self, departure, arrival):
        """The second whose sound left the source and the relay then; None: no sound did both."""
        for late in self._near(self.relay_times, arrival):
            for early in self._near(self.source_times, departure):
                begin = max(self.source[early][1], self.relay[late][1])
                end = min(self.source[early][2], self.relay[late][2])
                if begin < end:
                    return (begin + end) // 2 // self.data["bytes_per_second"]
        return None


def measure(build, name, minutes, directory):
    capture, truth_path = directory / f"{name}.pcap", directory / f"{name}.json"
    subprocess.run([build / "test-speech-capture", name, str(minutes), capture, truth_path], check=True)
    truth = Truth(truth_path)
    replay = [build / "audio-latency", "--audio-ports", truth.data["audio_ports"], "replay", "--json", capture]
    output = subprocess.run(replay, check=True, stdout=subprocess.PIPE, text=True).stdout
    measured, latencies, wrong = set(), 0, 0
    for match in map(json.loads, output.splitlines()):
        if match["kind"] != "latency":
            continue
        latencies += 1
        second = None
        if (match["source"], match["dest"]) == (truth.data["source"], truth.data["sink"]):
            arrival = nanoseconds(match["time"])
            second = truth.second_of(arrival - round(match["latency_seconds"] * 1e9), arrival)
        if second is None:
            wrong += 1
        else:
            measured.add(second)
    missed = sorted(truth.speech - measured)
    speech = len(truth.speech)
    recall = (speech - len(missed)) / speech if speech else 0.0
    return {"format": name, "speech": speech, "measured": speech - len(missed), "recall": recall,
            "latencies": latencies, "wrong": wrong, "missed": missed, "holds": recall >= GOAL and wrong == 0}


def run(minutes, formats, build=BUILD):
    """One row a format, printed and returned."""
    rows = []
    print(f"{'format':16} {'speech s':>8} {'measured':>8} {'recall':>8} {'latencies':>9} {'wrong':>6}  goal {GOAL:.0%}, 0")
    with tempfile.TemporaryDirectory() as directory:
        for name in formats:
            row = measure(pathlib.Path(build), name, minutes, pathlib.Path(directory))
            print(f"{name:16} {row['speech']:8} {row['measured']:8} {row['recall']:8.2%} {row['latencies']:9} "
                  f"{row['wrong']:6}  {'holds' if row['holds'] else 'MISSED'}", flush=True)
            if row["missed"]:
                print(f"{'':16} seconds missed: {' '.join(map(str, row['missed'][:20]))}")
            rows.append(row)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--build", default=BUILD)
    parser.add_argument("formats", nargs="*")
    arguments = parser.parse_args()
    rows = run(arguments.minutes, arguments.formats or FORMATS, arguments.build)
    sys.exit(0 if all(row["holds"] for row in rows) else 1)


if __name__ == "__main__":
    main()
