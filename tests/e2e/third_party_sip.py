# SPDX-License-Identifier: Apache-2.0
"""A telephone exchange in miniature: SIP messages between two parties are passed on, their SDP by way of rtpengine."""
import re
import socket
import threading

from support import inside

NG = ("127.0.0.1", 2223)

MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="call">{steps}</scenario>
"""
HEADERS = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:a@[local_ip]:[local_port]>;tag=[pid]a[call_number]
To: <sip:b@[remote_ip]:[remote_port]>{tag}
Call-ID: [call_id]
CSeq: {number} {method}
Contact: <sip:a@[local_ip]:[local_port]>
Max-Forwards: 70"""
SDP = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP {payload_type}
a=rtpmap:{payload_type} {codec}/8000
a=ptime:20"""


def _send(text):
    return f"<send><![CDATA[\n\n{text}\n\n]]></send>\n"


def _play(file, payload_type, codec, seconds):
    return (f'<nop><action><exec rtp_stream="{file},1,{payload_type},{codec}/8000"/></action></nop>\n'
            f'<pause milliseconds="{int(seconds * 1000)}"/>\n')


def _request(method, number, tag, body="Content-Length: 0"):
    return _send(f"{method} sip:b@[remote_ip]:[remote_port] SIP/2.0\n"
                 f"{HEADERS.format(method=method, number=number, tag=tag)}\n{body}")


def caller(file, payload_type, codec, seconds):
    """A sipp scenario: calls, plays a file of 20 ms packets, hangs up."""
    sdp = SDP.format(payload_type=payload_type, codec=codec)
    return MESSAGE.format(steps=_request("INVITE", 1, "", sdp)
                          + '<recv response="100" optional="true"/><recv response="180" optional="true"/>\n'
                          + '<recv response="200" rtd="true"/>\n' + _request("ACK", 1, "[peer_tag_param]")
                          + _play(file, payload_type, codec, seconds + 1)
                          + _request("BYE", 2, "[peer_tag_param]") + '<recv response="200"/>\n')


def callee(file, payload_type, codec, seconds):
    """A sipp scenario: answers and plays a file, too."""
    def answer(what, body):
        return _send(f"SIP/2.0 {what}\n[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]b[call_number]\n[last_Call-ID:]\n"
                     f"[last_CSeq:]\nContact: <sip:b@[local_ip]:[local_port]>\n{body}")
    sdp = SDP.format(payload_type=payload_type, codec=codec)
    return MESSAGE.format(steps='<recv request="INVITE"/>\n' + answer("180 Ringing", "Content-Length: 0")
                          + answer("200 OK", sdp) + '<recv request="ACK"/>\n'
                          + _play(file, payload_type, codec, seconds) + '<recv request="BYE"/>\n'
                          + answer("200 OK", "Content-Length: 0"))


def bencode(value):
    if isinstance(value, dict):
        return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"
    if isinstance(value, (list, tuple)):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    data = value if isinstance(value, bytes) else str(value).encode()
    return b"%d:%s" % (len(data), data)


def bdecode(data, at=0):
    """(value, where it ends)."""
    kind = data[at:at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    if kind in b"dl":
        items, at = [], at + 1
        while data[at:at + 1] != b"e":
            item, at = bdecode(data, at)
            items.append(item)
        return (dict(zip(items[::2], items[1::2])) if kind == b"d" else items), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1:end], end


class Exchange(threading.Thread):
    """Passes on what comes from the caller at `address`:`port` to `callee`, and back. `transcode`: codec that the callee
    is offered instead of the caller's."""

    def __init__(self, namespace, address, port, callee_at, call_id, transcode=None):
        super().__init__(daemon=True)
        with inside(namespace):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((address, port))
            self.ng = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.ng.settimeout(10)
        self.socket.settimeout(0.2)
        self.callee, self.caller, self.call_id, self.ended = callee_at, None, call_id, threading.Event()
        self.address, self.trouble, self.cookies = address, [], 0
        codec = {"codec": {"transcode": [transcode], "mask": ["PCMA", "PCMU"]}} if transcode else {}
        self.commands = {True: {"command": "offer", **codec}, False: {"command": "answer"}}

    def run(self):
        while not self.ended.is_set():
            try:
                message, sender = self.socket.recvfrom(65536)
            except TimeoutError:
                continue
            forth = sender != self.callee
            if forth:
                self.caller = sender
            try:
                self.socket.sendto(self._through_rtpengine(message, forth), self.callee if forth else self.caller)
            except (OSError, ValueError) as error:
                self.trouble.append(repr(error))

    def stop(self):
        self.ended.set()
        self.join()
        self.socket.close()
        self.ng.close()

    def _through_rtpengine(self, message, forth):
        head, _, sdp = message.partition(b"\r\n\r\n")
        if not sdp:
            return message
        tags = {"from-tag": self._tag(head, b"From")}
        if not forth:
            tags["to-tag"] = self._tag(head, b"To")
        answer = self._ask({"call-id": self.call_id, "sdp": sdp, "ICE": "remove", "replace": ["origin"], **tags,
                            **self.commands[forth]})
        if answer.get(b"result") != b"ok":
            raise ValueError(f"rtpengine: {answer}")
        head = re.sub(rb"(?i)content-length:.*", b"Content-Length: %d" % len(answer[b"sdp"]), head)
        return head + b"\r\n\r\n" + answer[b"sdp"]

    @staticmethod
    def _tag(head, name):
        return re.search(rb"(?im)^" + name + rb":.*tag=([^;\s]+)", head)[1]

    def _ask(self, what):
        self.cookies += 1
        cookie = f"{self.call_id}-{self.cookies}".encode()
        self.ng.sendto(cookie + b" " + bencode(what), NG)
        return bdecode(self.ng.recv(65536), len(cookie) + 1)[0]
