# SPDX-License-Identifier: Apache-2.0
"""RTP of ffmpeg and GStreamer through ffmpeg and GStreamer, with nothing configured but the interfaces: each call is
found, named with its codec and measured, and each latency is one that packets with the same sound had."""
import socket

import third_party
import third_party_report as report
import third_party_truth as truth
from support import inside, main

SECONDS = 12
RELAY, SINK = 5000, 6000  # ports of the first call; each has two
FFMPEG = ("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning")
GSTREAMER = ("gst-launch-1.0", "-q")
TYPES = {"PCMU": (0, "PCMU/8000"), "PCMA": (8, "PCMA/8000"), "L16": (None, "L16/8000"), "Opus": (None, "opus/48000/2")}
DYNAMIC_TYPE = {"ffmpeg": 97, "GStreamer": 96}
ENCODERS = {"PCMU": ("pcm_mulaw",), "PCMA": ("pcm_alaw",), "L16": ("pcm_s16be",),
            "Opus": ("libopus", "-b:a", "16k")}  # payloads shorter than a window
CODECS = {"PCMU": "pcmu", "PCMA": "pcma", "L16": "pcm16be", "Opus": "compressed"}
PAYLOADERS = {"PCMU": "mulawenc ! rtppcmupay", "PCMA": "alawenc ! rtppcmapay max-ptime=20000000", "L16": "rtpL16pay",
              "Opus": "audioresample ! opusenc ! rtpopuspay"}
DEPAYLOADERS = {"PCMU": "rtppcmudepay ! mulawdec", "PCMA": "rtppcmadepay ! alawdec", "L16": "rtpL16depay",
                "Opus": "rtpopusdepay"}

# (source, its codec, relay, its codec, least share of the speech seconds that are measured). What survives is in
# docs/FORMATS.md: less where an encoder is not of the G.191 family and what it encodes was never in its law.
CALLS = (
    ("ffmpeg", "PCMU", "ffmpeg copy", "PCMU", 0.99),
    ("ffmpeg", "PCMU", "ffmpeg", "PCMA", 0.8),
    ("ffmpeg", "PCMA", "ffmpeg", "PCMU", 0.99),
    ("ffmpeg", "PCMA", "GStreamer", "L16", 0.99),
    ("GStreamer", "PCMU", "ffmpeg", "L16", 0.99),
    ("GStreamer", "PCMA", "GStreamer", "PCMU", 0.99),
    ("GStreamer", "L16", "ffmpeg copy", "L16", 0.99),
    ("GStreamer", "L16", "GStreamer", "PCMU", 0.9),
    ("ffmpeg", "L16", "ffmpeg", "PCMU", 0.3),
    ("ffmpeg", "L16", "ffmpeg", "PCMA", 0.3),
    ("ffmpeg", "Opus", "ffmpeg copy", "Opus", 0.99),
    ("GStreamer", "Opus", "GStreamer", "Opus", 0.99),
)


def source(program, codec, file, host, port):
    if program == "ffmpeg":
        return *FFMPEG, "-re", "-i", file, "-c:a", *ENCODERS[codec], "-f", "rtp", f"rtp://{host}:{port}"
    chain = f"filesrc location={file} ! wavparse ! audioconvert ! {PAYLOADERS[codec]} ! udpsink host={host} port={port}"
    return *GSTREAMER, *chain.split()


def relay(node, call, port, host, to_port):
    from_program, codec, program, to_codec, _ = call
    payload_type, name = TYPES[codec]
    payload_type = DYNAMIC_TYPE[from_program] if payload_type is None else payload_type
    if program.startswith("ffmpeg"):
        sdp = node.path(f"{port}.sdp", f"v=0\no=- 0 0 IN IP4 0.0.0.0\ns=-\nc=IN IP4 {node.address['relay']}\nt=0 0\n"
                                       f"m=audio {port} RTP/AVP {payload_type}\na=rtpmap:{payload_type} {name}\n")
        encoder = ("copy",) if program.endswith("copy") else ENCODERS[to_codec]
        return (*FFMPEG, "-protocol_whitelist", "file,rtp,udp", "-i", sdp, "-c:a", *encoder, "-f", "rtp",
                f"rtp://{host}:{to_port}")
    clock = 48000 if codec == "Opus" else 8000
    caps = (f"application/x-rtp,media=audio,clock-rate={clock},encoding-name={name.split('/')[0].upper()},"
            f"payload={payload_type}")
    coder = "rtpopuspay" if to_codec == "Opus" else f"audioconvert ! {PAYLOADERS[to_codec]}"
    chain = f"udpsrc port={port} caps={caps} ! {DEPAYLOADERS[codec]} ! {coder} ! udpsink host={host} port={to_port}"
    return *GSTREAMER, *chain.split()


