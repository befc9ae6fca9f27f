# SPDX-License-Identifier: Apache-2.0
"""The unit under a real systemd, which is the first process of a container."""

import subprocess
import time

import pytest
from engine import DOCKER, build, docker

NAME = "www.lab.example"
BOOT_SECONDS = 30
# systemd as init needs its own cgroups and mounts. It gets no more, so that the confinement of the
# services is tested.
INIT_OPTIONS = ["--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--cap-add", "SYS_PTRACE",
                "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
                "--security-opt", "systempaths=unconfined", "--cgroupns", "host",
                "--volume", "/sys/fs/cgroup:/sys/fs/cgroup", "--tmpfs", "/run", "--tmpfs", "/tmp",
                "--env", "container=docker"]
# Based on the image's build stage, which has the program, its libraries and dig.
DOCKERFILE = """FROM dotcache:build
RUN apt-get install -qq -y --no-install-recommends dbus systemd
RUN install build/release/dotcache /usr/bin/dotcache
"""


class Machine:
    """A container in which systemd runs."""

    def __init__(self, container):
        self._container = container

    def run(self, *command, check=True):
        made = docker("exec", self._container, *command, check=check)
        return made.returncode, made.stdout.decode() + made.stderr.decode()

    def write(self, path, text):
        subprocess.run([DOCKER, "exec", "--interactive", self._container, "sh", "-c",
                        f"cat >{path}"], input=text.encode(), check=True)

    def journal(self):
        return self.run("journalctl", "--unit", "dotcache", "--no-pager", "--output", "cat")[1]

    def dig(self, *options):
        return self.run("dig", "@127.0.0.1", "+tries=1", "+time=6", *options, NAME, "A",
                        check=False)[1]

    def property(self, name):
        return self.run("systemctl", "show", "dotcache", "--value", "--property", name)[1].strip()


@pytest.fixture(scope="module")
def machine(image, source, tmp_path_factory):
    build("dotcache:build", source, "--target", "build")
    context = tmp_path_factory.mktemp("machine")
    (context / "Dockerfile").write_text(DOCKERFILE, encoding="ascii")
    build("dotcache:machine", context)
    unit = source / "deploy" / "systemd" / "dotcache.service"
    container = docker("run", "--detach", *INIT_OPTIONS, "--volume",
                       f"{unit}:/etc/systemd/system/dotcache.service:ro", "dotcache:machine",
                       "/lib/systemd/systemd").stdout.decode().strip()
    machine = Machine(container)
    deadline = time.monotonic() + BOOT_SECONDS
    while machine.run("systemctl", "is-system-running", check=False)[1].strip() not in (
            "running", "degraded"):
        if time.monotonic() > deadline:
            docker("rm", "--force", container)
            pytest.skip("systemd does not start in a container on this machine")
        time.sleep(0.1)
    yield machine
    docker("rm", "--force", container)


@pytest.fixture
def service(machine, upstreams, lab):
    """The machine with a started service in front of the lab."""
    machine.run("mkdir", "-p", "/etc/dotcache")
    machine.write("/etc/dotcache/ca.crt", lab.ca_file.read_text())
    machine.write("/etc/default/dotcache", f"DOTCACHE_UPSTREAM={upstreams}\n"
                                           "DOTCACHE_UPSTREAM_CA=/etc/dotcache/ca.crt\n")
    code, output = machine.run("systemctl", "restart", "dotcache", check=False)
    assert code == 0, output + machine.journal()
    yield machine
    machine.run("systemctl", "stop", "dotcache")


def until_it_answers(machine):
    deadline = time.monotonic() + BOOT_SECONDS
    while "status: NOERROR" not in (answer := machine.dig()):
        assert time.monotonic() < deadline, answer + machine.journal()
        time.sleep(0.1)


def test_answers_on_port_53_as_its_own_user(service):
    until_it_answers(service)
    assert "status: NOERROR" in service.dig("+tcp")
    user = service.run("stat", "--format", "%u", f"/proc/{service.property('MainPID')}")[1]
    assert 61184 <= int(user) <= 65519  # The range of DynamicUser.


def test_a_reload_keeps_it_running(service):
    until_it_answers(service)
    pid = service.property("MainPID")
    service.run("systemctl", "reload", "dotcache")
    until_it_answers(service)
    assert service.property("MainPID") == pid


def test_a_killed_service_is_restarted(service):
    until_it_answers(service)
    service.run("systemctl", "kill", "--signal", "KILL", "dotcache")
    until_it_answers(service)
    assert service.property("NRestarts") == "1"


def test_a_stop_is_successful(service):
    until_it_answers(service)
    service.run("systemctl", "stop", "dotcache")
    assert service.property("Result") == "success"
    assert service.property("ExecMainStatus") == "0"


def test_serves_its_defaults_without_a_file(machine):
    machine.run("rm", "-f", "/etc/default/dotcache")
    machine.run("systemctl", "restart", "dotcache")
    assert machine.property("ActiveState") == "active"
    machine.run("systemctl", "stop", "dotcache")


def test_a_mistake_in_the_settings_is_in_the_journal(machine):
    machine.write("/etc/default/dotcache", "DOTCACHE_POLICY=fastets\n")
    code, _ = machine.run("systemctl", "restart", "dotcache", check=False)
    assert code != 0
    assert "DOTCACHE_POLICY" in machine.journal()
    machine.run("systemctl", "stop", "dotcache")
