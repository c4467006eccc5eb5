#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make demo`: sixteen calls at once on lo, of real speech, through relays that hold them 0, 23, 270 or 2130 ms and
packetise them anew. What the kernel program measured is set against the kernel's own time stamps of the same packets.
Exit status 1 when a row is wrong. Writes build/demo.json."""
import json
import os
import sys
import time

import demo_calls
import demo_report
import support

SECONDS = 25
# A call that begins within the first second of tracking may have been going on before; its latencies would be held back
# for MAX_LATENCY, since half of a loop could have been missed.
BEFORE_THE_FIRST_CALL_S = 1.5
FORMATS = ("RTP u-law 20>20 ms", "RTP u-law 20>30 ms", "PCM16 TCP re-cut", "WebSocket masked>not")


class Progress:
    """One line that is rewritten on a terminal; elsewhere a line every ten seconds."""

    def __init__(self):
        self.terminal = sys.stdout.isatty()
        self.next = 0.0

    def say(self, text, final=False):
        if self.terminal:
            print(f"\r{text:<100}", end="\n" if final else "", flush=True)
        elif final or time.monotonic() >= self.next:
            self.next = time.monotonic() + 10
            print(text, flush=True)


def listen(calls, agent, seconds, say):
    """Plays to the end, and returns all matches."""
    matches = {}
    start = time.monotonic()
    sound = calls.play()
    last_delay = max(row.delay_ms for row in calls.rows) / 1e3
    quiet = None  # when the last sound had been sent
    while quiet is None or time.monotonic() < quiet + last_delay + 1.5:
        if quiet is None and not calls.playing():
            quiet = time.monotonic()
        demo_report.collect(agent, matches)
        latencies = sum(match["kind"] == "latency" for match in matches.values())
        say(f"{len(calls.rows)} calls of {sound} speech: {time.monotonic() - start:4.0f} of about "
            f"{seconds + last_delay + 2:.0f} s, {latencies} latencies measured")
        time.sleep(0.5)
    demo_report.collect(agent, matches)
    return matches


def measure(rows, seconds, namespace=None, say=lambda text: None, sounds=None, declare_ports=True):
    """(report, agent's metrics) of one live run."""
    port = support.free_port()
    with demo_calls.Calls(rows, seconds, namespace, skip_ports=(port,), sounds=sounds) as calls:
        settings = {"AUDIO_PORTS": calls.ports()} if declare_ports else {}
        with support.Agent(namespace, INTERFACE="lo", METRICS_PORT=port, METRICS_ADDRESS="127.0.0.1",
                           **settings) as agent:
            time.sleep(BEFORE_THE_FIRST_CALL_S)
            matches = listen(calls, agent, seconds, say)
            samples = agent.metrics()
        return demo_report.Report(calls.truth(), matches), samples


def sixteen_calls(say):
    report, samples = measure(demo_calls.rows(FORMATS), SECONDS, say=say)
    say("every latency set against the kernel's time stamps of the two packets that carried its window:", True)
    print(report.table())
    total = sum(len(row.measured) for row in report.rows.values())
    print(f"{total} latencies of {len(report.rows)} calls, {len(report.invented)} between calls that nothing connects.")
    return report.results("make demo"), report.problems() + report.compare_metrics(samples)


def all_formats(say):
    import demo_formats  # which needs this module
    matrix = demo_formats.Matrix()
    pairs = demo_formats.all_pairs()
    with support.Namespaces("demo") as namespaces:
        for start in range(0, len(pairs), demo_formats.AT_ONCE):
            some = pairs[start:start + demo_formats.AT_ONCE]
            matrix.run(some, namespace=namespaces.add(str(start)),
                       say=lambda text: say(f"pairs {start + 1} to {start + len(some)} of {len(pairs)}: {text}"))
    say("seconds with speech that were measured, %, and error p99 against the kernel's time stamps, ms:", True)
    print(matrix.table())
    print(matrix.summary())
    return matrix.results("make demo FORMATS=1"), matrix.problems()


def main():
    if os.geteuid() != 0:
        sys.exit("demo: attaching a program to lo needs root: sudo make demo")
    progress = Progress()
    progress.say("starting sinks, relays, the capture of the truth, and audio-latency on lo ...")
    run = all_formats if os.environ.get("FORMATS", "") not in ("", "0") else sixteen_calls
    try:
        results, problems = run(progress.say)
    except (AssertionError, RuntimeError, support.Skip) as error:
        progress.say("", final=True)
        sys.exit(f"demo: {error}")
    target = support.BUILD / "demo.json"
    target.write_text(json.dumps(results, indent=1) + "\n")
    for problem in problems:
        print(f"WRONG: {problem}")
    print(f"Figures: {target}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
