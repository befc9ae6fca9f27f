# SPDX-License-Identifier: Apache-2.0
"""dotcache ctl: an operator looks into a running server and changes its state."""

import fcntl
import itertools
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import stat
import struct
import subprocess
import termios
import urllib.error
import urllib.parse
import urllib.request

import dns.query
import dns.rcode
import pytest

from ask import ADDRESS, query
from dotcache import BINARY, run
from lab.lab import free_port
from waiting import wait_for


class Controlled:
    """A server with a control socket."""

    def __init__(self, launch, folder):
        self.socket, self.config = folder / "control.sock", folder / "dotcache.yaml"
        self.config.write_text("")
        self.server = launch("--control", self.socket, "--config", self.config)

    def ctl(self, *arguments):
        return run("ctl", *arguments, "--socket", self.socket)

    def json(self, *arguments):
        done = self.ctl(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def request(self, method, target):
        """Sends a request to the control socket; returns its status and body."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.socket))
            connection.sendall(f"{method} {target} HTTP/1.0\r\n\r\n".encode())
            head, body = connection.makefile("rb").read().split(b"\r\n\r\n", 1)
        return int(head.split()[1]), body

    def ask(self, name):
        return dns.query.udp(query(name), ADDRESS, port=self.server.port, timeout=5)


@pytest.fixture
def controlled(launch, tmp_path):
    return Controlled(launch, tmp_path)


def test_only_the_user_can_connect_and_the_socket_is_removed_at_the_end(controlled):
    assert stat.S_IMODE(controlled.socket.stat().st_mode) == 0o600
    assert controlled.server.terminate() == 0
    assert not controlled.socket.exists()
    done = controlled.ctl("status")
    assert done.returncode == 3 and str(controlled.socket) in done.stderr


def test_status_and_upstreams_are_tables_and_json(controlled):
    controlled.ask("www.lab.example.")
    status = controlled.json("status")
    assert status["ready"] and status["queries"] == 1
    text = controlled.ctl("status").stdout
    assert "cache entries:" in text
    upstreams = controlled.json("upstreams")["upstreams"]
    assert len(upstreams) == 4 and sum(each["queries"] for each in upstreams) >= 1
    lines = controlled.ctl("upstreams").stdout.splitlines()
    assert lines[0].split()[:3] == ["ZONE", "PROVIDER", "ADDRESS"] and len(lines) == 5
    assert controlled.ctl("explain", "www.lab.example").returncode == 0


def fetch(server, path, accept="*/*", method="GET"):
    """Requests a path of the admin address; returns the status and the JSON or text."""
    request = urllib.request.Request(f"http://{ADDRESS}:{server.admin_port}{path}", method=method,
                                     headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        is_json = error.headers["Content-Type"] == "application/json"
        return error.code, json.loads(text) if is_json else text


def test_the_admin_address_shows_the_same_as_the_socket(controlled):
    server = controlled.server
    name = r"a\.b\032c.fresh.lab.example"
    controlled.ask(name + ".")
    quoted = urllib.parse.quote(name)
    provider = controlled.json("upstreams")["upstreams"][0]["provider"]
    controlled.json("take-out", provider)
    for path, *arguments in (("/status", "status"), ("/upstreams", "upstreams"),
                             (f"/lookup?name={quoted}&type=a", "lookup", name, "a"),
                             (f"/lookup?name={quoted}", "lookup", name),
                             (f"/explain?name={quoted}&dnssec=1", "explain", name, "--dnssec")):
        status, over_http = fetch(server, path)
        over_socket = controlled.json(*arguments)
        assert status == 200 and over_http.keys() == over_socket.keys(), path
        if "entries" in over_http:
            assert over_http["name"] == over_socket["name"] == name + "."
            assert over_http["entries"][0].keys() == over_socket["entries"][0].keys()
            assert over_http["entries"][0]["state"] == "fresh"
        if path == "/upstreams":
            assert over_http["upstreams"][0]["taken_out"] is True
    assert fetch(server, "/ready", accept="application/json") == (200, controlled.json("ready"))
    for path in ("/lookup?name=a..b", "/lookup?name=a&type=NOTYPE", "/explain"):
        status, error = fetch(server, path)
        assert status == 400 and list(error) == ["error"], path
    assert fetch(server, "/top")[0] == fetch(server, "/lookups")[0] == 404
    assert fetch(server, "/flush?all=1", method="POST")[0] == 405


def test_lookup_and_flush(controlled):
    for name in ("www.lab.example.", "mail.lab.example."):
        controlled.ask(name)
    entries = controlled.json("lookup", "www.lab.example")["entries"]
    assert [each["state"] for each in entries] == ["fresh"] and entries[0]["records"]
    assert controlled.json("flush", "www.lab.example", "--type", "A")["removed"] == 1
    assert controlled.json("lookup", "www.lab.example")["entries"] == []
    assert controlled.json("flush", "lab.example", "--subtree")["removed"] == 1
    controlled.ask("www.lab.example.")
    assert controlled.json("flush", "--all")["removed"] == 1
    assert controlled.ctl("flush").returncode == 1
    assert controlled.ctl("lookup", "a", "NOTYPE").returncode == 1


def test_explain_states_the_source_of_the_answer(launch, tmp_path):
    socket, provider = tmp_path / "control.sock", "tls://127.0.0.1:9#none.example"
    server = launch("--control", socket, "--upstream-connect-timeout", "100ms",
                    upstreams=[provider], wait="/health")

    def explain(*arguments):
        done = run("ctl", "explain", *arguments, "--socket", socket)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "answer from:     local zone" in explain("printer.local")
    assert "The cache has no entry for the question." in explain("www.lab.example")
    texts = []

    def fails_and_is_remembered():
        failed = dns.query.udp(query("www.lab.example."), ADDRESS, port=server.port, timeout=5)
        assert failed.rcode() == dns.rcode.SERVFAIL
        texts.append(explain("www.lab.example"))
        return "answer from:     remembered failure" in texts[-1]

    # The failure is remembered for a second at first. A busy machine may take longer to explain.
    wait_for(fails_and_is_remembered, lambda: texts[-1])
    text = texts[-1]
    assert "ago: no upstream server can be reached." in text
    assert "down: refused: connect: connection refused" in text and "last failure" in text, text


def test_reload_prints_the_difference_or_every_error(controlled):
    controlled.config.write_text("rotate: off\nworkers: 7\n")
    done = controlled.ctl("reload")
    assert done.returncode == 0
    assert "- rotate: on" in done.stdout and "+ rotate: off" in done.stdout
    assert "workers" in done.stdout.split("need restart:")[1]
    controlled.config.write_text("rotate: perhaps\nlistn: x\n")
    done = controlled.ctl("reload")
    assert done.returncode == 1 and "rotate" in done.stderr and "listn" in done.stderr


def test_a_provider_that_was_taken_out_gets_no_query(launch, tmp_path):
    socket = tmp_path / "control.sock"
    config = tmp_path / "dotcache.yaml"
    config.write_text("hedge: off\npolicy: sequential\n")
    server = launch("--control", socket, "--config", config)

    def ctl(*arguments):
        return run("ctl", *arguments, "--socket", socket)

    numbers = itertools.count()

    def queries():
        """Sends ten new queries; returns how many the first provider got."""
        before = json.loads(ctl("upstreams", "--json").stdout)["upstreams"][0]["queries"]
        for _ in range(10):
            name = f"out-{next(numbers)}.fresh.lab.example."
            assert dns.query.udp(query(name), ADDRESS, port=server.port, timeout=5).answer
        return json.loads(ctl("upstreams", "--json").stdout)["upstreams"][0]["queries"] - before

    providers = [each["provider"] for each in
                 json.loads(ctl("upstreams", "--json").stdout)["upstreams"]]
    wait_for(lambda: queries() == 10, "the first provider is not first")
    assert ctl("take-out", providers[0]).returncode == 0
    wait_for(lambda: queries() == 0, "it is still queried")
    for other in providers[1:-1]:
        assert ctl("take-out", other).returncode == 0
    refused = ctl("take-out", providers[-1])
    assert refused.returncode == 1 and "is the last provider" in refused.stderr
    assert ctl("put-back", providers[0]).returncode == 0
    wait_for(lambda: queries() == 10, "it is not queried again")
    assert ctl("take-out", "nobody").returncode == 1


def test_a_provider_that_was_taken_out_does_not_count_for_ready(launch, lab, tmp_path):
    socket = tmp_path / "control.sock"
    upstreams = [lab.providers[0].upstream, f"tls://{ADDRESS}:{free_port()}#closed.example"]
    server = launch("--control", socket, upstreams=upstreams)
    provider = json.loads(run("ctl", "upstreams", "--json", "--socket", socket).stdout
                          )["upstreams"][0]["provider"]
    # A reload changes nothing of this.
    assert run("ctl", "reload", "--socket", socket).returncode == 0
    assert run("ctl", "take-out", provider, "--socket", socket).returncode == 0
    wait_for(lambda: server.get("/ready")[0] == 503, "/ready counts a provider without use")
    assert run("ctl", "put-back", provider, "--socket", socket).returncode == 0
    wait_for(lambda: server.get("/ready")[0] == 200, "/ready does not count the provider again")


def test_top_counts_only_while_it_measures(controlled):
    controlled.ask("private.lab.example.")
    assert controlled.request("POST", "/top?by=names&seconds=60")[0] == 200
    for _ in range(3):
        controlled.ask("www.lab.example.")
    assert controlled.request("GET", "/top")[0] == 409
    assert controlled.ctl("top").returncode == 1
    status, result = controlled.request("GET", "/top?end=1")
    assert status == 200
    assert {item["key"]: item["queries"] for item in json.loads(result)["top"]} == {
        "www.lab.example.": 3}
    controlled.ask("private.lab.example.")
    assert json.loads(controlled.request("GET", "/top")[1])["top"] == []
    done = controlled.ctl("top", "types", "--for", "1")
    assert done.returncode == 0 and "queries:" in done.stdout, done.stderr
    assert controlled.ctl("top", "colours").returncode == 1


def test_watch_prints_a_view_per_interval(controlled):
    done = controlled.ctl("watch", "--count", "2", "--interval", "100")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("queries/s") == 2 and done.stdout.count("  unbound") == 2
    assert "\x1b" not in done.stdout
    assert "miss_buckets" in controlled.json("watch", "--count", "1")
    assert run("ctl", "watch", "--socket", "/nonexistent/socket").returncode == 3
    assert controlled.ctl("watch", "--interval", "1").returncode == 2


def catches(process, number):
    """Whether the process has a handler for this signal."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16) >> (number - 1) & 1


def test_a_signal_ends_watch_while_the_server_hangs(controlled):
    controlled.server.signal(signal.SIGSTOP)
    try:
        with subprocess.Popen([BINARY, "ctl", "watch", "--socket", controlled.socket]) as watch:
            try:
                wait_for(lambda: catches(watch, signal.SIGINT), "no handler")
                wait_for(lambda: (watch.send_signal(signal.SIGINT), watch.poll() is not None)[1],
                         "the signal does not end it")
            finally:
                watch.kill()
        assert watch.returncode == 0
    finally:
        controlled.server.signal(signal.SIGCONT)


@pytest.mark.parametrize("no_color", [False, True])
def test_watch_renews_its_view_on_a_terminal_until_q(controlled, no_color):
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    environment = dict(os.environ, **({"NO_COLOR": "1"} if no_color else {}))
    with subprocess.Popen([BINARY, "ctl", "watch", "--interval", "100", "--socket",
                           controlled.socket], stdin=theirs, stdout=theirs, stderr=theirs,
                          env=environment) as watch:
        shown = b""
        while shown.count(b"queries/s") < 3:
            assert select.select([ours], [], [], 10)[0], shown
            shown += os.read(ours, 4096)
        os.write(ours, b"q")
        assert watch.wait(timeout=10) == 0
    while select.select([ours], [], [], 0)[0]:
        shown += os.read(ours, 4096)
    assert (b"\x1b[32mup" in shown) != no_color
    assert shown.startswith(b"\x1b[?1049h") and shown.endswith(b"\x1b[?1049l")
    lines = re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", shown.decode()).splitlines()
    assert max(map(len, lines)) == 40
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


def test_log_level_and_drain(controlled):
    assert controlled.ctl("log-level", "debug").returncode == 0
    wait_for(lambda: "log level changed level=debug" in controlled.server.log_text(), "no line")
    assert controlled.ctl("log-level", "loud").returncode == 1
    assert controlled.ctl("drain").returncode == 0
    assert controlled.server.process.wait(timeout=10) == 0


def test_a_sigterm_after_a_drain_does_not_cut_the_stop_short(launch, tmp_path):
    """Kubernetes sends SIGTERM after a preStop hook."""
    socket = tmp_path / "control.sock"
    server = launch("--control", socket, "--lame-duck", "3s")
    assert run("ctl", "drain", "--socket", socket).returncode == 0
    wait_for(lambda: "stopping" in server.log_text(), "the stop did not begin")
    server.signal(signal.SIGTERM)
    assert server.process.wait(timeout=60) == 0


def test_wrong_commands_get_a_suggestion():
    for arguments, word in ((["statu"], "did you mean status?"), ([], "a command is missing"),
                            (["flush", "--subtre"], "did you mean --subtree?")):
        done = run("ctl", *arguments)
        assert done.returncode == 2 and word in done.stderr, done.stderr


def test_a_second_instance_does_not_take_the_socket_of_the_first(controlled, launch, tmp_path):
    refused = launch("--control", controlled.socket, wait=None)
    assert refused.process.wait(timeout=10) == 1
    assert "another process listens there" in refused.log_text()
    assert controlled.json("status")["ready"]


def test_a_socket_of_a_killed_instance_is_replaced(controlled, launch):
    controlled.server.signal(signal.SIGKILL)
    controlled.server.process.wait()
    launch("--control", controlled.socket)
    assert controlled.json("status")["ready"]
