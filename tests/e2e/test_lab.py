# SPDX-License-Identifier: Apache-2.0
"""The lab itself, and the services that its packages install."""

import os
import pathlib
import subprocess

import pytest

from ask import ask_directly
from dotcache import ROOT

on_a_machine_of_its_own = pytest.mark.skipif(
    "CI" not in os.environ, reason="these services may run here on purpose")
# Not those of scripts/lab, which may be in use, and not those that other tests draw.
ORIGIN_PORT, FIRST_DOT_PORT = 9330, 9531
SERVERS = ["unbound", "named", "nsd", "kresd", "prometheus"]


def test_all_servers_give_the_same_answers(lab):
    for question in (("www.lab.example.", "A"), ("lab.example.", "MX"), ("host-7.lab.example.", "A")):
        answers = {provider.kind: {str(rdata) for rrset in ask_directly(provider, *question).answer
                                   for rdata in rrset} for provider in lab.providers}
        assert len({frozenset(answer) for answer in answers.values()}) == 1, answers


@on_a_machine_of_its_own
@pytest.mark.parametrize("name", SERVERS)
def test_no_package_left_a_service_enabled(name):
    units = {"named": ["named", "bind9"], "kresd": ["kresd@1", "kresd"]}.get(name, [name])
    enabled = [link for unit in units
               for link in pathlib.Path("/etc/systemd/system").glob(f"*.wants/{unit}.service")]
    assert not enabled
    started_by_init = list(pathlib.Path("/etc").glob(f"rc[2345].d/S*{name}"))
    assert not started_by_init


@on_a_machine_of_its_own
@pytest.mark.parametrize("name", SERVERS)
def test_no_package_left_a_service_running(name):
    for entry in pathlib.Path("/proc").glob("[0-9]*/exe"):
        try:
            program = entry.readlink()
        except OSError:
            continue
        assert str(program) not in (f"/usr/sbin/{name}", f"/usr/bin/{name}")


def test_an_unknown_group_of_packages_is_an_error():
    done = subprocess.run([ROOT / "scripts/install-packages", "nonsense"], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and "nonsense" in done.stderr


def test_start_status_servers_stop(tmp_path):
    """The commands of scripts/lab, on other ports than a lab that is in use."""
    script = "\n".join([
        "import sys", f"sys.path.insert(0, '{ROOT}/tests')", "from lab import lab",
        f"lab.ORIGIN_PORT, lab.FIRST_DOT_PORT = {ORIGIN_PORT}, {FIRST_DOT_PORT}",
        f"sys.argv = ['lab', '--dir', '{tmp_path}/lab'] + sys.argv[1:]", "lab.main()"])

    def command(*words):
        return subprocess.run(["/usr/bin/python3", "-c", script, *words], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=60)

    try:
        for _ in range(2):  # The second start replaces the first lab.
            started = command("start")
            assert started.returncode == 0, started.stderr
            for number in range(4):
                assert f"127.0.0.1:{FIRST_DOT_PORT + number}#" in started.stdout, started.stdout
                assert f"127.0.0.1:{ORIGIN_PORT + 1 + number}\n" in started.stdout, started.stdout
        assert command("status").returncode == 0
        servers = command("servers").stdout.splitlines()
        assert servers.count("--upstream") == 4 and servers[-2] == "--upstream-ca"
    finally:
        stopped = command("stop")
    assert stopped.returncode == 0 and command("status").returncode == 1