class Call:
    """One call of a run: its two flows, and what was measured between its ends."""

    def __init__(self, run, number):
        program, codec, through, to_codec, least = CALLS[number]
        self.codecs = (CODECS[codec], CODECS[to_codec])
        packets, address = run.node.packets, run.node.address
        to = (f"{address['relay']}:{RELAY + 2 * number}", f"{address['sink']}:{SINK + 2 * number}")
        self.flows = [next(flow for flow in run.flows if flow["dest"] == dest) for dest in to]
        if codec == "Opus":
            passage = truth.PayloadPassage(packets, *to)
        else:
            passage = truth.Passage(*(truth.rtp_sound(packets, *each) for each in zip(to, self.codecs)))
        self.result = report.Result(f"{program} {codec} > {through} {to_codec}", run.matches, self.flows[0]["source"],
                                    to[1], passage, least)


class Run:
    """All calls at once."""

    def __init__(self):
        third_party.need("ffmpeg", "gst-launch-1.0")
        self.node = third_party.Node("third-rtp", ("source", "relay", "sink"), len(CALLS), SECONDS)
        with self.node as node:
            host, sinks = node.address["sink"], self.open_sinks()
            for number, call in enumerate(CALLS):
                node.run("relay", *relay(node, call, RELAY + 2 * number, host, SINK + 2 * number))
            node.listening("relay", *(RELAY + 2 * number for number in range(len(CALLS))))
            with node.agent() as agent, node.captured():
                sources = [node.run("source", *source(program, codec, node.sounds[number], node.address["relay"],
                                                      RELAY + 2 * number))
                           for number, (program, codec, *_) in enumerate(CALLS)]
                node.finished(*sources)
                self.matches = third_party.settled(agent)
                self.flows, self.metrics = agent.api("flows?limit=1000"), agent.metrics()
                self.table = third_party.flows_command(agent)
            for sink in sinks:
                sink.close()
        self.calls = [Call(self, number) for number in range(len(CALLS))]
        self.results = [call.result for call in self.calls]
        print(report.table(self.results))

    def open_sinks(self):
        """Nobody reads them; without them the kernel answers that the port is closed, and senders give up."""
        sinks = []
        with inside(self.node.space["sink"]):
            for port in range(SINK, SINK + 2 * len(CALLS)):
                sinks.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                sinks[-1].bind((self.node.address["sink"], port))
        return sinks


run = third_party.once(Run)


def each_flow_is_named_with_its_codec():
    for call in run().calls:
        for flow, codec in zip(call.flows, call.codecs):
            said = (flow["verdict"], flow["format"], flow["codec"])
            assert said == ("scanned", "rtp", codec), f"{call.result.name}: {said}, {flow['why']}"
            assert (flow["unhashable"] == "compressed_codec") == (codec == "compressed"), f"{call.result.name}: {flow}"
            assert flow["source"] in run().table, run().table
        report.check_linked(*call.flows)


def each_call_is_measured():
    report.check_measured(run().results, run().metrics)


def each_latency_is_one_that_the_sound_had():
    return report.check_errors(run().results)


def short_payloads_are_known_as_a_whole():
    call = next(call for call in run().calls if call.result.name == "ffmpeg Opus > ffmpeg copy Opus")
    assert call.result.matches[-1]["domain"] == "payload", call.result.row()


def nothing_between_calls():
    report.check_none_invented(run().results, run().matches)


if __name__ == "__main__":
    main("third_party_rtp", [each_flow_is_named_with_its_codec, each_call_is_measured,
                             each_latency_is_one_that_the_sound_had, short_payloads_are_known_as_a_whole,
                             nothing_between_calls])
