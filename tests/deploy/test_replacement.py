# SPDX-License-Identifier: Apache-2.0
"""Instances of dotcache that replace each other behind the real CoreDNS lose no query.

CoreDNS forwards over UDP, TCP and DoT at the same time. Its cache is off, so dotcache gets every
query. Half of the names are new.
"""

import os
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys

import pytest
import yaml
from test_node import COREDNS, on_a_node, process  # noqa: F401  on_a_node is a fixture.

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from dotcache import ADDRESS, Dotcache, run  # noqa: E402  sys.path is set first.
from lab.lab import LISTENER_NAME, free_port  # noqa: E402
from waiting import wait_for  # noqa: E402

REPLACEMENTS = 10
ROLLOUTS = 3  # Each takes the lame duck of the manifest.
# Of each transport. With all the tests, a rate that leaves two cores idle: what is lost is then
# lost by a replacement.
QUERIES_PER_SECOND = int(os.environ.get("REPLACEMENT_QUERIES_PER_SECOND", "200"))
PATIENCE_SECONDS = 10
NAMES = 100000
# Moves the descriptors to 3, 4 and 5, as systemd does, and names this process as their owner.
AS_SYSTEMD = ("import fcntl, os, sys; "
              "fds = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 20) for fd in sys.argv[1].split(',')]; "
              "[os.dup2(fd, 3 + i) for i, fd in enumerate(fds)]; "
              "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds))); "
              "os.execvp(sys.argv[2], sys.argv[2:])")


class Instances:
    """Instances of dotcache at the same addresses."""

    def __init__(self, lab, folder):
        self.lab, self.folder, self.count = lab, folder, 0
        self.ports = tuple(free_port() for _ in range(3))
        self.sockets = []
        self.now = None

    def start(self, *arguments):
        """Starts an instance and waits until it is ready."""
        self.count += 1
        options = {}
        if self.sockets:
            fds = [each.fileno() for each in self.sockets]
            options = {"pass_fds": fds, "prefix": (sys.executable, "-c", AS_SYSTEMD,
                                                   ",".join(map(str, fds)))}
        started = Dotcache(self.lab, self.folder / f"log{self.count}",
                           [server.upstream for server in self.lab.providers],
                           ("--workers", 2, *arguments), ports=self.ports, **options)
        wait_for(lambda: "info ready" in started.log_text(), started.log_text)
        self.now = started

    def hold_sockets(self):
        """Does what systemd does with a .socket unit."""
        port, dot_port, _ = self.ports
        self.sockets = [socket.socket(socket.AF_INET, kind) for kind in
                        (socket.SOCK_DGRAM, socket.SOCK_STREAM, socket.SOCK_STREAM)]
        # As much as the kernel permits: queries wait here while no instance runs.
        self.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        for each, number in zip(self.sockets, (port, port, dot_port)):
            each.bind((ADDRESS, number))
        for stream in self.sockets[1:]:
            stream.listen(1024)

    def close(self):
        if self.now is not None:
            self.now.kill()
        for each in self.sockets:
            each.close()


@pytest.fixture
def instances(lab, tmp_path):
    made = Instances(lab, tmp_path)
    yield made
    made.close()


@pytest.fixture
def coredns(instances, lab, tmp_path):
    """CoreDNS with a port for each transport; yields the ports."""
    port, dot_port, _ = instances.ports
    ports = [free_port() for _ in range(3)]
    health = free_port()
    targets = (f"{ADDRESS}:{port}", f"{ADDRESS}:{port} {{\n force_tcp\n }}",
               f"tls://{ADDRESS}:{dot_port} {{\n tls {lab.ca_file}\n"
               f" tls_servername {LISTENER_NAME}\n }}")
    corefile = tmp_path / "Corefile"
    corefile.write_text(f"health.invalid:{ports[0]} {{\n health {ADDRESS}:{health}\n}}\n" + "".join(
        f".:{number} {{\n bind {ADDRESS}\n errors\n forward . {target}\n}}\n"
        for number, target in zip(ports, targets)))
    running = process([COREDNS, "-conf", corefile], f"http://{ADDRESS}:{health}/health",
                      tmp_path / "coredns")
    next(running)
    yield ports
    running.close()


