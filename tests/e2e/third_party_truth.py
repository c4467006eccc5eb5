# SPDX-License-Identifier: Apache-2.0
"""The truth about other people's traffic: packets of a capture, and where the sound of one flow is found in another."""
import base64
import bisect
import dataclasses
import json
import re
import struct
import warnings

import demo_report

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import audioop  # G.711


@dataclasses.dataclass
class Packet:
    time: float  # seconds since 1970
    protocol: int
    source: str  # address:port
    dest: str
    sequence: int  # TCP's, of the first byte
    payload: bytes


def read_capture(path):
    """TCP and UDP over IPv4 in a little-endian microsecond capture of link type LINUX_SLL2."""
    data = path.read_bytes()
    assert data[:4] == b"\xd4\xc3\xb2\xa1" and struct.unpack_from("<I", data, 20)[0] == 276, "another kind of capture"
    at, packets = 24, []
    while at + 16 <= len(data):
        seconds, fraction, length, _ = struct.unpack_from("<4I", data, at)
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        if frame[:2] == b"\x08\x00":
            packet = _ipv4(seconds + fraction / 1e6, frame[20:])
            packets += [packet] if packet else []
    return packets


def _ipv4(time, packet):
    header, protocol = (packet[0] & 15) * 4, packet[9]
    if protocol not in (6, 17):
        return None
    segment = packet[header:struct.unpack_from(">H", packet, 2)[0] or len(packet)]
    source_port, dest_port = struct.unpack_from(">HH", segment)
    source = f"{'.'.join(map(str, packet[12:16]))}:{source_port}"
    dest = f"{'.'.join(map(str, packet[16:20]))}:{dest_port}"
    sequence = struct.unpack_from(">I", segment, 4)[0] if protocol == 6 else 0
    payload = segment[(segment[12] >> 4) * 4:] if protocol == 6 else segment[8:]
    return Packet(time, protocol, source, dest, sequence, payload)


