# SPDX-License-Identifier: Apache-2.0
"""`audio-latency replay` as users call it: its outputs, their agreement with one another, and bad input."""
import collections
import json
import math
import pathlib
import re
import subprocess
import tempfile

from support import BUILD, PROGRAM, command, main, parse_metrics

NOBODY = 65534
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
COMMON = {"time": str, "kind": str, "source": str, "dest": str, "source_pod": str, "dest_pod": str,
          "latency_seconds": float, "signature": str, "domain": str, "measurement": str}
HISTOGRAMS = {"latency": ("audio_latency_seconds", ("source_pod", "dest_pod")),
              "stage": ("audio_stage_latency_seconds", ("pod",)),
              "network": ("audio_network_latency_seconds", ("source_pod", "dest_pod"))}

scratch = tempfile.TemporaryDirectory(prefix="alt-replay-")
SCRATCH = pathlib.Path(scratch.name)
SCRATCH.chmod(0o755)
CAPTURE = SCRATCH / "speech.pcap"


def replay(*words, **options):
    """(exit status, standard output, standard error) of a replay by a user without any privilege."""
    done = subprocess.run([str(PROGRAM), "replay", *map(str, words)], capture_output=True, text=True, timeout=120,
                          user=NOBODY, group=NOBODY, extra_groups=[], env={}, **options)
    return done.returncode, done.stdout, done.stderr


def matches():
    status, output, complaints = replay("--json", CAPTURE)
    assert (status, complaints) == (0, ""), complaints
    return [json.loads(line) for line in output.splitlines()]


def json_is_as_documented():
    command(BUILD / "test-speech-capture", "pcm16-udp", 1, CAPTURE, SCRATCH / "truth.json")
    found = matches()
    assert len(found) > 1000, f"{len(found)} matches in a minute of speech"
    for match in found:
        for key, kind in COMMON.items():
            assert isinstance(match[key], kind), f"{key} of {match}"
        assert isinstance(match["uncertainty_seconds"], (int, float)) and match["measurement"] == "default", match
        assert match["kind"] in HISTOGRAMS and ("pod" in match) == (match["kind"] == "stage"), match
        assert TIME.fullmatch(match["time"]), match
        assert re.fullmatch("[0-9a-f]{16}", match["signature"]) and match["domain"] == "verbatim", match
    return f"{len(found)} matches"


def histograms_hold_what_the_json_holds():
    text = SCRATCH / "metrics.txt"
    text.touch()
    text.chmod(0o666)
    status, output, complaints = replay("--json", "--metrics", text, CAPTURE)
    assert (status, complaints) == (0, ""), complaints
    latencies = collections.defaultdict(list)
    for match in map(json.loads, output.splitlines()):
        name, labels = HISTOGRAMS[match["kind"]]
        latencies[name, tuple((label, match[label]) for label in labels)].append(match["latency_seconds"])
    samples = parse_metrics(text.read_text())
    counts = {(name, labels): value for (name, labels), value in samples.items()
              if name.removesuffix("_count") in [histogram for histogram, _ in HISTOGRAMS.values()]
              and name.endswith("_count")}
    assert sum(counts.values()) == sum(map(len, latencies.values())) > 0, counts
    checked = 0
    for (name, wanted), values in latencies.items():
        for (sample, labels), value in samples.items():
            if not set(wanted) <= labels:
                continue
            if sample == name + "_count":
                assert value == len(values), (sample, labels, value, len(values))
            elif sample == name + "_sum":
                assert math.isclose(value, sum(values), rel_tol=1e-9), (sample, labels, value, sum(values))
            elif sample == name + "_bucket":
                bound = float(dict(labels)["le"])
                below = sum(latency <= bound for latency in values)
                assert value == below, (sample, labels, value, below)
            else:
                continue
            checked += 1
    assert checked >= 2 * 35, f"only {checked} samples compared"
    return f"{checked} samples agree"


def metrics_go_to_the_standard_output_alone():
    status, output, _ = replay("--metrics", "-", CAPTURE)
    assert status == 0 and "audio_packets_total{" in output and "p99 ms" not in output
    status, output, complaints = replay("--json", "--metrics", "-", CAPTURE)
    assert (status, output) == (2, "") and complaints.count("\n") == 1, complaints


def signatures_are_stateless_windows():
    status, output, complaints = replay("--signatures", CAPTURE)
    assert (status, complaints) == (0, ""), complaints
    windows = [json.loads(line) for line in output.splitlines()]
    assert len(windows) > 1000
    for window in windows:
        assert list(window) == ["time", "src", "dst", "protocol", "domain", "signature", "offset"], window
        assert TIME.fullmatch(window["time"]) and window["protocol"] == "udp", window
        assert 67 <= window["offset"] < 480, window  # 4 bytes of lag and 64 symbols inside one packet, at most 30 ms


def the_table_shows_pairs_and_what_was_skipped():
    status, output, complaints = replay(CAPTURE)
    assert (status, complaints) == (0, ""), complaints
    assert re.search(r"kind +source +dest +count +p50 ms +p95 ms +p99 ms +max ms", output), output
    assert re.search(r"^latency +10\.20\.0\.1:\d+ +10\.20\.0\.3:\d+ +\d+ +2[789]\d\.\d{3} ", output, re.M), output
    assert re.search(r"^windows +\d+ selected, \d+ silence", output, re.M), output
    status, output, _ = replay("--audio-ports", "1", CAPTURE)
    assert status == 0 and "No latency was measured." in output
    assert re.search(r"^packets +\d+ port$", output, re.M), output


def names_come_from_the_file():
    names = SCRATCH / "names.yaml"
    names.write_text('names: {"10.20.0.2": media/relay}\n')
    status, output, complaints = replay("--names-file", names, CAPTURE)
    assert (status, complaints) == (0, ""), complaints
    assert re.search(r"^stage +media/relay +media/relay ", output, re.M), output


def a_cut_file_is_reported_as_far_as_it_goes():
    cut = SCRATCH / "cut.pcap"
    cut.write_bytes(CAPTURE.read_bytes()[:-1000])
    status, output, complaints = replay("--json", cut)
    assert status == 1 and complaints.count("\n") == 1 and str(cut) in complaints, complaints
    assert 0 < output.count("\n") <= len(matches())


def bad_files_are_one_sentence():
    (SCRATCH / "empty").write_bytes(b"")
    (SCRATCH / "text").write_text("This is no capture at all.\n")
    for path in (SCRATCH / "empty", SCRATCH / "text", SCRATCH / "missing"):
        status, output, complaints = replay("--json", CAPTURE, path)
        assert (status, output) == (1, "") and complaints.count("\n") == 1 and str(path) in complaints, complaints
    status, _, complaints = replay("--signatures", "--json", CAPTURE)
    assert status == 2, complaints


main("replay", [json_is_as_documented, histograms_hold_what_the_json_holds, metrics_go_to_the_standard_output_alone,
                signatures_are_stateless_windows, the_table_shows_pairs_and_what_was_skipped, names_come_from_the_file,
                a_cut_file_is_reported_as_far_as_it_goes, bad_files_are_one_sentence])
