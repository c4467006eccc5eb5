# SPDX-License-Identifier: Apache-2.0
"""The pod watcher against a real API server. The pods have no containers: they are objects of a node that is none, and
network namespaces on this machine speak with their addresses.

RESTART_API_SERVER, where set, is a command that restarts the API server and returns when it is there again;
COMPACT_STORE one that drops the old versions from its store."""
import os
import pathlib
import subprocess
import threading
import time

from kube import Kube, RealApi, in_parallel

from pod_node import PodNode, comes_to_be, life_of_pods, speakers  # tests/e2e, as kube says
from support import Skip, eventually, main, total

THOUSANDS = int(os.environ.get("WATCHED_PODS", "10000"))


def from_creation_to_the_reuse_of_an_address():
    kube = Kube()
    with PodNode("cluster") as node, RealApi(kube, node.name) as api:
        life_of_pods(node, api)


def known_pods(agent):
    return total(agent.metrics(), "audio_identity_pods")


def wait_for_pods(agent, count, timeout=60):
    eventually(lambda: known_pods(agent) == count, timeout, f"{count} pods known", interval=0.2)


def not_ready(agent, text, api=None, timeout=90):
    """Until /readyz says so; with `api`, its connections are cut meanwhile, since a watch that is accepted goes on."""
    def refused():
        if api:
            api.proxy.cut()
            time.sleep(2)
        status, reason = agent.get("/readyz")
        assert status == 503 and text in reason, f"{status}: {reason}"
        return reason
    return eventually(refused, timeout, f"/readyz with '{text}'", interval=0.2).strip()


def ready(agent):
    eventually(lambda: agent.get("/readyz")[0] == 200, 90, "/readyz 200", interval=0.2)


def an_expired_token_is_read_again():
    with PodNode("cluster") as node, RealApi(Kube(), node.name) as api, node.agent(api) as agent:
        api.create("one")
        wait_for_pods(agent, 1)
        api.revoke_token("first")
        reason = not_ready(agent, "does not accept the service account's token", api)
        assert known_pods(agent) == 1
        api.write_token("second")
        ready(agent)
        api.create("two")
        wait_for_pods(agent, 2)
        return reason


def a_refusal_is_said_and_addresses_go_on():
    with PodNode("cluster") as node, RealApi(Kube(), node.name) as api:
        api.create("talker")
        api.assign("talker", node.address(1))
        api.forbid()
        with node.pod(1), node.pod(2) as listener, node.listening(2), node.talking(1, listener), \
                node.agent(api, ready=False) as agent:
            reason = not_ready(agent, "grant this service account get, list and watch on pods")
            comes_to_be(agent, "-", "address")
            api.allow()
            ready(agent)
            comes_to_be(agent, api.namespace, "talker")
            return reason