class Load:
    """Queries CoreDNS at a steady rate until the `with` block ends."""

    def __init__(self, ports, folder):
        self.names = folder / "names"
        self.names.write_text("".join(
            f"www.lab.example A\nn{number}.fresh.lab.example A\n" for number in range(NAMES)))
        self.ports, self.running = ports, []

    def __enter__(self):
        for number in self.ports:
            self.running.append(subprocess.Popen(
                ["dnsperf", "-s", ADDRESS, "-p", str(number), "-d", self.names, "-l", "600",
                 "-Q", str(QUERIES_PER_SECOND), "-t", str(PATIENCE_SECONDS), "-c", "4"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True))
        return self

    def __exit__(self, *_):
        for each in self.running:
            each.send_signal(signal.SIGINT)
        self.reports = [each.communicate(timeout=60)[0] for each in self.running]

    def check(self):
        """All queries had a reply, and all replies the data."""
        for report in self.reports:
            sent, completed = (int(re.search(rf"Queries {what}: +(\d+)", report)[1])
                               for what in ("sent", "completed"))
            print(report)
            # Those in flight at the end are interrupted, which is no loss.
            assert "Queries lost:         0" in report, report
            assert re.search(rf"Response codes: +NOERROR {completed} \(100.00%\)", report), report
            assert completed > QUERIES_PER_SECOND and sent - completed < 200, report


def test_nothing_is_lost_when_an_instance_takes_over(instances, coredns, tmp_path):
    instances.start("--reuse-port", "on")
    with Load(coredns, tmp_path) as load:
        for _ in range(REPLACEMENTS):
            old = instances.now
            replies = old.metric("dotcache_queries_total")
            wait_for(lambda: old.metric("dotcache_queries_total") > replies + 1000, "no queries")
            instances.ports = (*instances.ports[:2], free_port())  # An admin address of its own.
            instances.start("--reuse-port", "on")
            assert old.terminate() == 0
    load.check()


def test_nothing_is_lost_when_a_manager_holds_the_sockets(instances, coredns, tmp_path):
    instances.hold_sockets()
    instances.start()
    with Load(coredns, tmp_path) as load:
        for _ in range(REPLACEMENTS):
            old = instances.now
            replies = old.metric("dotcache_queries_total")
            wait_for(lambda: old.metric("dotcache_queries_total") > replies + 1000, "no queries")
            assert old.terminate() == 0
            instances.start()
    load.check()


def test_nothing_is_lost_in_a_rollout_of_the_daemonset(instances, coredns, source, tmp_path):
    """Two pods share all addresses of the node. The manifest's own probe tells which is ready."""
    config, daemonset = yaml.safe_load_all(
        (source / "deploy/kubernetes/daemonset.yaml").read_text("utf-8"))
    settings = yaml.safe_load(config["data"]["dotcache.yaml"])
    container = daemonset["spec"]["template"]["spec"]["containers"][0]
    probe = container["readinessProbe"]["exec"]["command"][1:]

    def is_ready(control):
        return run(*probe, "--socket", control).returncode == 0

    def queries(control):
        return json.loads(run("ctl", "status", "--json", "--socket", control).stdout)["queries"]

    def start_pod(number):
        control = tmp_path / f"control{number}"
        instances.start("--reuse-port", "on" if settings["reuse-port"] else "off",
                        "--lame-duck", settings["lame-duck"], "--control", control)
        wait_for(lambda: is_ready(control), "the pod is not ready")
        return control

    control = start_pod(0)
    with Load(coredns, tmp_path) as load:
        for number in range(1, ROLLOUTS + 1):
            old, old_control = instances.now, control
            wait_for(lambda: queries(old_control) > 1000, "no queries")
            control = start_pod(number)
            old.signal(signal.SIGTERM)
            wait_for(lambda: not is_ready(old_control), "the old pod is still ready")
            assert old.process.wait(timeout=30) == 0
    load.check()
