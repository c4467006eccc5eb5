# SPDX-License-Identifier: Apache-2.0
"""Telephone calls of sipp through rtpengine, which passes the codec on or transcodes PCMA to PCMU, with nothing
configured but the interfaces: both directions of each call are measured through it."""
import warnings
import wave

import third_party
import third_party_report as report
import third_party_sip
import third_party_truth as truth
from support import main

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import audioop  # G.711

SECONDS = 10
TYPES = {"PCMU": 0, "PCMA": 8}
CALLS = (("PCMA", "PCMA"), ("PCMU", "PCMU"), ("PCMA", "PCMU"), ("PCMU", "PCMA"))  # codecs of caller and callee
SIP, MEDIA = {"caller": 5100, "callee": 5200, "exchange": 5300}, {"caller": 10000, "callee": 20000}


def g711(node, number, codec):
    """A file as sipp plays it: no header."""
    with wave.open(str(node.sounds[number])) as sound:
        linear = sound.readframes(sound.getnframes())
    path = node.path(f"sound{number}.{codec.lower()}")
    path.write_bytes((audioop.lin2alaw if codec == "PCMA" else audioop.lin2ulaw)(linear, 2))
    return path


class Direction:
    """One direction of a call: what rtpengine was sent, and what it sent on."""

    def __init__(self, run, number, sender, receiver):
        codecs = dict(zip(("caller", "callee"), CALLS[number]))
        self.codecs = [codecs[each].lower() for each in (sender, receiver)]
        source, dest = (f"{run.node.address[each]}:{MEDIA[each] + 10 * number}" for each in (sender, receiver))
        self.flows = [next(flow for flow in run.flows if flow["source"] == source),
                      next(flow for flow in run.flows if flow["dest"] == dest)]
        sounds = [truth.rtp_sound(run.node.packets, flow["dest"], codec)
                  for flow, codec in zip(self.flows, self.codecs)]
        self.result = report.Result(f"{sender} {codecs[sender]} > {receiver} {codecs[receiver]}", run.matches, source,
                                    dest, truth.Passage(*sounds))


class Run:
    """All calls at once."""

    def __init__(self):
        third_party.need("sipp", "rtpengine")
        self.node = third_party.Node("third-sip", ("caller", "exchange", "callee"), 2 * len(CALLS), SECONDS)
        with self.node as node:
            node.run("exchange", "rtpengine", "--foreground", "--log-stderr", "--table=-1", "--num-threads=2",
                     f"--interface={node.address['exchange']}", f"--listen-ng={':'.join(map(str, third_party_sip.NG))}",
                     "--port-min=30000", "--port-max=30200")
            node.listening("exchange", third_party_sip.NG[1])
            with node.agent() as agent, node.captured():
                exchanges = [self.exchange(number) for number in range(len(CALLS))]
                callees = [self.party("callee", number) for number in range(len(CALLS))]
                node.listening("callee", *(SIP["callee"] + number for number in range(len(CALLS))))
                callers = [self.party("caller", number, f"{node.address['exchange']}:{SIP['exchange'] + number}")
                           for number in range(len(CALLS))]
                node.finished(*callers, *callees)
                self.matches = third_party.settled(agent)
                self.flows, self.metrics = agent.api("flows?limit=1000"), agent.metrics()
            for exchange in exchanges:
                exchange.stop()
                assert not exchange.trouble, exchange.trouble
        self.directions = [Direction(self, number, *parties) for number in range(len(CALLS))
                           for parties in (("caller", "callee"), ("callee", "caller"))]
        self.results = [direction.result for direction in self.directions]
        print(report.table(self.results))

    def exchange(self, number):
        mine, theirs = CALLS[number]
        exchange = third_party_sip.Exchange(
            self.node.space["exchange"], self.node.address["exchange"], SIP["exchange"] + number,
            (self.node.address["callee"], SIP["callee"] + number), f"call-{number}", theirs if theirs != mine else None)
        exchange.start()
        return exchange

    def party(self, role, number, *to):
        codec = CALLS[number][role == "callee"]
        scenario = getattr(third_party_sip, role)(g711(self.node, 2 * number + (role == "callee"), codec),
                                                  TYPES[codec], codec, SECONDS)
        address = self.node.address[role]
        return self.node.run(role, "sipp", "-sf", self.node.path(f"{role}{number}.xml", scenario), "-i", address,
                             "-p", SIP[role] + number, "-mi", address, "-mp", MEDIA[role] + 10 * number, "-m", 1,
                             "-nostdin", *to)


run = third_party.once(Run)


def each_flow_is_named_with_its_codec():
    for direction in run().directions:
        for flow, codec in zip(direction.flows, direction.codecs):
            said = (flow["verdict"], flow["format"], flow["codec"])
            assert said == ("scanned", "rtp", codec), f"{direction.result.name}: {said}, {flow['why']}"
        report.check_linked(*direction.flows)


def signalling_is_not_called_audio():
    ports = {base + number for base in SIP.values() for number in range(len(CALLS))}
    for flow in run().flows:
        if int(flow["source"].rsplit(":", 1)[1]) in ports or int(flow["dest"].rsplit(":", 1)[1]) in ports:
            assert flow["codec"] == "unknown" and not flow["partners"], flow


def both_directions_of_each_call_are_measured():
    report.check_measured(run().results, run().metrics)


def each_latency_is_one_that_the_sound_had():
    return report.check_errors(run().results)


def nothing_between_calls():
    report.check_none_invented(run().results, run().matches)


if __name__ == "__main__":
    main("third_party_sip", [each_flow_is_named_with_its_codec, signalling_is_not_called_audio,
                             both_directions_of_each_call_are_measured, each_latency_is_one_that_the_sound_had,
                             nothing_between_calls])
