# SPDX-License-Identifier: Apache-2.0
"""Programs at an interface's TCX points (Linux 6.6), by bpf(2): put there and taken away within milliseconds."""
import ctypes
import os
import pathlib
import platform
import struct

NR_BPF = {"x86_64": 321, "aarch64": 280}
PROG_LOAD, PROG_GET_FD_BY_ID, LINK_CREATE, LINK_GET_FD_BY_ID, LINK_DETACH = 5, 13, 28, 30, 34
SCHED_CLS = 3
POINTS = {"ingress": 46, "egress": 47}  # BPF_TCX_INGRESS, BPF_TCX_EGRESS
PASS_ON = bytes.fromhex("b7000000ffffffff" "9500000000000000")  # r0 = TC_ACT_UNSPEC; exit
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    """The descriptor, or 0, that bpf(2) returns."""
    memory = ctypes.create_string_buffer(attributes, 128)
    result = libc.syscall(NR_BPF[platform.machine()], command, memory, len(memory))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"bpf({command}): {os.strerror(code)}")
    return result


def load_noop():
    """A program that does nothing: the kernel's own price for having one."""
    code, license_text = ctypes.create_string_buffer(PASS_ON), ctypes.create_string_buffer(b"GPL")
    return bpf(PROG_LOAD, struct.pack("=IIQQ", SCHED_CLS, len(PASS_ON) // 8, ctypes.addressof(code),
                                      ctypes.addressof(license_text)))


def take_programs(pid):
    """{point: program} of the links that the process holds, which are detached."""
    programs = {}
    for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        fields = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
        if "link_id" not in fields:
            continue
        point = next(point for point in POINTS if point in fields["attach_type"])
        programs[point] = bpf(PROG_GET_FD_BY_ID, struct.pack("=I", int(fields["prog_id"])))
        link = bpf(LINK_GET_FD_BY_ID, struct.pack("=I", int(fields["link_id"])))
        bpf(LINK_DETACH, struct.pack("=I", link))
        os.close(link)
    return programs


class Attached:
    """While the block runs, {point: program} is at this interface of the current network namespace."""

    def __init__(self, interface_index, programs):
        self.links = []
        for point, program in programs.items():
            self.links.append(bpf(LINK_CREATE, struct.pack("=IIII", program, interface_index, POINTS[point], 0)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for link in self.links:
            os.close(link)
