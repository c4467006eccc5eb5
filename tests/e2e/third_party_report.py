# SPDX-License-Identifier: Apache-2.0
"""What was measured of other people's traffic, beside the truth."""
import collections

import demo_report
from support import total

HEADING = f"{'':44} count  p50, ms  error, ms: p50     p99  speech seconds measured, domains"


class Result:
    """The latencies from `source` to `dest` (address:port). `passage` knows the truth (third_party_truth); `least` of
    the seconds with speech must have been measured."""

    def __init__(self, name, matches, source, dest, passage, least=0.99):
        self.name, self.source, self.dest, self.least = name, source, dest, least
        self.matches = [match for match in matches if match["kind"] == "latency"
                        and (match["source"], match["dest"]) == (source, dest)]
        judged = [passage.judge(match) for match in self.matches]
        self.errors = [1e3 * error for error, _ in judged]
        self.speech = passage.speech_seconds()
        self.measured = self.speech & set().union(*(seconds for _, seconds in judged))

    def row(self):
        latencies = [1e3 * match["latency_seconds"] for match in self.matches]
        domains = collections.Counter(match["domain"] for match in self.matches)
        return (f"{self.name:44} {len(latencies):5} {demo_report.percentile(latencies, 0.5):8.2f}       "
                f"{demo_report.percentile(self.errors, 0.5):8.3f} {demo_report.percentile(self.errors, 0.99):7.3f}  "
                f"{len(self.measured)} of {len(self.speech)}, {dict(domains)}")


def table(results):
    return "\n".join([HEADING] + [result.row() for result in results])


def check_measured(results, metrics):
    """The seconds with speech have latencies, and the histogram has as many as were logged."""
    for result in results:
        assert len(result.measured) >= result.least * len(result.speech) > 0, result.row()
        counted = total(metrics, "audio_latency_seconds_count", source_pod=result.source, dest_pod=result.dest)
        assert counted == len(result.matches), f"{result.name}: {counted} in /metrics, {len(result.matches)} in the log"
    assert total(metrics, "audio_events_lost_total") == 0


def check_errors(results):
    for result in results:
        assert demo_report.percentile(result.errors, 0.5) <= demo_report.MAXIMUM_P50_MS, result.row()
        assert demo_report.percentile(result.errors, 0.99) <= demo_report.MAXIMUM_P99_MS, result.row()
    errors = [error for result in results for error in result.errors]
    return f"{len(errors)} latencies: error p50 {demo_report.percentile(errors, 0.5):.3f} ms, worst {max(errors):.3f} ms"


def check_none_invented(results, matches):
    known = {(result.source, result.dest) for result in results}
    invented = [match for match in matches if match["kind"] == "latency"
                and (match["source"], match["dest"]) not in known]
    assert not invented, f"{len(invented)}, as {invented[0]}"


def check_linked(earlier, later):
    """Two flows of /api/v1/flows name each other."""
    names = [f"{flow['source']} > {flow['dest']}" for flow in (earlier, later)]
    assert names[1] in earlier["partners"] and names[0] in later["partners"], f"no link: {earlier}, {later}"