class Sound:
    """What one flow carries, as G.711 mu-law codes, in pieces with the times of the packets that brought them."""

    def __init__(self):
        self.codes, self.starts, self.times = bytearray(), [], []

    def add(self, codes, *times):
        self.starts.append(len(self.codes))
        self.times.append(times)
        self.codes += codes

    def span(self, piece):
        """The samples of that piece: (first, behind the last)."""
        return self.starts[piece], (self.starts + [len(self.codes)])[piece + 1]

    def pieces(self, first, last):
        """Numbers of the pieces that hold samples first … last - 1."""
        begin = max(0, bisect.bisect_right(self.starts, first) - 1)
        return range(begin, bisect.bisect_left(self.starts, last))

    def near(self, time, within):
        """Numbers of the pieces that passed about that time; the nearest, where none did."""
        found = [i for i, times in enumerate(self.times) if any(abs(each - time) <= within for each in times)]
        return found or [min(range(len(self.times)), key=lambda i: abs(self.times[i][-1] - time))]

    def speech_seconds(self):
        """Seconds in which it is at least -41 dBFS loud over 200 ms."""
        linear = audioop.ulaw2lin(bytes(self.codes), 2)
        return {at // 16000 for at in range(0, len(linear) - 3199, 3200) if audioop.rms(linear[at:at + 3200], 2) >= 292}


def rtp_sound(packets, dest, codec):
    """Of the RTP packets to that address."""
    sound = Sound()
    for packet in _rtp_packets(packets, dest):
        sound.add(to_mu_law(packet.payload[12:], codec), packet.time)
    return sound


def _rtp_packets(packets, dest):
    return [packet for packet in packets
            if packet.dest == dest and packet.protocol == 17 and len(packet.payload) > 12 and packet.payload[1] != 200]


def to_mu_law(audio, codec):
    if codec == "pcma":
        return audioop.lin2ulaw(audioop.alaw2lin(audio, 2), 2)
    if codec == "pcm16be":
        return audioop.lin2ulaw(audioop.byteswap(audio, 2), 2)
    if codec == "pcm16le":
        return audioop.lin2ulaw(audio, 2)
    return audio.replace(b"\x7f", b"\xff")


class Passage:
    """Where the sound of a later flow is found in an earlier one: by stretches that both have to the last bit; between
    those it goes on as it was."""
    STRETCH = 32

    def __init__(self, earlier, later):
        self.earlier, self.later = earlier, later
        self.offsets = []  # of each piece of the later flow: sample of the earlier minus sample of the later one
        known = None
        for piece in range(len(later.starts)):
            known = self._find(*later.span(piece), known)
            self.offsets.append(known)
        first = next((offset for offset in self.offsets if offset is not None), None)
        self.offsets = [first if offset is None else offset for offset in self.offsets]

    def _find(self, first, last, known):
        earlier, later = self.earlier.codes, self.later.codes
        for at in range(first, last - self.STRETCH + 1, self.STRETCH // 2):
            stretch = bytes(later[at:at + self.STRETCH])
            if len(set(stretch)) < 10:
                continue
            if known is not None and earlier[at + known:at + known + self.STRETCH] == stretch:
                return known
            found = earlier.find(stretch)
            if found >= 0 and earlier.find(stretch, found + 1) < 0:
                return found - at
        return known

    def origins(self, piece):
        """Numbers of the earlier flow's pieces that the piece of the later one is made of."""
        if self.offsets[piece] is None:
            return range(0)
        first, last = self.later.span(piece)
        return self.earlier.pieces(first + self.offsets[piece], last + self.offsets[piece])

    def speech_seconds(self):
        return self.earlier.speech_seconds()

    def judge(self, match, within=0.002):
        """(error in seconds, seconds of the earlier sound) of a measured latency: how far it lies from the nearest that
        packets with that sound had."""
        passed = demo_report.nanoseconds(match["time"]) / 1e9
        error, seconds = float("inf"), set()
        for piece in self.later.near(passed, within):
            for origin in self.origins(piece):
                seconds |= {self.earlier.starts[origin] // 8000}
                for sent in self.earlier.times[origin]:
                    for arrived in self.later.times[piece]:
                        error = min(error, abs(match["latency_seconds"] - (arrived - sent)))
        return error, seconds


class PayloadPassage:
    """The same of RTP payloads that are relayed as they are: 50 a second, each as good as any other."""

    def __init__(self, packets, earlier, later):
        self.sent = {packet.payload[12:]: (number, packet.time)
                     for number, packet in enumerate(_rtp_packets(packets, earlier))}
        self.arrived = _rtp_packets(packets, later)

    def speech_seconds(self):
        return set(range(len(self.sent) // 50))

    def judge(self, match, within=0.002):
        passed = demo_report.nanoseconds(match["time"]) / 1e9
        error, seconds = float("inf"), set()
        for packet in self.arrived:
            number, sent = self.sent.get(packet.payload[12:], (0, None))
            if sent is not None and abs(packet.time - passed) <= within:
                error = min(error, abs(match["latency_seconds"] - (packet.time - sent)))
                seconds.add(number // 50)
        return error, seconds


class Stream:
    """One direction of a TCP connection: its bytes in order, and when the packet passed that brought each."""

    def __init__(self, packets, source, dest):
        segments = [packet for packet in packets if packet.protocol == 6 and packet.payload
                    and (packet.source, packet.dest) == (source, dest)]
        self.bytes, self.ends, self.times = bytearray(), [], []
        first = segments[0].sequence
        for packet in sorted(segments, key=lambda each: (each.sequence - first + 2**31) % 2**32):
            behind = len(self.bytes) - (packet.sequence - first) % 2**32  # what a retransmission has again
            assert behind >= 0, f"{source} > {dest}: the capture lacks bytes"
            if behind < len(packet.payload):
                self.bytes += packet.payload[behind:]
                self.ends.append(len(self.bytes))
                self.times.append(packet.time)

    def times_of(self, first, last):
        """When the packets with bytes first … last - 1 passed."""
        return self.times[bisect.bisect_right(self.ends, first):bisect.bisect_left(self.ends, last) + 1]


def websocket_sound(packets, source, dest):
    """Of binary messages (PCM16) or Twilio's JSON, behind the handshake."""
    stream, sound = Stream(packets, source, dest), Sound()
    data = stream.bytes
    at = data.index(b"\r\n\r\n") + 4
    while at + 2 <= len(data):
        opcode, length, masked, begin = data[at] & 15, data[at + 1] & 127, data[at + 1] >> 7, at
        at += 2
        if length == 126:
            length, at = int.from_bytes(data[at:at + 2], "big"), at + 2
        key, at = (data[at:at + 4], at + 4) if masked else (bytes(4), at)
        message = bytes(byte ^ key[i % 4] for i, byte in enumerate(data[at:at + length]))
        at += length
        if opcode == 2:
            sound.add(to_mu_law(message, "pcm16le"), *stream.times_of(begin, at))
        elif opcode == 1:
            codes = base64.b64decode(json.loads(message)["media"]["payload"])
            sound.add(to_mu_law(codes, "pcmu"), *stream.times_of(begin, at))
    return sound


def sse_sound(packets, source, dest):
    """Of PCM16 in hex, in a chunked body; a proxy cuts chunks where it likes."""
    stream, sound = Stream(packets, source, dest), Sound()
    body, chunks = bytearray(), []  # of each chunk: where it begins in the body, and in the stream
    at = stream.bytes.index(b"\r\n\r\n") + 4
    while (line_end := stream.bytes.find(b"\r\n", at)) >= 0 and (size := int(stream.bytes[at:line_end], 16)) > 0:
        chunks.append((len(body), line_end + 2))
        body += stream.bytes[line_end + 2:line_end + 2 + size]
        at = line_end + 2 + size + 2

    def place(offset):
        begin, there = chunks[bisect.bisect_right(chunks, (offset, len(stream.bytes))) - 1]
        return there + offset - begin
    for found in re.finditer(rb'"audio":"([0-9a-f]+)"', body):
        sound.add(to_mu_law(bytes.fromhex(found[1].decode()), "pcm16le"),
                  *stream.times_of(place(found.start()), place(found.end() - 1) + 1))
    return sound
