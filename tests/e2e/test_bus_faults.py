#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One long call over three nodes of four while things break: an owner is killed, the server is restarted, the relay's
node is cut off from the bus for 10 s; with AL_BUS_LONG=1 an owner's process stands still for 10 s, and the server does.
Latencies go on 5 s after each, none is recorded twice or wrong, and what was lost is counted."""
import collections
import contextlib
import functools
import os
import signal
import time

import bus_cluster
import bus_truth
import demo_report
import support

LONG = bool(os.environ.get("AL_BUS_LONG"))
SECONDS = 87 if LONG else 52
DELAY_MS = 270
RESUMED_S = 5.0   # after a fault is over, or, where others take over, after it began
WINDOW_S = 4.0    # whose half seconds with sound count
MINIMUM_SHARE = 0.9
MAXIMUM_ERROR_MS = 5.0


@contextlib.contextmanager
def cut_off(space):
    """What passes between the node and the bus is dropped."""
    rules = ("table inet alt_bus { chain out { type filter hook output priority 0; tcp dport 4222 drop; }; "
             "chain in { type filter hook input priority 0; tcp sport 4222 drop; }; }")
    enter = ("nsenter", f"--net=/run/netns/{space}", "nft")
    support.command(*enter, rules)
    try:
        yield
    finally:
        support.command(*enter, "delete table inet alt_bus")


class Timeline:
    def __init__(self, agents):
        self.agents = agents  # who are asked for what they have recorded: they keep the newest few thousand
        self.start = time.time()
        self.faults = []  # (what, when it must be over by)
        self.found = {}

    def wait(self, seconds):
        """Until then; where that is past, the rest moves on, so that no fault falls into the time of the one before."""
        self.collect()
        left = self.start + seconds - time.time()
        time.sleep(max(0.0, left))
        self.start -= min(0.0, left)

    def collect(self):
        alike = collections.Counter()  # a latency that a node has recorded twice stays twice
        for match in bus_cluster.matches_of(self.agents):
            key = (match["node"], match["time"], match["source"], match["dest"], match["signature"], match["domain"])
            alike[key] += 1
            self.found[key + (alike[key],)] = match

    def resumes(self, what, after=0.0):
        self.faults.append((what, time.time() + after + RESUMED_S))


def owner_on(cluster, node):
    """A daemon on the node that owns signatures. Ranks are random: it is started again until it does."""
    for _ in range(30):
        agent = cluster.start_agent(node)
        cluster.meet([each for each in cluster.agents if each.process.poll() is None])
        if support.total(agent.metrics(), "audio_bus_owns"):
            return agent
        agent.stop()
    raise AssertionError("the daemon on the idle node never owns signatures")


@functools.cache
def live():
    with bus_cluster.Cluster("busf", 4) as cluster:
        agents = [cluster.start_agent(node) for node in range(3)]
        agents.append(owner_on(cluster, 3))
        call = cluster.add_call((0, 1, 2), delay_ms=DELAY_MS, seconds=SECONDS, sound=bus_cluster.sounds(1, SECONDS)[0])
        cluster.listening()
        truth = bus_truth.Truth(cluster, call)
        time.sleep(1.5)
        line = Timeline(list(agents))
        call.play()
        line.wait(3)
        line.resumes("undisturbed", -RESUMED_S)
        line.wait(8)
        line.collect()
        line.agents.pop().kill()  # it takes what it knows with it
        line.resumes("an owner is killed")
        line.wait(17)
        cluster.server.stop()
        line.wait(19)
        cluster.server.start()
        line.resumes("the server is restarted")
        line.wait(28)
        with cut_off(cluster.spaces[1]):
            line.wait(38)
        line.resumes("a node is cut off for 10 s")
        if LONG:
            line.wait(48)
            stopped = line.agents.pop()
            stopped.process.send_signal(signal.SIGSTOP)
            line.wait(58)
            stopped.process.send_signal(signal.SIGCONT)
            line.agents.append(stopped)
            line.resumes("an owner stands still for 10 s")
            line.wait(68)
            cluster.server.pause()
            line.wait(73)
            cluster.server.resume()
            line.resumes("the server stands still for 5 s")
        support.eventually(lambda: not call.playing(), SECONDS + 30, "the end of the call", 0.5)
        bus_cluster.settled(agents[:3])
        line.collect()
        matches = line.found.values()
        lost = {reason: bus_cluster.count(agents[:3], "audio_bus_lost_observations_total", reason=reason)
                for reason in ("owner_gone", "disconnected", "gap", "queue_full", "unknown_flow", "out_of_time")}
        return truth.rows(), [match for match in matches if match["dest"] == call.dest], line, lost


def latencies_resume():
    truth, matches, line, _ = live()
    windows = truth["call"]["windows"]
    passed = {match["signature"] for match in matches}
    shares, counts = [], []
    for what, since in line.faults:
        # Not windows: a flow that is too busy is scanned for every second or fourth of them only, each hop by itself.
        wanted, recorded = collections.Counter(), collections.Counter()
        for signature, all_of_it in windows.items():
            for each in all_of_it:
                after = each["out_ns"] / 1e9 - since
                if 0 <= after < WINDOW_S:
                    half = int(2 * after)  # whole ones: of a sliver at an end nothing may be recorded by chance
                    wanted[half] += 1
                    recorded[half] += signature in passed
        assert len(wanted) >= 4, f"{what}: sound in {len(wanted)} half seconds after it"
        shares.append((what, sum(recorded[half] > 0 for half in wanted) / len(wanted)))
        counts.append(f"{what}: " + ", ".join(f"{recorded[half]} of {wanted[half]}" for half in sorted(wanted)))
    said = ", ".join(f"{what}: {share:.1%}" for what, share in shares)
    assert all(share >= MINIMUM_SHARE for _, share in shares), f"{said}; windows with a latency: {'; '.join(counts)}"
    return f"half seconds of sound with a latency, from {RESUMED_S:.0f} s on: {said}"


def nothing_is_recorded_twice_or_wrong():
    truth, matches, _, _ = live()
    twice = bus_cluster.repeated(matches)
    assert not twice, f"{len(twice)} recorded twice, as {twice[0]}"
    row = demo_report.RowResult("call", truth["call"])
    for match in matches:
        row.add(match)
    errors, unknown = bus_truth.errors_ms(truth["call"], matches)
    worst = max(errors)
    assert not unknown and worst <= MAXIMUM_ERROR_MS, f"{unknown} of no known window, largest error {worst:.3f} ms"
    return f"{len(matches)} latencies, largest error {worst:.3f} ms, {row.recall:.1%} of the seconds of speech"


def lost_ones_are_counted():
    _, _, _, lost = live()
    assert lost["owner_gone"] > 0, lost
    return ", ".join(f"{reason} {value:.0f}" for reason, value in lost.items())


if __name__ == "__main__":
    support.main("bus_faults", [latencies_resume, nothing_is_recorded_twice_or_wrong, lost_ones_are_counted])
