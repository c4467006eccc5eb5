#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A bus that can't be had: wrong address, wrong credentials, TLS on one side only. The program says so in a sentence,
and measures what its own node sees. Right credentials of each kind are taken."""
import contextlib
import pathlib
import time

import bus_cluster
import support

SECONDS = 8
USER = "authorization { user: tracker, password: right }"
TOKEN = 'authorization { token: "right" }'
TLS = 'tls { cert_file: "%s/server.pem", key_file: "%s/server.key" }'


@contextlib.contextmanager
def one_node(name, config=""):
    with bus_cluster.Cluster(name, 1, config) as cluster:
        yield cluster


def local_call(cluster, agent):
    """A call within the node, on its loopback device, is measured."""
    call = cluster.add_call((0, 0, 0), delay_ms=120, seconds=SECONDS, loopback=True)
    cluster.listening()
    time.sleep(1.5)
    call.play()
    support.eventually(lambda: bus_cluster.count([agent]) > 20, SECONDS + 20, "latencies of the node's own call", 0.2)


def refused(name, url, config, *words, **variables):
    with one_node(name, config) as cluster:
        agent = cluster.start_agent(0, ready=False, INTERFACE="lo,veth0", DIRECTION="ingress", BUS_URL=url, **variables)

        def told():
            status, text = agent.get("/readyz")
            return status == 503 and all(word in text for word in words) and text
        support.eventually(lambda: agent.get("/healthz")[0] == 200, 30, "/healthz")
        text = support.eventually(told, 20, f"/readyz with {words}, not {agent.get('/readyz')}")
        local_call(cluster, agent)
        events = [line for line in agent.log() if line["event_type"] == "bus_disconnected"]
        agent.stop()
        return text.strip(), events


def a_wrong_address():
    text, _ = refused("bust1", "nats://10.77.0.1:4999", "", "No server of BUS_URL", "10.77.0.1:4999", "by itself")
    return text


def wrong_credentials():
    password = pathlib.Path("/tmp/alt-bus-password")
    try:
        password.write_text("wrong\n")
        text, _ = refused("bust2", bus_cluster.BUS_URL, USER, "credentials", "by itself", BUS_USER="tracker",
                          BUS_PASSWORD_FILE=password)
    finally:
        password.unlink()
    return text


def no_credentials():
    return refused("bust3", bus_cluster.BUS_URL, TOKEN, "credentials", "by itself")[0]


def tls_where_the_server_has_none():
    return refused("bust4", "tls://10.77.0.1:4222", "", "asks for TLS", "by itself")[0]


def certificates(directory):
    """A CA, and a certificate of it for the server's address."""
    def openssl(*words):
        support.command("openssl", *words, cwd=directory)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=alt test CA")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=bus")
    pathlib.Path(directory, "extensions").write_text("subjectAltName=IP:10.77.0.1")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "extensions", "-out", "server.pem")


@contextlib.contextmanager
def tls_directory():
    import tempfile  # pylint: disable=import-outside-toplevel
    with tempfile.TemporaryDirectory(prefix="alt-tls-") as directory:
        certificates(directory)
        yield directory


def an_unknown_certificate():
    with tls_directory() as directory:
        config = TLS % (directory, directory)
        plain = refused("bust5", bus_cluster.BUS_URL, config, "TLS", "by itself")[0]
        unknown = refused("bust6", "tls://10.77.0.1:4222", config, "TLS with the bus failed", "by itself")[0]
    return f"{plain} | {unknown}"


def taken(name, config, url=bus_cluster.BUS_URL, **variables):
    with bus_cluster.Cluster(name, 2, config) as cluster:
        for node in range(2):
            cluster.start_agent(node, BUS_URL=url, **variables)
        cluster.meet()


def right_credentials_are_taken():
    with tls_directory() as directory:
        secret = pathlib.Path(directory, "secret")
        secret.write_text("right\n")
        taken("bust7", USER, BUS_USER="tracker", BUS_PASSWORD_FILE=secret)
        taken("bust8", TOKEN, BUS_TOKEN_FILE=secret)
        taken("bust9", TLS % (directory, directory), "tls://10.77.0.1:4222", BUS_CA_FILE=f"{directory}/ca.pem")
    return "user and password, token, TLS with a CA"


if __name__ == "__main__":
    support.main("bus_trouble", [a_wrong_address, wrong_credentials, no_credentials, tls_where_the_server_has_none,
                                 an_unknown_certificate, right_credentials_are_taken])
