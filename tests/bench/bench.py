#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every benchmark, one after the other: prints a table and writes build/bench.json, a list of {"name", "value", "unit",
"goal", "holds", "command"}. What is compared with a yardstick is measured together with it, in one run.

Usage: bench.py [--short] [PART ...]; the parts are those of PARTS, default all. The others keep their old figures. --short is a
rehearsal: every part, but too short to mean anything, into build/bench-short.json."""
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("AL_BUILD", HERE.parents[1] / "build")).resolve()
SHORT = "--short" in sys.argv[1:]
# Figures of Google Benchmark programs that have a goal: (part of the benchmark's name, counter) -> (unit, goal, test).
GOALS = {
    ("BM_MatcherObserve", "items_per_second"): ("1/s", ">= 3,000,000", lambda value: value >= 3e6),
    ("BM_MatcherObserve", "bytes_each"): ("bytes", "<= 96", lambda value: value <= 96),
}
NOT_COUNTERS = {"name", "run_name", "run_type", "repetitions", "repetition_index", "threads", "iterations", "time_unit",
                "family_index", "per_family_instance_index", "cpu_time", "aggregate_name", "aggregate_unit"}


def output_of(*words):
    print(f"bench: {' '.join(map(str, words))}", file=sys.stderr, flush=True)
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, text=True, check=False,
                          env=os.environ | {"AL_BUILD": str(BUILD)})
    if done.returncode != 0:
        raise RuntimeError(f"{words[0]}: exit {done.returncode}")
    return done.stdout


def google(program):
    """A Google Benchmark program: its time and its counters."""
    words = ["--benchmark_format=json", *(["--benchmark_min_time=0.02"] if SHORT else [])]
    command = f"build/{program} {' '.join(words)}"
    for run in json.loads(output_of(BUILD / program, *words))["benchmarks"]:
        yield {"name": f"{run['name']}: time", "value": run["real_time"], "unit": run["time_unit"], "goal": None,
               "holds": None, "command": command}
        for counter, value in run.items():
            if counter in NOT_COUNTERS or counter == "real_time" or not isinstance(value, (int, float)):
                continue
            unit, goal, test = next((what for (name, which), what in GOALS.items()
                                     if name in run["name"] and which == counter), ("", None, None))
            yield {"name": f"{run['name']}: {counter}", "value": value, "unit": unit, "goal": goal,
                   "holds": test(value) if test else None, "command": command}


def figures(*words):
    """A program that prints figures itself, one JSON object a line."""
    for line in output_of(*words).splitlines():
        if line.startswith("{"):
            yield {"unit": "", "goal": None, "holds": None, "command": " ".join(map(str, words)), **json.loads(line)}


def recall():
    """Ten minutes of recorded speech for each format, replayed."""
    sys.path.insert(0, str(HERE))
    import recall as bench_recall  # pylint: disable=import-outside-toplevel
    for row in bench_recall.run(1 if SHORT else 10, bench_recall.FORMATS, BUILD):
        yield {"name": f"recall: {row['format']}", "value": row["recall"], "unit": "of speech seconds",
               "goal": ">= 0.99, none wrong", "holds": row["holds"], "command": "tests/bench/recall.py"}


PARTS = {
    "kernel": lambda: figures(BUILD / "bench-kernel"),
    "large": lambda: figures(HERE / "bench_large.py", "--json", *(["--batches", "2"] if SHORT else [])),
    "matcher": lambda: google("bench-matcher"),
    "identity": lambda: figures(BUILD / "bench-identity", *(["2"] if SHORT else [])),
    "sockets": lambda: figures(HERE / "bench_sockets.py", *(["--seconds", "4"] if SHORT else [])),
    "streams": lambda: figures(HERE / "bench_streams.py", "--json", *(["--rounds", "1", "--seconds", "2"] if SHORT else [])),
    "recall": recall,
    "matrix": lambda: figures(BUILD / "bench-matrix"),
    "formats": lambda: figures(BUILD / "bench-formats"),
    "bulk": lambda: figures(HERE / "bench_bulk.py", "--json", *(["--rounds", "3"] if SHORT else [])),
    "decoded": lambda: figures(HERE / "bench_decoded.py", "--json", *(["--seconds", "2"] if SHORT else [])),
    "classify": lambda: figures(BUILD / "bench-classify"),
    "bus": lambda: figures(HERE / "bench_bus.py"),
    "bus-forming": lambda: figures(BUILD / "bench-bus-forming"),
    "bus-scale": lambda: figures(HERE / "bench_bus_scale.py", "--nodes", "2,16", "--json"),
}


def run(part):
    """The figures of one part; one that could not be run is a figure that does not hold."""
    try:
        return [dict(each, part=part) for each in PARTS[part]()]
    except (OSError, RuntimeError, ValueError, ImportError, subprocess.SubprocessError) as error:
        print(f"bench: {part}: {error}", file=sys.stderr)
        return [{"name": f"{part}: not run: {error}", "value": None, "unit": "", "goal": "runs", "holds": False,
                 "command": f"tests/bench/bench.py {part}", "part": part}]


def table(results):
    for each in results:
        value = "-" if each["value"] is None else f"{each['value']:,.4g}"
        verdict = "" if each["holds"] is None else "holds" if each["holds"] else "MISSED"
        print(f"{each['name']:60.60} {value:>14} {each['unit']:18} {each['goal'] or '':20} {verdict}")


def main():
    parts = [word for word in sys.argv[1:] if word != "--short"] or list(PARTS)
    unknown = set(parts) - set(PARTS)
    if unknown:
        sys.exit(f"bench.py: unknown part {', '.join(sorted(unknown))}; allowed are {', '.join(PARTS)}")
    store = BUILD / ("bench-short.json" if SHORT else "bench.json")
    before = json.loads(store.read_text()) if store.exists() else []
    results = [each for each in before if each.get("part") not in parts]
    for part in parts:
        results += run(part)
        store.write_text(json.dumps(results, indent=1) + "\n")
    table(results)


if __name__ == "__main__":
    main()
