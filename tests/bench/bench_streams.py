#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What it costs to watch 1,000 RTP G.711 streams (50,000 packets a second) over a veth: nothing attached, audio-latency
attached, `tcpdump -w /dev/null`, in turn. CPU is the whole machine's, from the kernel's idle time: it means something
only where nothing else runs. Beside it stands the CPU of the processes that take part: the sender, which is charged for
the softirqs of what it sends, ksoftirqd, and who watches.

Usage: bench_streams.py [--rounds N] [--seconds N] [--json]"""
import argparse
import contextlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from support import BUILD, Agent, Namespaces, command, eventually, total  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
PORTS = ",".join(f"{port}/rtp" for port in range(20_000, 20_200, 2))


def busy_seconds():
    """CPU seconds that the machine was not idle, since it started (proc_stat(5)); an arbitrary zero."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    idle = (int(fields[3]) + int(fields[4])) / TICK
    return time.clock_gettime(time.CLOCK_MONOTONIC) * os.cpu_count() - idle


def process_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def softirq_threads():
    return command("pgrep", "^ksoftirqd/").split()


def charged_seconds(pids):
    """CPU seconds that the scheduler has charged to all threads of these processes."""
    nanoseconds = 0
    for path in (path for pid in pids for path in pathlib.Path("/proc").glob(f"{pid}/task/*/schedstat")):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            nanoseconds += int(path.read_text().split()[0])
    return nanoseconds / 1e9


def resident_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def received(namespace):
    text = subprocess.run(["ip", "netns", "exec", namespace, "cat", "/sys/class/net/veth0/statistics/rx_packets"],
                          capture_output=True, text=True, check=True).stdout
    return int(text)


@contextlib.contextmanager
def nothing(_):
    yield None


@contextlib.contextmanager
def tcpdump(namespace):
    with subprocess.Popen(["ip", "netns", "exec", namespace, "tcpdump", "-i", "veth0", "-w", "/dev/null"],
                          stderr=subprocess.PIPE, text=True) as dump:
        dump.stderr.readline()  # "listening on …"
        yield None
        dump.send_signal(signal.SIGINT)
        dump.communicate()


@contextlib.contextmanager
def audio_latency(namespace):
    with Agent(namespace, INTERFACE="veth0", AUDIO_PORTS=PORTS, LOG_LEVEL="warn") as agent:
        yield agent


CONTENDERS = {"nothing": nothing, "audio-latency": audio_latency, "tcpdump": tcpdump}


class Streams:
    """The traffic: runs for as long as all rounds take."""

    def __init__(self, namespaces):
        self.here, self.there = namespaces.add("send"), namespaces.add("receive")
        namespaces.veth(self.here, self.there, [f"10.77.0.{i}/16" for i in range(1, 11)], ["10.77.1.1/16"])
        self.processes = [self._start(self.there, "receive", "10.77.1.1"),
                          self._start(self.here, "send", "100000", "10.77.0.1", "10.77.1.1")]

    @staticmethod
    def _start(namespace, *words):
        process = subprocess.Popen(["ip", "netns", "exec", namespace, str(BUILD / "test-streams"), *words],
                                   stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        return process

    def pids(self):
        """Of everything in both namespaces, whoever watches included."""
        return [pid for namespace in (self.here, self.there) for pid in command("ip", "netns", "pids", namespace).split()]

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()


def one_round(streams, contender, seconds):
    with CONTENDERS[contender](streams.there) as agent:
        time.sleep(1.5)  # the first second fills tables and caches: not what a running system costs
        pid = agent.process.pid if agent else None
        taking_part = streams.pids() + softirq_threads()
        before = busy_seconds(), received(streams.there), process_seconds(pid) if pid else 0, time.monotonic()
        charged = charged_seconds(taking_part)
        time.sleep(seconds)
        wall = time.monotonic() - before[3]
        charged = charged_seconds(taking_part) - charged
        result = {"cpu_seconds": busy_seconds() - before[0], "packets": received(streams.there) - before[1]}
        if pid:
            result["daemon_percent"] = 100 * (process_seconds(pid) - before[2]) / wall
            result["rss_mib"] = resident_mib(pid)
            metrics = eventually(agent.metrics, what="/metrics")
            result["lost"] = total(metrics, "audio_events_lost_total") + total(metrics, "audio_packets_total",
                                                                               verdict="budget")
            result["signatures"] = total(metrics, "signatures_detected_total")
            result["run_seconds"] = total(metrics, "audio_bpf_run_seconds_total")
        result["microseconds_a_packet"] = 1e6 * result["cpu_seconds"] / result["packets"]
        result["charged_microseconds_a_packet"] = 1e6 * charged / result["packets"]
        result["packets_a_second"] = result["packets"] / wall
        return result


def figure(name, value, unit, goal, holds):
    return {"name": f"1,000 streams: {name}", "value": round(value, 4), "unit": unit, "goal": goal, "holds": holds,
            "command": "tests/bench/bench_streams.py"}


def figures(rounds):
    def median(contender, what):
        return statistics.median(result[what] for result in rounds[contender])

    bare = median("nothing", "microseconds_a_packet")
    ours = median("audio-latency", "microseconds_a_packet") - bare
    theirs = median("tcpdump", "microseconds_a_packet") - bare
    charged = {who: median(who, "charged_microseconds_a_packet") for who in CONTENDERS}
    our_charge, their_charge = (charged[who] - charged["nothing"] for who in ("audio-latency", "tcpdump"))
    percent, memory = median("audio-latency", "daemon_percent"), max(r["rss_mib"] for r in rounds["audio-latency"])
    lost = sum(result["lost"] for result in rounds["audio-latency"])
    return [
        figure("packets a second", median("audio-latency", "packets_a_second"), "1/s", None, None),
        figure("traffic alone", bare, "µs CPU/packet", None, None),
        figure("audio-latency adds", ours, "µs CPU/packet", None, None),
        figure("tcpdump -w /dev/null adds", theirs, "µs CPU/packet", None, None),
        figure("audio-latency against tcpdump", ours / theirs, "ratio", "<= 1", ours <= theirs),
        figure("audio-latency adds, by what processes are charged", our_charge, "µs CPU/packet", None, None),
        figure("tcpdump adds, by what processes are charged", their_charge, "µs CPU/packet", None, None),
        figure("against tcpdump, by what processes are charged", our_charge / their_charge, "ratio", "<= 1",
               our_charge <= their_charge),
        figure("signatures a second and stream", sum(r["signatures"] for r in rounds["audio-latency"])
               / sum(r["packets"] for r in rounds["audio-latency"]) * 50, "1/s", None, None),
        figure("daemon", percent, "% of a core", "<= 3", percent <= 3),
        figure("daemon's memory", memory, "MiB", "<= 96", memory <= 96),
        figure("events lost or packets over the budget", lost, "", "0", lost == 0),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rounds = {contender: [] for contender in CONTENDERS}
    with Namespaces("streams") as namespaces:
        streams = Streams(namespaces)
        try:
            for number in range(arguments.rounds):
                for contender, results in rounds.items():
                    results.append(one_round(streams, contender, arguments.seconds))
                    print(f"round {number + 1}: {contender}: {results[-1]}", file=sys.stderr, flush=True)
        finally:
            streams.stop()
    for each in figures(rounds):
        goal = "" if each["goal"] is None else f"  (goal {each['goal']}: {'holds' if each['holds'] else 'MISSED'})"
        print(json.dumps(each) if arguments.json else f"{each['name']}: {each['value']} {each['unit']}{goal}")


if __name__ == "__main__":
    main()