def restart(variable="RESTART_API_SERVER"):
    line = os.environ.get(variable)
    if not line:
        raise Skip(f"{variable} is not set")
    subprocess.run(line, shell=True, check=True, timeout=300, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def a_restart_of_the_server_loses_nothing():
    if not os.environ.get("RESTART_API_SERVER"):
        raise Skip("RESTART_API_SERVER is not set")
    with PodNode("cluster") as node, RealApi(Kube(), node.name) as api:
        api.create("talker")
        api.assign("talker", node.address(1))
        with node.pod(1), node.pod(2) as listener, node.listening(2), node.talking(1, listener), \
                node.agent(api) as agent:
            comes_to_be(agent, api.namespace, "talker")
            restart()
            assert speakers(agent) == {(api.namespace, "talker")}
            api.create("second")
            wait_for_pods(agent, 2)
            ready(agent)
            assert agent.log("pod_watcher_error"), "the restart was not noticed"
            return agent.log("pod_watcher_error")[0]["message"]


def versions_that_are_gone_are_listed_again():
    """Away while pods change, the store is compacted and the server starts anew: 410."""
    if not os.environ.get("RESTART_API_SERVER"):
        raise Skip("RESTART_API_SERVER is not set")
    with PodNode("cluster") as node, RealApi(Kube(), node.name) as api, node.agent(api) as agent:
        for name in ("stays", "goes"):
            api.create(name)
        wait_for_pods(agent, 2)
        api.proxy.close()
        not_ready(agent, "can't be reached")
        api.delete("goes")
        for name in ("comes", "comes-too"):
            api.create(name)
        if os.environ.get("COMPACT_STORE"):
            restart("COMPACT_STORE")
        restart()
        api.create("last")
        api.proxy.open()
        wait_for_pods(agent, 4)
        ready(agent)
        relisted = agent.log("pod_watcher_relist")
        assert relisted, f"no 410: {agent.text()[-2000:]}"
        return relisted[0]["message"] + (", store compacted" if os.environ.get("COMPACT_STORE") else "")


def resident(agent, field="RssAnon"):
    """Bytes; without the ring buffer, which is mapped."""
    for line in pathlib.Path(f"/proc/{agent.process.pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def lost(agent):
    return total(agent.metrics(), "audio_events_lost_total")


def thousands_of_pods_are_small_and_stall_nothing():
    with PodNode("cluster") as node, RealApi(Kube(), node.name) as api, node.pod(1), node.pod(2) as listener, \
            node.listening(2), node.talking(1, listener):
        def add(number):
            api.create(f"gateway-7d4b9c6f5-{number:05}", {"app": "gateway", "pod-template-hash": "7d4b9c6f5"})
            api.assign(f"gateway-7d4b9c6f5-{number:05}", f"10.{100 + number // 65536}.{number // 256 % 256}.{number % 256}")
        with node.agent(api) as agent:
            api.create("talker")
            api.assign("talker", node.address(1))
            comes_to_be(agent, api.namespace, "talker")
            time.sleep(15)  # the signatures of MAX_LATENCY_MS fill the matcher
            before = resident(agent)
            silent = []

            def watch_the_stream(deadline=time.monotonic() + 3600):
                while known_pods(agent) < THOUSANDS + 1 and time.monotonic() < deadline:
                    counts = total(agent.metrics(), "audio_signatures_total", pod="talker")
                    time.sleep(1.5)
                    silent.append(total(agent.metrics(), "audio_signatures_total", pod="talker") == counts)
            watching = threading.Thread(target=watch_the_stream)
            watching.start()
            seconds = in_parallel(add, range(THOUSANDS))
            wait_for_pods(agent, THOUSANDS + 1, 120)
            watching.join()
            time.sleep(3)
            each = (resident(agent) - before) / THOUSANDS
            # Speech has pauses; a swap that stalled the loop would show as a row of seconds without a signature.
            rows = "".join("." if none else "x" for none in silent).split("x")
            assert max(map(len, rows)) <= 2, f"no signature for {1.5 * max(map(len, rows)):.0f} s"
            assert lost(agent) == 0, f"{lost(agent):.0f} events lost"
            comes_to_be(agent, api.namespace, "talker")
            assert each <= 1024, f"{each:.0f} bytes a pod"
        start = time.monotonic()
        with node.agent(api) as agent:
            wait_for_pods(agent, THOUSANDS + 1, 120)
            listed = time.monotonic() - start
            peak = (resident(agent, "VmHWM") - before) / THOUSANDS
        return (f"{THOUSANDS} pods in {seconds:.0f} s: {each:.0f} bytes each, no event lost; a new start knows them "
                f"after {listed:.1f} s, {peak:.0f} bytes each at its peak")


if __name__ == "__main__":
    main("watcher", [from_creation_to_the_reuse_of_an_address, an_expired_token_is_read_again,
                     a_refusal_is_said_and_addresses_go_on, a_restart_of_the_server_loses_nothing,
                     versions_that_are_gone_are_listed_again, thousands_of_pods_are_small_and_stall_nothing])
