# SPDX-License-Identifier: Apache-2.0
"""Source format x relay format: calls of one recorded speech, each from a source in one format through a relay that
sends it on in another, cut anew; live, with nothing configured but the interface. `make demo FORMATS=1`."""
import demo
import demo_calls
import demo_report
import support

# The recording is 24 minutes long; calls at the same time play it from places so far apart that none hears within
# MAX_LATENCY what another has played.
APART_S = 25
AT_ONCE = 48
SECONDS = 25
MAXIMUM_P99_MS = 2.0
DELAYS_MS = (40, 270, 130, 650)

# name: how audio-source sends it, and how audio-relay cuts it anew.
FORMATS = {
    "RTP PCMU": ("rtp", "pcmu", ("--phase-ms=10",)),
    "RTP PCMA": ("rtp", "pcma", ("--out-ptime=30",)),
    "RTP L16": ("rtp", "pcm16be", ("--phase-ms=10",)),
    "TCP PCM16LE": ("tcp", "pcm16", ("--recut", "160", "1400")),
    "TCP PCM16BE": ("tcp", "pcm16be", ("--recut", "160", "1400")),
    "WebSocket": ("websocket", "pcm16", ("--out-ptime=40",)),
    "Twilio": ("twilio", "pcmu", ("--phase-ms=10",)),
    "OpenAI": ("openai", "pcm16", ("--out-ptime=50",)),
    "SSE hex": ("sse", "pcm16", ("--out-ptime=100",)),
    "HTTP WAVE": ("http", "pcm16", ("--recut", "300", "2000")),
    "AudioSocket": ("audiosocket", "pcm16", ("--phase-ms=10",)),
    "gRPC": ("grpc", "pcm16", ("--out-ptime=100",)),
}


def row(source, relay, number):
    (framing, codec, _), (out_framing, out_codec, cut) = FORMATS[source], FORMATS[relay]
    return demo_calls.Row(f"{source} > {relay}", DELAYS_MS[number % len(DELAYS_MS)], framing, cut, out_framing == "sse",
                          framing == "sse", codec, out_framing, out_codec)


def all_pairs():
    return [(source, relay) for source in FORMATS for relay in FORMATS]


def each_once():
    """Every format as a source once, and as a relay once."""
    names = list(FORMATS)
    return [(name, names[(index * 5 + 3) % len(names)]) for index, name in enumerate(names)]


def from_places(count, seconds):
    """What each call plays, as arguments of audio-source: the same recording, from places APART_S from one another."""
    files = demo_calls.recordings()
    lengths = [demo_calls.length_of(file) for file in files]
    if sum(lengths) < count * APART_S:
        raise support.Skip(f"no {count * APART_S} s of recorded speech below {demo_calls.SOUNDS}")
    sounds, first, before = [], 0, 0.0  # of the first file
    for number in range(count):
        place = number * APART_S
        while before + lengths[first] <= place:
            before += lengths[first]
            first += 1
        last, end = first, before
        while end < place + seconds + 1:
            end += lengths[last % len(files)]
            last += 1
        sounds.append([f"--start={place - before:.3f}", *(files[index % len(files)] for index in range(first, last))])
    return sounds


class Matrix:
    """What was measured of each pair of formats."""

    def __init__(self):
        self.rows, self.sentences, self.invented = {}, [], 0

    def run(self, pairs, seconds=SECONDS, namespace=None, say=lambda text: None):
        """Plays these pairs at the same time."""
        rows = [row(*pair, number) for number, pair in enumerate(pairs)]
        report, samples = demo.measure(rows, seconds, namespace, say, from_places(len(rows), seconds), False)
        self.rows |= {pair: report.rows[each.name] for pair, each in zip(pairs, rows)}
        self.invented += len(report.invented) + sum(each.unknown for each in report.rows.values())
        self.sentences += report.compare_metrics(samples)
        if report.invented:
            self.sentences.append(f"a latency between calls that nothing connects: {report.invented[0]}")
        lost = support.total(samples, "audio_events_lost_total")
        if lost:
            self.sentences.append(f"{lost:.0f} events were lost")

    def problems(self):
        sentences = list(self.sentences)
        for result in self.rows.values():
            error = demo_report.percentile(result.errors, 0.99)
            if not result.errors or error > MAXIMUM_P99_MS or result.unknown:
                sentences.append(f"{result.name}: {len(result.errors)} latencies, error p99 {error:.3f} ms, "
                                 f"{result.unknown} of no known window")
            sentences += result.counted_twice()
            if result.recall < demo_report.MINIMUM_RECALL:
                sentences.append(f"{result.name}: {result.recall:.1%} of {len(result.speech)} speech seconds, missing "
                                 f"{sorted(result.speech - result.seconds)}")
        return sentences

    def table(self):
        """Markdown: seconds with speech that gave a latency, %, and the 99th percentile of its error, ms."""
        relays = list(dict.fromkeys(relay for _, relay in self.rows))
        lines = ["| source \\ relay | " + " | ".join(relays) + " |", "|---" * (len(relays) + 1) + "|"]
        for source in dict.fromkeys(source for source, _ in self.rows):
            cells = []
            for relay in relays:
                result = self.rows.get((source, relay))
                cells.append(f"{100 * result.recall:.0f} · {demo_report.percentile(result.errors, 0.99):.2f}"
                             if result else "")
            lines.append(f"| {source} | " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def summary(self):
        speech = sum(len(result.speech) for result in self.rows.values())
        measured = sum(len(result.speech & result.seconds) for result in self.rows.values())
        latencies = sum(len(result.measured) for result in self.rows.values())
        worst = max(demo_report.percentile(result.errors, 0.99) for result in self.rows.values())
        return (f"{len(self.rows)} pairs, {measured} of {speech} seconds with speech measured, {latencies} latencies, "
                f"error p99 of the worst pair {worst:.3f} ms, {self.invented} invented")

    def results(self, command):
        """For build/demo.json."""
        items = []
        for result in self.rows.values():
            error = demo_report.percentile(result.errors, 0.99)
            items.append((f"{result.name}: error p99", error, "ms", f"<= {MAXIMUM_P99_MS}", error <= MAXIMUM_P99_MS))
            items.append((f"{result.name}: speech seconds measured", result.recall, "ratio",
                          f">= {demo_report.MINIMUM_RECALL}", result.recall >= demo_report.MINIMUM_RECALL))
        items.append(("latencies invented", self.invented, "latencies", "0", self.invented == 0))
        return demo_report.figures(items, command)
