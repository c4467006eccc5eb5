# SPDX-License-Identifier: Apache-2.0
"""Bad input: one sentence, exit status not 0, nothing attached; `config` tells where each value came from."""
import socket
import subprocess

from support import PROGRAM, Namespaces, inside, main


NKEY = "U" + 55 * "A"


def run(*words, namespace=None, **environment):
    enter = ["nsenter", f"--net=/run/netns/{namespace}"] if namespace else []
    return subprocess.run([*enter, str(PROGRAM), *words], env=environment, capture_output=True, text=True, timeout=60)


def refused(done, *words):
    assert done.returncode not in (0, None) and done.returncode > 0, f"exit {done.returncode}: {done.stdout}"
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, f"not one sentence: {done.stderr}"
    assert lines[0].endswith("."), lines[0]
    for word in words:
        assert word in lines[0], f"{word!r} is missing: {lines[0]}"


def bad_values_are_refused():
    refused(run("run", AUDIO_PORTS="5004/opus"), "AUDIO_PORTS", "5004/opus", "rtp")
    refused(run("run", "--max-flows", "x"), "MAX_FLOWS", "'x'", "flag --max-flows")
    refused(run("run", "--config", "/nonexistent"), "/nonexistent", "No such file")
    refused(run("--bogus"), "--bogus")
    refused(run("bogus"), "bogus")
    refused(run("run", NAMES_FILE="/nonexistent"), "/nonexistent")


def missing_interface_is_refused():
    with Namespaces("config") as spaces:
        space = spaces.add("a")
        refused(run("run", namespace=space, INTERFACE="nowhere0"), "nowhere0")


def port_in_use_is_refused():
    with Namespaces("config") as spaces:
        space = spaces.add("a")
        with inside(space):
            taken = socket.create_server(("0.0.0.0", 9090))
        with taken:
            refused(run("run", namespace=space, INTERFACE="lo"), "METRICS_PORT 9090", "in use")


def check_reads_the_files_of_the_bus():
    for name, more in (("BUS_TOKEN_FILE", {}), ("BUS_CREDENTIALS_FILE", {}), ("BUS_NKEY_SEED_FILE", {"BUS_NKEY": NKEY}),
                       ("BUS_CA_FILE", {})):
        done = run("check", BUS_URL="tls://127.0.0.1:4222", **more, **{name: "/nonexistent"})
        line = next(line for line in done.stdout.splitlines() if "configuration" in line)
        assert done.returncode != 0 and line.startswith("FAIL"), f"{name}: {done.stdout}"
        assert "/nonexistent" in line or name in line, line


def config_tells_origins():
    done = run("config", "--max-flows", "500", MIN_MATCHES="5")
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert rows["MAX_FLOWS"] == ["flag", "500"] and rows["MIN_MATCHES"] == ["env", "5"], rows
    assert rows["METRICS_PORT"] == ["default", "9090"], rows


main("config", [bad_values_are_refused, missing_interface_is_refused, port_in_use_is_refused,
                check_reads_the_files_of_the_bus, config_tells_origins])
