# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes node: the DaemonSet's address and configuration, and CoreDNS with our Corefile.

Runs in its own network namespace (on_a_node), so it uses the addresses and ports of the manifests.
"""

import os
import re
import shutil
import subprocess
import time
import urllib.request

import pytest
import yaml

ADDRESS = "169.254.20.10"
POD_ADDRESS = "10.244.0.2"
COREDNS = os.environ.get("DOTCACHE_COREDNS")
START_SECONDS = 20


@pytest.fixture(scope="session", autouse=True)
def on_a_node():
    if not COREDNS:
        pytest.exit("start with tests/deploy/on_a_node", returncode=77)


@pytest.fixture(scope="session")
def manifests(source):
    return source / "deploy" / "kubernetes"


@pytest.fixture(scope="session")
def daemonset(manifests):
    """(configuration, pod specification) of the DaemonSet."""
    config, daemonset = yaml.safe_load_all((manifests / "daemonset.yaml").read_text("utf-8"))
    return config["data"]["dotcache.yaml"], daemonset["spec"]["template"]["spec"]


@pytest.fixture(scope="session")
def node_address(daemonset):
    """Does what the init container does, twice, like on a node whose pod restarts."""
    command = daemonset[1]["initContainers"][0]["command"]
    busybox = shutil.which("busybox")  # The container's program, if this machine has it.
    for _ in range(2):
        run(*([busybox] if busybox else []), *command)
    assert run("ip", "-oneline", "address", "show", "dev", "lo").count(ADDRESS) == 1
    return ADDRESS


@pytest.fixture(scope="session")
def pod():
    """Returns the command prefix that runs a command in a pod: a network of its own, routed to the
    node.
    """
    with subprocess.Popen(["unshare", "--net", "sleep", "infinity"]) as sleeper:
        while os.readlink(f"/proc/{sleeper.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            time.sleep(0.01)
        run("ip", "link", "add", "node0", "type", "veth", "peer", "name", "eth0", "netns",
            str(sleeper.pid))
        run("ip", "address", "add", "10.244.0.1/32", "dev", "node0")
        run("ip", "link", "set", "node0", "up")
        run("ip", "route", "add", POD_ADDRESS, "dev", "node0")
        inside = ["nsenter", "--net", "--target", str(sleeper.pid)]
        run(*inside, "ip", "address", "add", f"{POD_ADDRESS}/32", "dev", "eth0")
        run(*inside, "ip", "link", "set", "eth0", "up")
        run(*inside, "ip", "route", "add", "10.244.0.1", "dev", "eth0")
        run(*inside, "ip", "route", "add", "default", "via", "10.244.0.1")
        yield inside
        sleeper.kill()


@pytest.fixture(scope="session")
def dotcache(node_address, daemonset, binary, lab, tmp_path_factory):
    """dotcache with the DaemonSet's configuration, in front of the lab."""
    directory = tmp_path_factory.mktemp("dotcache")
    config = daemonset[0].replace("/run/dotcache", str(directory))
    (directory / "dotcache.yaml").write_text(config, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith("DOTCACHE_")}
    environment.update(
        DOTCACHE_CONFIG=str(directory / "dotcache.yaml"),
        DOTCACHE_ADMIN=f"{node_address}:9153",
        DOTCACHE_UPSTREAM=",".join(server.upstream for server in lab.providers),
        DOTCACHE_UPSTREAM_CA=str(lab.ca_file))
    yield from process([binary, "serve"], f"http://{node_address}:9153/ready", directory / "log",
                       env=environment)


@pytest.fixture(scope="session")
def coredns(dotcache, pod, manifests, tmp_path_factory):
    """The real CoreDNS in a pod, with our Corefile except the plugin that needs an API server."""
    directory = tmp_path_factory.mktemp("coredns")
    corefile = yaml.safe_load((manifests / "coredns-configmap.yaml").read_text("utf-8"))
    adapted, replaced = re.subn(r"\n    kubernetes [^{]*{[^}]*}", "", corefile["data"]["Corefile"])
    assert replaced == 1
    (directory / "Corefile").write_text(adapted, encoding="utf-8")
    yield from process([*pod, COREDNS, "-conf", directory / "Corefile"],
                       f"http://{POD_ADDRESS}:8181/ready", directory / "log")


def process(command, ready, log, **options):
    """Starts a program, yields it when the page `ready` returns 200, and ends it."""
    with open(log, "wb") as output:
        started = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   **options)
    deadline = time.monotonic() + START_SECONDS
    try:
        while True:
            try:
                urllib.request.urlopen(ready, timeout=1).close()
                break
            except OSError:
                assert started.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
        yield started
    finally:
        started.terminate()
        started.wait(timeout=15)


def run(*command):
    made = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout


def dig(address, *options, inside=()):
    return subprocess.run([*inside, "dig", f"@{address}", "+tries=1", "+time=6", *options],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False).stdout


def records(answer):
    """Returns the answer section without TTLs, which decrease."""
    section = answer.partition(";; ANSWER SECTION:\n")[2].partition("\n\n")[0]
    return sorted(re.sub(r"\t+\d+\t", "\t", line, count=1) for line in section.splitlines())


@pytest.mark.parametrize("options", [[], ["+tcp"], ["+dnssec"]], ids=["udp", "tcp", "dnssec"])
@pytest.mark.parametrize("rr_type", ["A", "AAAA", "MX", "TXT"])
def test_coredns_through_dotcache_gives_the_providers_answers(coredns, lab, rr_type, options):
    provider = lab.servers["unbound"]
    through = dig(POD_ADDRESS, *options, "www.lab.example", rr_type)
    direct = dig("127.0.0.1", "-p", str(provider.classic_port), *options, "www.lab.example", rr_type)
    assert "status: NOERROR" in through, through
    assert records(through) == records(direct)


def test_a_missing_name_is_nxdomain(coredns):
    assert "status: NXDOMAIN" in dig(POD_ADDRESS, "nothing.lab.example", "A")


def test_the_node_may_query(dotcache, node_address):
    assert "status: NOERROR" in dig(node_address, "www.lab.example", "A")


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_a_pod_on_the_node_may_query(dotcache, node_address, pod, transport):
    assert "status: NOERROR" in dig(node_address, transport, "www.lab.example", "A", inside=pod)


def test_the_probe_of_coredns_is_answered(dotcache, node_address):
    """Every CoreDNS of the cluster sends the health check, a query for the NS of the root."""
    assert "status: NOERROR" in dig(node_address, ".", "NS")
