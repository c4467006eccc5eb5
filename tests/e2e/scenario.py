# SPDX-License-Identifier: Apache-2.0
"""Checks latencies against the truth that test-scenario wrote (tests/support/scenario_output.hpp)."""
import bisect
import collections
import datetime
import json
import os
import re

from support import BUILD, command

RECORDINGS = "/usr/share/asterisk/sounds"
TOLERANCE_NS = 5_000_000


def synthesise(directory, seed, seconds, *words, alike=False, recordings=True):
    """Writes capture and truth into `directory`; returns (path of the capture, Truth)."""
    capture, truth = os.path.join(directory, "scenario.pcap"), os.path.join(directory, "truth.json")
    command(BUILD / "test-scenario", "--seed", seed, "--seconds", seconds, "--capture", capture, "--truth", truth,
            *words, *(["--alike"] if alike else []), *(["--recordings", RECORDINGS] if recordings else []))
    with open(truth, encoding="ascii") as file:
        return capture, Truth(json.load(file))


def nanoseconds(time):
    """RFC 3339 with nanoseconds, as an integer since 1970."""
    text, fraction = re.fullmatch(r"(.{19})(?:\.(\d{1,9}))?Z", time).groups()
    whole = datetime.datetime.fromisoformat(text + "+00:00")
    return int(whole.timestamp()) * 10**9 + int((fraction or "").ljust(9, "0"))


class Truth:
    def __init__(self, truth):
        self.flows, self.clean, self.alike = truth["flows"], truth["clean"], truth["alike"]
        self.epoch, self.ports, self.seconds = truth["epoch_ns"], truth["audio_ports"], truth["seconds"]
        for flow in self.flows:  # (earliest and latest time at which it passed, first and last byte + 1 of the stream)
            self._set(flow, [(time, time, begin, end) for time, begin, end in flow["packets"]])
        # What may be measured: (kind, source, dest) -> [(earlier flow, later flow)].
        self.pairs = collections.defaultdict(list)
        for later, flow in enumerate(self.flows):
            ancestors = []
            while flow["parent"] >= 0:
                ancestors.append(flow["parent"])
                flow = self.flows[flow["parent"]]
            self._allow(later, ancestors)

    @staticmethod
    def _set(flow, packets):
        flow["packets"] = packets
        flow["times"], flow["latest"], flow["begins"], _ = map(list, zip(*packets)) if packets else ([], [], [], [])

    def _allow(self, later, ancestors):
        """`ancestors`: nearest first. Where addresses are all alike, everything is measured from the origin."""
        measured = ancestors[-1:] if self.alike else ancestors
        for earlier in measured:
            self.pairs["latency", self.flows[earlier]["source"], self.flows[later]["dest"]].append((earlier, later))
        for earlier in measured[:1]:
            self.pairs["stage", self.flows[earlier]["dest"], self.flows[later]["source"]].append((earlier, later))

    def retime(self, passages):
        """Takes the times between which packets really passed: {(source, dest, IP ID): (earliest, latest)}, ns since
        1970. Packets that never passed are forgotten."""
        self.epoch = 0
        for flow in self.flows:
            found = ((passages.get((flow["source"], flow["dest"], ip_id)), begin, end)
                     for ip_id, (*_, begin, end) in zip(flow["ip_ids"], flow["packets"]))
            self._set(flow, [(*passed, begin, end) for passed, begin, end in found if passed is not None])

    def error_ns(self, match, slack_ns=0):
        """How far off a match is from what is possible, or None where no chain connects its two ends. `slack_ns`: by
        how much the match's own time may differ from the packet's."""
        time = nanoseconds(match["time"]) - self.epoch
        latency = round(match["latency_seconds"] * 1e9)
        errors = []
        for earlier, later in self.pairs.get((match["kind"], match["source"], match["dest"]), ()):
            earlier, later = self.flows[earlier], self.flows[later]
            first = bisect.bisect_left(later["latest"], time - slack_ns)
            last = bisect.bisect_right(later["times"], time + slack_ns)
            for passed, passed_latest, begin, end in later["packets"][first:last]:
                at = max(bisect.bisect_right(earlier["begins"], begin) - 1, 0)
                while at < len(earlier["packets"]) and earlier["begins"][at] < end:
                    least, most = passed - earlier["latest"][at], passed_latest - earlier["times"][at]
                    errors.append(max(least - latency, latency - most, 0))
                    at += 1
        return min(errors, default=None)


class Verdict:
    """What a run measured, against the truth."""

    def __init__(self, truth, matches, slack_ns=0):
        self.truth, self.invented, self.wrong, self.count = truth, [], [], 0
        self.worst_ns = 0
        measured = collections.defaultdict(set)
        for match in matches:
            if match["kind"] == "network":
                continue
            self.count += 1
            error = truth.error_ns(match, slack_ns)
            if error is None:
                self.invented.append(match)
            elif error > TOLERANCE_NS:
                self.wrong.append((error, match))
            else:
                self.worst_ns = max(self.worst_ns, error)
                self._note(measured, match)
        self.calls = [(call["call"], len(call["seconds"]),
                       len(measured[call["origin"], call["last"]].intersection(call["seconds"])))
                      for call in truth.clean]

    def _note(self, measured, match):
        """The second of the stream in which the audio that was measured left its source."""
        if match["kind"] != "latency":
            return
        left = nanoseconds(match["time"]) - self.truth.epoch - round(match["latency_seconds"] * 1e9)
        for earlier, later in self.truth.pairs["latency", match["source"], match["dest"]]:
            flow = self.truth.flows[earlier]
            at = bisect.bisect_left(flow["times"], left - TOLERANCE_NS)
            for time, _, begin, end in flow["packets"][at:at + 3]:
                if abs(time - left) <= TOLERANCE_NS:
                    measured[earlier, later].update(range(begin // flow["bytes_per_second"],
                                                          (end - 1) // flow["bytes_per_second"] + 1))

    def coverage(self):
        return sum(measured for _, _, measured in self.calls) / max(1, sum(wanted for _, wanted, _ in self.calls))

    def describe(self):
        """Why it is wrong, a line for each kind of mistake."""
        name = {}
        for flow in self.truth.flows:
            name[flow["source"]] = name[flow["dest"]] = flow["call"]

        def pair(match):
            return (f"{match['kind']} {match['source']} ({name.get(match['source'])}) -> {match['dest']} "
                    f"({name.get(match['dest'])})")
        lines = []
        for title, found in (("invented", [(None, match) for match in self.invented]), ("wrong", self.wrong)):
            groups = collections.defaultdict(list)
            for error, match in found:
                groups[pair(match)].append((error, match))
            for key, group in sorted(groups.items(), key=lambda item: -len(item[1]))[:30]:
                error, match = group[0]
                off = "" if error is None else f", off by {error / 1e6:.1f} ms"
                lines.append(f"{title}: {len(group)} x {key}: {match['latency_seconds']:.4f} s{off} at {match['time']}")
        lines += [f"covered: {call}: {measured} of {wanted} s" for call, wanted, measured in self.calls
                  if measured < 0.95 * wanted]
        return "\n      ".join(lines)

    def check(self):
        summary = (f"{self.count} latencies, {len(self.invented)} invented, {len(self.wrong)} off by more than 5 ms "
                   f"(worst of the others {self.worst_ns / 1e6:.3f} ms), {100 * self.coverage():.2f} % of "
                   f"{sum(wanted for _, wanted, _ in self.calls)} clean speech seconds measured")
        assert not self.invented and not self.wrong and self.coverage() >= 0.95, f"{summary}\n      {self.describe()}"
        return summary
