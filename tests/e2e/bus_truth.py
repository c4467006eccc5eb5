# SPDX-License-Identifier: Apache-2.0
"""What the packets of a call over several nodes did, by the kernel's stamps, and what was recorded against it."""
import json
import pathlib
import signal
import struct
import subprocess
import time

import demo_calls
import demo_report
import support


class Truth:
    """Captures of the packets of one call: as they leave the source's and the relay's node, and as they arrive at the
    relay's and the sink's."""

    def __init__(self, cluster, call):
        self.cluster, self.call, self.captures = cluster, call, []
        self.files = {"out": [], "in": []}
        for direction, node in (("out", call.source), ("out", call.relay), ("in", call.relay), ("in", call.sink)):
            path = pathlib.Path(cluster.directory(), f"truth-{direction}-{node}.pcap")
            capture = subprocess.Popen(["nsenter", f"--net=/run/netns/{cluster.spaces[node]}",
                                        str(support.BUILD / "test-truth"), "capture", "veth0", str(path), "udp", direction],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            capture.stdout.readline()  # "capturing"
            self.files[direction].append(path)
            self.captures.append(capture)

    def rows(self):
        """As demo_calls.Calls.truth(), by when the packets left; each window with when its packets arrived, too."""
        time.sleep(0.3)
        for capture in self.captures:
            capture.send_signal(signal.SIGTERM)
            printed = capture.communicate(timeout=60)[0]
            assert capture.returncode == 0, f"the capture lost packets: {printed.strip()}"
        found, arrived = self.locate("out"), self.locate("in")
        for signature, windows in found["call"]["windows"].items():
            for window in windows:
                seen = arrived["call"]["windows"].get(signature, [window])
                other = min(seen, key=lambda each, when=window: abs(each["in_ns"] - when["in_ns"]))
                window["in_arrived_ns"], window["out_arrived_ns"] = other["in_ns"], other["out_ns"]
        return found

    def locate(self, direction):
        merged = pathlib.Path(self.cluster.directory(), f"truth-{direction}.pcap")
        merged.write_bytes(merge(self.files[direction]))
        plan = pathlib.Path(self.cluster.directory(), "plan.json")
        plan.write_text(json.dumps([{"row": "call", "framing": "rtp", "codec": "pcmu", "served": False,
                                     "in_port": self.call.in_port, "out_port": self.call.out_port}]))
        return demo_calls.located(merged, plan)


def errors_ms(truth, matches):
    """How far each latency is from what the packets did, and how many are of no window that was sent. Where a node was
    not heard, a hop is known by its other end only: between the two ends of each hop everything is right."""
    errors, unknown = [], 0
    for match in matches:
        windows = truth["windows"].get(match["signature"])
        if not windows:
            unknown += 1
            continue
        passed = demo_report.nanoseconds(match["time"])
        window = min(windows, key=lambda each, when=passed: abs(each["out_ns"] - when))
        least, most = window["out_ns"] - window["in_arrived_ns"], window["out_arrived_ns"] - window["in_ns"]
        latency = match["latency_seconds"] * 1e9
        errors.append(max(0, least - latency, latency - most) / 1e6)
    return errors, unknown


def merge(files):
    """Captures of one link type, in host byte order, as one in the order of time."""
    header, records = b"", []
    for path in files:
        data = path.read_bytes()
        header, at = data[:24], 24
        while at < len(data):
            seconds, fraction, length, _ = struct.unpack_from("IIII", data, at)
            records.append((seconds, fraction, data[at:at + 16 + length]))
            at += 16 + length
    return header + b"".join(record for _, _, record in sorted(records, key=lambda each: each[:2]))
