# SPDX-License-Identifier: Apache-2.0
"""A listener whose address the machine gets later, in a network namespace of its own."""

import os
import subprocess

import pytest
from ask import query
from dotcache import BINARY, clean_environment
from two_networks import ip
from waiting import wait_for

NAMESPACE = f"absent-{os.getpid()}"
PRESENT, ABSENT, ABSENT_V6 = "127.0.0.1", "169.254.20.10", "fd00:77::1"
ASK = """
import sys, dns.query, dns.message
message = dns.message.from_wire(bytes.fromhex(sys.argv[2]))
print(dns.query.{0}(message, sys.argv[1], timeout=20, port=5353).answer[0][0])
"""


def inside(*command, **options):
    return subprocess.run(["ip", "netns", "exec", NAMESPACE, *command], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, **options)


def ask_inside(address, transport="udp"):
    """Returns the address in the answer, or an empty text."""
    wire = query("printer.corp.example.").to_wire().hex()
    done = inside("/usr/bin/python3", "-c", ASK.format(transport), address, wire)
    return done.stdout.strip() if done.returncode == 0 else ""


def bound_inside(address):
    """Returns the values of the metric for the listeners at this address."""
    page = inside("/usr/bin/python3", "-c", "import urllib.request\nprint(urllib.request.urlopen("
                  f"'http://{PRESENT}:9953/metrics', timeout=5).read().decode())").stdout
    return [int(line.split()[-1]) for line in page.splitlines()
            if line.startswith("dotcache_listener_bound{") and f"//{address}:" in line]


@pytest.fixture
def namespace():
    made = subprocess.run(["ip", "netns", "add", NAMESPACE], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"network namespaces are not permitted: {made.stderr.strip()}")
    ip(NAMESPACE, "link set lo up")
    yield NAMESPACE
    subprocess.run(["ip", "netns", "del", NAMESPACE], check=True)


@pytest.fixture
def started(namespace, tmp_path):
    log = tmp_path / "log"
    file = tmp_path / "dotcache.yaml"
    file.write_text("records: [\"printer.corp.example. A 192.0.2.7\"]\n")
    arguments = ["serve", "--config", str(file), "--admin", f"{PRESENT}:9953",
                 "--upstream", "tls://127.0.0.1:1#dns.example", "--loop-check", "off"]
    for address in (PRESENT, ABSENT, f"[{ABSENT_V6}]"):
        arguments += ["--listen", f"{address}:5353"]
    with open(log, "wb") as output:
        process = subprocess.Popen(["ip", "netns", "exec", namespace, str(BINARY), *arguments],
                                   stdout=output, stderr=output, env=clean_environment())
    wait_for(lambda: "started" in log.read_text() or process.poll() is not None, log.read_text)
    yield log
    process.kill()
    process.wait()


def test_a_listener_serves_when_its_address_comes(started):
    assert "192.0.2.7" == ask_inside(PRESENT), started.read_text()
    for address in (ABSENT, ABSENT_V6):
        assert any("listener waits for its address" in line and address in line
                   for line in started.read_text().splitlines())
        assert ask_inside(address) == ""
    assert bound_inside(PRESENT) == [1, 1]
    assert bound_inside(ABSENT) == bound_inside(f"[{ABSENT_V6}]") == [0, 0]
    ip(NAMESPACE, f"address add {ABSENT}/32 dev lo")
    ip(NAMESPACE, f"address add {ABSENT_V6}/128 dev lo nodad")
    for address in (ABSENT, ABSENT_V6):
        for transport in ("udp", "tcp"):
            assert ask_inside(address, transport) == "192.0.2.7", started.read_text()
    wait_for(lambda: started.read_text().count("listener has its address") == 4, started.read_text)
    assert bound_inside(ABSENT) == bound_inside(f"[{ABSENT_V6}]") == [1, 1]


def test_a_port_that_another_program_has_still_fails_the_start(namespace):
    ip(NAMESPACE, f"address add {ABSENT}/32 dev lo")
    other = subprocess.Popen(
        ["ip", "netns", "exec", namespace, "/usr/bin/python3", "-c",
         "import socket, time\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
         f"s.bind(('{ABSENT}', 5353))\nprint('bound', flush=True)\ntime.sleep(600)"],
        stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "bound\n"
        done = inside(str(BINARY), "serve", "--listen", f"{ABSENT}:5353", "--admin", "off",
                      env=clean_environment(), timeout=20)
        assert done.returncode == 1 and "another program has this port" in done.stderr
    finally:
        other.kill()
        other.wait()
