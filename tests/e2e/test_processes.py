# SPDX-License-Identifier: Apache-2.0
"""Local processes are named by their sockets: on lo each label is process[pid], and the relay between two others is a
stage; thousands of short-lived sockets do not keep it from that."""
import contextlib
import datetime
import json
import os
import pathlib
import socket
import statistics
import subprocess
import tempfile
import threading
import time

from support import BUILD, Agent, Namespaces, eventually, free_port, inside, main

DELAY_MS = 300
NEAR = 0.002  # s: what a measured latency may differ from what the relay itself saw


@contextlib.contextmanager
def call(namespace):
    """source -> relay -> sink by RTP on the namespace's lo; yields the three labels and the relay's log, which has for
    each packet when its sound arrived (the kernel's stamp) and when it was sent on."""
    with inside(namespace):
        relay_port, sink_port = free_port(), free_port()
    enter = ["nsenter", f"--net=/run/netns/{namespace}"]
    programs = []
    log = tempfile.NamedTemporaryFile("r", prefix="alt-relay-", suffix=".jsonl")
    try:
        for words in (["audio-relay", "--format", "rtp", "--listen", f"127.0.0.1:{sink_port}"],
                      ["audio-relay", "--format", "rtp", "--listen", f"127.0.0.1:{relay_port}", "--to",
                       f"127.0.0.1:{sink_port}", "--delay-ms", str(DELAY_MS), "--log", log.name],
                      ["audio-source", "--to", f"127.0.0.1:{relay_port}", "--seconds", "300"]):
            programs.append(subprocess.Popen([*enter, str(BUILD / words[0]), *words[1:]], stdin=subprocess.DEVNULL,
                                             stdout=subprocess.DEVNULL))
        yield [f"{name}[{program.pid}]" for name, program in
               zip(("audio-source", "audio-relay", "audio-relay"), reversed(programs))], log.name
    finally:
        log.close()
        for program in programs:
            program.kill()
            program.wait()


def seconds_since_1970(text):
    """Of RFC 3339 with nanoseconds."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    moment = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return moment.timestamp() + float("0." + (fraction or "0"))


def errors(matches, log):
    """Measured minus true seconds of each match. The relay's input and output are cut alike (20 ms), so that all sound
    of a packet that it sent came in one packet; the match's time is when that packet passed."""
    sent = [json.loads(line) for line in pathlib.Path(log).read_text().splitlines() if line.endswith("}")]
    for match in matches:
        passed = seconds_since_1970(match["time"])
        packet = min(sent, key=lambda each: abs(each["left_ns"] / 1e9 - passed))
        if abs(packet["left_ns"] / 1e9 - passed) < 0.01:  # else its line is not written yet
            yield match["latency_seconds"] - (packet["left_ns"] - packet["arrived_ns"]) / 1e9


def measured(agent, names, log):
    """Waits until the call has its names, and sets what was measured against what the relay itself saw."""
    source, relay, sink = names
    wanted = {"latency": lambda match: (match["source_pod"], match["dest_pod"]) == (source, sink),
              "stage": lambda match: match["pod"] == relay}
    said = []
    for kind, named in wanted.items():
        def enough(kind=kind, named=named):
            found = [match for match in agent.api("matches?limit=4096") if match["kind"] == kind and named(match)]
            return found if len(found) >= 20 else None
        off = list(errors(eventually(enough, 60, f"20 matches of kind {kind} between {names}", interval=0.5), log))
        assert len(off) >= 15, f"only {len(off)} matches are in the relay's log"
        assert abs(statistics.median(off)) <= NEAR, f"{kind}: measured minus true: {sorted(off)} s"
        said.append(f"{kind} {1000 * statistics.median(off):+.2f} ms from the truth ({len(off)} matches)")
    return ", ".join(said)


def lo_names_processes_and_gives_stages():
    with Namespaces("processes") as namespaces:
        host = namespaces.add("host")
        with call(host) as (names, log), Agent(host, INTERFACE="lo", PROCESS_IDENTITY="on") as agent:
            return measured(agent, names, log)


def off_names_addresses():
    with Namespaces("processes") as namespaces:
        host = namespaces.add("host")
        with call(host), Agent(host, INTERFACE="lo", PROCESS_IDENTITY="off") as agent:
            def pairs():
                return [dict(labels) for (name, labels), value in agent.metrics().items()
                        if name == "audio_latency_seconds_count" and value > 0]
            labels = eventually(pairs, 60, "a latency")
            assert all(label["source_pod"].startswith("127.0.0.1:") for label in labels), labels
            status, said = agent.get("/readyz")
            assert status == 200 and "PROCESS_IDENTITY is off" in said, f"{status}: {said}"


@contextlib.contextmanager
def flood(namespace, rate=2000):
    """So many short-lived sockets a second, each sending noise that selects windows; yields a list of how many."""
    stop, opened = threading.Event(), [0]

    def run():
        with inside(namespace), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
            sink.bind(("127.0.0.1", 0))
            start = time.monotonic()
            while not stop.is_set():
                while opened[0] < rate * (time.monotonic() - start) and not stop.is_set():
                    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as short:
                        short.sendto(os.urandom(1000), sink.getsockname())
                    opened[0] += 1
                time.sleep(0.001)

    flooding = threading.Thread(target=run)
    flooding.start()
    try:
        yield opened
    finally:
        stop.set()
        flooding.join()


def short_lived_sockets_do_not_keep_it_from_naming():
    """What they cost is bench_sockets.py's to tell."""
    with Namespaces("processes") as namespaces:
        host = namespaces.add("host")
        with Agent(host, INTERFACE="lo", PROCESS_IDENTITY="on") as agent, flood(host) as opened:
            eventually(lambda: opened[0] >= 4000, 60, "4,000 sockets")
            with call(host) as (names, log):
                return f"{measured(agent, names, log)}, beside {opened[0]} sockets"


if __name__ == "__main__":
    main("processes", [lo_names_processes_and_gives_stages, off_names_addresses,
                       short_lived_sockets_do_not_keep_it_from_naming])
