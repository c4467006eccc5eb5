#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Devices whose packets begin with the IP header (tun, WireGuard, IPIP): audio that goes through a tun device."""
import fcntl
import os
import random
import socket
import struct

from support import Agent, Namespaces, eventually, inside, main, total

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
PACKETS, PAYLOAD = 200, 320


def tun(namespace, name):
    """The device, opened: what is written to it is received by the namespace."""
    with inside(namespace):
        device = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def checksum(header):
    value = sum(struct.unpack(f">{len(header) // 2}H", header))
    value = (value & 0xFFFF) + (value >> 16)
    return ~(value + (value >> 16)) & 0xFFFF


def ip_packet(identification, payload):
    """UDP from 10.9.7.2:40000 to 10.9.7.1:5004."""
    udp = struct.pack(">4H", 40000, 5004, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), identification, 0, 64, 17, 0,
                       socket.inet_aton("10.9.7.2"), socket.inet_aton("10.9.7.1"))
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + udp


def both_directions_of_a_tun_device():
    sound = random.Random(1)
    with Namespaces("l3") as namespaces:
        node = namespaces.add("node")
        device = tun(node, "tun0")
        namespaces.quiet(node, "tun0")
        namespaces.ip(node, "address", "add", "10.9.7.1/24", "dev", "tun0")
        namespaces.ip(node, "link", "set", "tun0", "up")
        with inside(node):
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with Agent(node, INTERFACE="tun0", DIRECTION="both", AUDIO_PORTS=5004) as agent:
            for number in range(PACKETS):
                os.write(device, ip_packet(number, sound.randbytes(PAYLOAD)))
                sender.sendto(sound.randbytes(PAYLOAD), ("10.9.7.2", 5004))
            eventually(lambda: total(agent.metrics(), "audio_scanned_bytes_total") >= 2 * PACKETS * PAYLOAD, 10,
                       "every packet scanned")
            eventually(lambda: total(agent.metrics(), "audio_signatures_total") > 200, 10, "signatures of both flows")
            after = agent.metrics()
        for direction in ("ingress", "egress"):
            scanned = total(after, "audio_packets_total", verdict="scanned", direction=direction)
            assert scanned == PACKETS, f"{direction}: {scanned} scanned"
        assert total(after, "audio_packets_total", verdict="malformed") == 0, after
        sender.close()
        os.close(device)
    return f"{PACKETS} packets each way, {total(after, 'audio_signatures_total'):.0f} signatures"


if __name__ == "__main__":
    main("l3_device", [both_directions_of_a_tun_device])
