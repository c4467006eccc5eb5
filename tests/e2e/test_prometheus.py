#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes the program while a call is relayed: its quantile falls into the injected delay's bucket,
its own checker finds nothing to complain about, and sums and counts are those of the JSON."""
import bisect
import contextlib
import functools
import http.client
import json
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.parse

import demo
import demo_calls
import demo_report
import support

QUERY = ("histogram_quantile(0.99, sum(rate(audio_latency_seconds_bucket[1m])) by (source_pod, dest_pod, le))")
SECONDS = 40
DELAY_MS = 270
PROMETHEUS_PORT = 9099


@contextlib.contextmanager
def prometheus(namespace, *targets):
    """Debian's server, in the namespace, scraping the programs at the targets every second."""
    with tempfile.TemporaryDirectory(prefix="alt-prometheus-") as directory:
        config = pathlib.Path(directory, "prometheus.yml")
        config.write_text("global: {scrape_interval: 1s}\nscrape_configs:\n"
                          "  - job_name: audio\n    static_configs: [{targets: %s}]\n" % json.dumps(targets))
        log = open(pathlib.Path(directory, "log"), "w+")
        server = subprocess.Popen(["nsenter", f"--net=/run/netns/{namespace}", "prometheus", f"--config.file={config}",
                                   f"--storage.tsdb.path={directory}/data", f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}"],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield server
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            log.close()


def ask(namespace, query):
    """Result vector of an instant query."""
    with support.inside(namespace):
        connection = http.client.HTTPConnection("127.0.0.1", PROMETHEUS_PORT, timeout=10)
        connection.connect()
    with contextlib.closing(connection):
        connection.request("GET", "/api/v1/query?" + urllib.parse.urlencode({"query": query}))
        answer = json.loads(connection.getresponse().read())
    assert answer["status"] == "success", answer
    return answer["data"]["result"]


@functools.cache
def live():
    """One run for all tests of this file: (row, truth's p99 in seconds, Prometheus' answers, matches, metrics text)."""
    if not shutil.which("prometheus"):
        raise support.Skip("prometheus is not installed (scripts/setup.sh test)")
    row = demo_calls.Row("call", DELAY_MS, framing="rtp", relay=("--phase-ms=10",))
    port, matches = 9090, {}
    with support.Namespaces("prometheus") as namespaces:
        namespace = namespaces.add("host")
        with demo_calls.Calls([row], SECONDS, namespace, skip_ports=(port, PROMETHEUS_PORT)) as calls, \
                support.Agent(namespace, INTERFACE="lo", DIRECTION="ingress", AUDIO_PORTS=calls.ports(),
                              METRICS_PORT=port) as agent, prometheus(namespace, f"127.0.0.1:{port}"):
            time.sleep(demo.BEFORE_THE_FIRST_CALL_S)
            calls.play()

            def ended():
                demo_report.collect(agent, matches)
                return not calls.playing()
            support.eventually(ended, SECONDS + 60, "the end of the call", 0.5)
            support.eventually(lambda: settled(agent, matches), 20, "the last matches", 0.1)
            text = agent.get("/metrics")[1]
            count = support.total(support.parse_metrics(text), "audio_latency_seconds_count")
            support.eventually(lambda: scraped(namespace) >= count, 20, "a scrape of the last latencies", 0.5)
            answers = ask(namespace, QUERY)
            report = demo_report.Report(calls.truth(), matches)
    return report, answers, text


def settled(agent, matches):
    """Nothing new for longer than the second between two publications."""
    demo_report.collect(agent, matches)
    before = len(matches)
    time.sleep(1.6)
    demo_report.collect(agent, matches)
    return before > 0 and len(matches) == before


def scraped(namespace):
    return sum(float(item["value"][1]) for item in ask(namespace, "audio_latency_seconds_count"))


def bounds_of(text):
    return sorted({float(le) for le in re.findall(r'audio_latency_seconds_bucket\{.*?le="([\d.e+-]+)"', text)})


def quantile_falls_into_the_injected_bucket():
    report, answers, text = live()
    call = report.rows["call"]
    injected = demo_report.percentile(call.injected, 0.99) / 1e3
    bounds = bounds_of(text)
    upper = bisect.bisect_left(bounds, injected)
    assert [(item["metric"]["source_pod"], item["metric"]["dest_pod"]) for item in answers] == [call.pair], answers
    value = float(answers[0]["value"][1])
    assert bounds[upper - 1] < value <= bounds[upper], (
        f"Prometheus says {value} s; injected p99 {injected:.4f} s, bucket {bounds[upper - 1]} to {bounds[upper]}")
    return f"p99 {value:.3f} s, injected {injected:.3f} s, bucket {bounds[upper - 1]} to {bounds[upper]}"


def promtool_finds_nothing():
    _, _, text = live()
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not (done.stdout + done.stderr).strip(), done.stdout + done.stderr


def sum_and_count_are_those_of_the_json():
    report, _, text = live()
    samples = support.parse_metrics(text)
    problems = report.compare_metrics(samples)
    assert not problems, "; ".join(problems)
    call = report.rows["call"]
    bounds = bounds_of(text)
    for bound in bounds:
        in_json = sum(value <= bound * 1e3 for value in call.measured)
        counted = [value for (name, labels), value in samples.items() if name == "audio_latency_seconds_bucket"
                   and ("source_pod", call.pair[0]) in labels and ("dest_pod", call.pair[1]) in labels
                   and float(dict(labels)["le"]) == bound]
        assert counted == [in_json], f"bucket {bound} s: {counted}, JSON {in_json}"
    return f"{len(call.measured)} latencies in {len(bounds)} buckets"


if __name__ == "__main__":
    support.main("prometheus", [quantile_falls_into_the_injected_bucket, promtool_finds_nothing,
                                sum_and_count_are_those_of_the_json])
