#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sixty seconds of live speech: sixteen calls in three framings, held 0, 23, 270 or 2130 ms. Every measured latency is
compared with the kernel's time stamps of the two packets that carried its window; every second that holds speech
(-41 dBFS over 200 ms, by the source's own level) must have given one."""
import functools

import demo
import demo_calls
import demo_report
import support

SECONDS = 60
FORMATS = ("RTP u-law 20>20 ms", "PCM16 UDP 20>20 ms", "PCM16 TCP re-cut", "WebSocket masked>not")


@functools.cache
def live():
    """One run for all tests of this file."""
    with support.Namespaces("accuracy") as namespaces:
        report, samples = demo.measure(demo_calls.rows(FORMATS), SECONDS, namespaces.add("host"))
    print(report.table())
    return report, samples


def error_against_kernel_stamps():
    report, _ = live()
    for row in report.rows.values():
        assert row.errors, f"{row.name}: nothing measured"
        assert not row.unknown, f"{row.name}: {row.unknown} latencies of windows that its sound does not have"
        p50, p99 = (demo_report.percentile(row.errors, share) for share in (0.5, 0.99))
        assert p50 <= demo_report.MAXIMUM_P50_MS, f"{row.name}: error p50 {p50:.3f} ms"
        assert p99 <= demo_report.MAXIMUM_P99_MS, f"{row.name}: error p99 {p99:.3f} ms"
    errors = [error for row in report.rows.values() for error in row.errors]
    return (f"{len(errors)} latencies: p50 {demo_report.percentile(errors, 0.5):.4f} ms, "
            f"p99 {demo_report.percentile(errors, 0.99):.4f} ms, worst {max(errors):.3f} ms")


def no_latency_between_unconnected_calls():
    report, _ = live()
    assert not report.invented, f"{len(report.invented)}, as {report.invented[0]}"


def metrics_agree_with_matches():
    report, samples = live()
    problems = report.compare_metrics(samples)
    assert not problems, "; ".join(problems)


def nothing_counted_twice():
    report, _ = live()
    sentences = [sentence for row in report.rows.values() for sentence in row.counted_twice()]
    assert not sentences, "; ".join(sentences)


def every_second_of_speech():
    report, _ = live()
    worst = min(report.rows.values(), key=lambda row: row.recall)
    for row in report.rows.values():
        assert row.speech, f"{row.name}: no second of speech"
        missing = sorted(row.speech - row.seconds)
        assert row.recall >= demo_report.MINIMUM_RECALL, f"{row.name}: {row.recall:.1%}, missing seconds {missing}"
    seconds = sum(len(row.speech) for row in report.rows.values())
    return f"{seconds} speech seconds; worst call {worst.name}: {worst.recall:.1%}"


if __name__ == "__main__":
    support.main("accuracy", [error_against_kernel_stamps, no_latency_between_unconnected_calls,
                              metrics_agree_with_matches, nothing_counted_twice, every_second_of_speech])
