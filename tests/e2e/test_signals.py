# SPDX-License-Identifier: Apache-2.0
"""Signals: SIGTERM and SIGINT end the program in under a second and leave nothing attached; SIGHUP reads the file again."""
import pathlib
import signal
import subprocess
import tempfile
import time

from support import PROGRAM, Agent, Namespaces, command, eventually, inside, main, total


def attached(space):
    """What is attached to lo, as bpftool sees it."""
    with inside(space):
        return "audio" in command("bpftool", "net", "show", "dev", "lo", check=False).stdout


def ends_within_a_second(which):
    with Namespaces("signals") as spaces:
        space = spaces.add("a")
        agent = Agent(space, INTERFACE="lo")
        start = time.monotonic()
        agent.process.send_signal(which)
        status = agent.process.wait(10)
        seconds = time.monotonic() - start
        assert status == 0, f"exit {status}: {agent.text()[-1000:]}"
        assert agent.log("shutdown"), "no shutdown event"
        assert seconds < 1, f"{seconds:.2f} s"
        eventually(lambda: not attached(space), 5, "nothing attached")
        return f"{seconds:.3f} s"


def sigterm_ends_while_the_program_loads():
    with Namespaces("signals") as spaces:
        agent = Agent(spaces.add("a"), ready=False, INTERFACE="lo")
        eventually(lambda: agent.log("startup"), 10, "the first line")
        start = time.monotonic()
        agent.process.send_signal(signal.SIGTERM)
        status = agent.process.wait(10)
        seconds = time.monotonic() - start
        assert status == 0 and seconds < 1, f"exit {status} after {seconds:.2f} s: {agent.text()[-1000:]}"
        return f"{seconds:.3f} s"


def sigterm_ends():
    return ends_within_a_second(signal.SIGTERM)


def sigint_ends():
    return ends_within_a_second(signal.SIGINT)


def sighup_reads_the_file_again():
    with Namespaces("signals") as spaces, tempfile.TemporaryDirectory() as directory:
        space = spaces.add("a")
        spaces.veth(space, space, left_name="veth0", right_name="veth1")
        file = pathlib.Path(directory, "settings.yaml")
        file.write_text("interface: lo\nmax_flows: 500\n")
        with Agent(space, ["--config", file]) as agent:
            eventually(lambda: total(agent.metrics(), "audio_attached_interfaces") == 1, 10, "lo attached")
            file.write_text("interface: [lo, veth0]\nmax_flows: 600\nlog_level: debug\n")
            agent.process.send_signal(signal.SIGHUP)
            eventually(lambda: total(agent.metrics(), "audio_attached_interfaces") == 2, 10, "veth0 attached")
            notes = [line["message"] for line in agent.log("reload")]
            assert any("MAX_FLOWS" in note and "restart" in note for note in notes), notes
            file.write_text("interface: lo\nbogus: 1\n")
            agent.process.send_signal(signal.SIGHUP)
            eventually(lambda: any("'bogus' is unknown" in line["message"] for line in agent.log("reload")), 10,
                       "the complaint about bogus")
            assert total(agent.metrics(), "audio_attached_interfaces") == 2


def ends_with_the_reader_of_its_log():
    with Namespaces("signals") as spaces:
        space = spaces.add("a")
        with inside(space):
            process = subprocess.Popen([PROGRAM, "-i", "lo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert "startup" in process.stdout.readline()
        process.stdout.close()
        assert process.wait(20) == 1
        assert "Nobody reads the log" in process.stderr.read()
        eventually(lambda: not attached(space), 5, "nothing attached")


main("signals", [sigterm_ends_while_the_program_loads, sigterm_ends, sigint_ends, sighup_reads_the_file_again,
                 ends_with_the_reader_of_its_log])
