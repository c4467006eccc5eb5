# SPDX-License-Identifier: Apache-2.0
"""Local processes are named by their sockets: on lo each label is process[pid], and the relay between two others is a
stage; thousands of short-lived sockets do not keep it from that."""
import contextlib
import os
import pathlib
import socket
import subprocess
import threading
import time

from support import BUILD, Agent, Namespaces, eventually, free_port, inside, main

DELAY = 0.3
PACKET = 0.02  # sound leaves with the packet that it was cut into: up to one packet later than the delay alone


def thread_seconds(pid, name):
    """Processor seconds of the thread of that name."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    raise AssertionError(f"no thread {name}")


@contextlib.contextmanager
def call(namespace):
    """source -> relay -> sink by RTP on the namespace's lo; yields the three labels."""
    with inside(namespace):
        relay_port, sink_port = free_port(), free_port()
    enter = ["nsenter", f"--net=/run/netns/{namespace}"]
    programs = []
    try:
        for words in (["audio-relay", "--format", "rtp", "--listen", f"127.0.0.1:{sink_port}"],
                      ["audio-relay", "--format", "rtp", "--listen", f"127.0.0.1:{relay_port}", "--to",
                       f"127.0.0.1:{sink_port}", "--delay-ms", str(DELAY * 1000), "--phase-ms", "10"],
                      ["audio-source", "--to", f"127.0.0.1:{relay_port}", "--seconds", "300"]):
            programs.append(subprocess.Popen([*enter, str(BUILD / words[0]), *words[1:]], stdin=subprocess.DEVNULL,
                                             stdout=subprocess.DEVNULL))
        yield [f"{name}[{program.pid}]" for name, program in
               zip(("audio-source", "audio-relay", "audio-relay"), reversed(programs))]
    finally:
        for program in programs:
            program.kill()
            program.wait()


def histogram(agent, name, **labels):
    """(count, mean) of the one series with those labels."""
    metrics = agent.metrics()
    wanted = set(labels.items())
    values = {}
    for (sample, has), value in metrics.items():
        if wanted <= has and sample in (name + "_sum", name + "_count"):
            values[sample] = value
    count = values.get(name + "_count", 0)
    return count, values.get(name + "_sum", 0) / count if count else 0


def measured(agent, source, relay, sink):
    """Waits until the call has its labels, and checks the delay that they carry."""
    count, mean = eventually(lambda: (lambda found: found if found[0] >= 20 else None)(
        histogram(agent, "audio_latency_seconds", source_pod=source, dest_pod=sink)), 60, f"latency {source} to {sink}")
    assert DELAY <= mean < DELAY + PACKET, f"{mean:.4f} s between {source} and {sink}"
    count, mean = eventually(lambda: (lambda found: found if found[0] >= 20 else None)(
        histogram(agent, "audio_stage_latency_seconds", pod=relay)), 60, f"stage {relay}")
    assert DELAY <= mean < DELAY + PACKET, f"{mean:.4f} s in {relay}"
    return f"{count:.0f} latencies of {mean * 1000:.1f} ms in {relay}"


def lo_names_processes_and_gives_stages():
    with Namespaces("processes") as namespaces:
        host = namespaces.add("host")
        with call(host) as labels, Agent(host, INTERFACE="lo", PROCESS_IDENTITY="on") as agent:
            return measured(agent, *labels)


def off_names_addresses():
    with Namespaces("processes") as namespaces:
        host = namespaces.add("host")
        with call(host), Agent(host, INTERFACE="lo", PROCESS_IDENTITY="off") as agent:
            def pairs():
                return [dict(labels) for (name, labels), value in agent.metrics().items()
                        if name == "audio_latency_seconds_count" and value > 0]
            labels = eventually(pairs, 60, "a latency")
            assert all(label["source_pod"].startswith("127.0.0.1:") for label in labels), labels


def short_lived_sockets_cost_little():
    """2,000 sockets a second, each sending noise that selects windows, beside the call."""
    with Namespaces("processes") as namespaces:
        host = namespaces.add("host")
        stop = threading.Event()
        opened = [0]

        def flood():
            with inside(host), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
                sink.bind(("127.0.0.1", 0))
                start = time.monotonic()
                while not stop.is_set():
                    while opened[0] < 2000 * (time.monotonic() - start):
                        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as short:
                            short.sendto(os.urandom(1000), sink.getsockname())
                        opened[0] += 1
                    time.sleep(0.001)

        flooding = threading.Thread(target=flood)
        with Agent(host, INTERFACE="lo", PROCESS_IDENTITY="on") as agent:
            flooding.start()
            try:
                time.sleep(2)
                before, sockets, start = thread_seconds(agent.process.pid, "identity"), opened[0], time.monotonic()
                with call(host) as labels:
                    detail = measured(agent, *labels)
                    time.sleep(max(0, start + 20 - time.monotonic()))
                seconds = time.monotonic() - start
                share = (thread_seconds(agent.process.pid, "identity") - before) / seconds
                rate = (opened[0] - sockets) / seconds
            finally:
                stop.set()
                flooding.join()
        assert rate > 1000, f"only {rate:.0f} sockets a second: this machine is too busy"
        assert share <= 0.02, f"{share:.1%} of a processor"
        return f"{rate:.0f} sockets/s cost {share:.2%} of a processor; {detail}"


if __name__ == "__main__":
    main("processes", [lo_names_processes_and_gives_stages, off_names_addresses, short_lived_sockets_cost_little])
