# SPDX-License-Identifier: Apache-2.0
"""A running server takes over a new configuration, and a second instance takes over from the first."""

import signal
import socket
import threading

import dns.message
import dns.query
import dns.rcode
import pytest

from ask import ADDRESS, query
from stream_of_queries import StreamOfQueries
from waiting import wait_for

RELOADS = 30
REPLACEMENTS = 5


class Configured:
    """A server with a configuration file that a test rewrites."""

    def __init__(self, launch, path):
        self.path = path
        self.write("")
        self.server = launch("--config", path)

    def write(self, text):
        self.path.write_text(text)

    def reload(self, text, result="ok"):
        """Writes the file and reloads it; waits until the reload is counted."""
        self.write(text)
        before = self.server.metric("dotcache_config_reloads_total", result=result)
        self.server.signal(signal.SIGHUP)
        wait_for(lambda: self.server.metric("dotcache_config_reloads_total", result=result) > before,
                 "the reload was not counted")

    def ask(self, name, rr_type="A"):
        return dns.query.udp(query(name, rr_type), ADDRESS, port=self.server.port, timeout=5)

    def wait_for_record(self):
        """A worker takes over the reload in its next turn, which may be after the count."""
        wait_for(lambda: self.ask("printer.corp.example.").answer, "the record is not answered")


@pytest.fixture
def configured(launch, tmp_path):
    return Configured(launch, tmp_path / "dotcache.yaml")


def test_records_change_with_a_reload_and_the_cache_stays(configured):
    configured.ask("www.lab.example.")
    configured.reload("records: [\"printer.corp.example. 300 IN A 192.0.2.7\"]\n")
    configured.wait_for_record()
    hits = configured.server.metric("dotcache_cache_hits_total")
    configured.ask("www.lab.example.")
    assert configured.server.metric("dotcache_cache_hits_total") == hits + 1
    assert "printer.corp.example" in configured.server.log_text()  # The operator's own record.


def test_an_invalid_file_changes_nothing_and_every_error_is_logged(configured):
    configured.reload("records: [\"printer.corp.example. 300 IN A 192.0.2.7\"]\n")
    configured.wait_for_record()
    configured.reload("records: [\"no record\"]\npolicy: fast\nlistn: x\n", result="error")
    assert configured.ask("printer.corp.example.").answer
    assert configured.server.metric("dotcache_config_last_reload_successful") == 0
    for word in ("records", "policy", "listn", "nothing has changed"):
        assert word in configured.server.log_text()
    configured.reload("")
    assert configured.server.metric("dotcache_config_last_reload_successful") == 1


def test_settings_that_need_a_restart_are_named(configured):
    configured.reload("workers: 3\nquery-timeout: 3s\n")
    text = configured.server.log_text()
    assert "settings that need a restart" in text and "workers" in text


def test_ttl_bounds_concern_what_is_stored_from_then_on(configured):
    configured.ask("www.lab.example.")
    configured.reload("cache-max-ttl: 7s\n")
    assert configured.ask("mail.lab.example.").answer[0].ttl <= 7
    assert configured.ask("www.lab.example.").answer[0].ttl > 7
    assert "need a restart" not in configured.server.log_text()


def test_the_rate_of_handshakes_changes_with_a_reload(launch, tmp_path):
    # With this word in an argument, the launcher sets no rate of its own.
    configured = Configured(launch, tmp_path / "handshakes-per-second.yaml")

    def rejections():
        return configured.server.metric("dotcache_limit_rejections_total", limit="handshakes")

    def connect(times):
        for _ in range(times):
            socket.create_connection((ADDRESS, configured.server.dot_port), timeout=5).close()

    connect(10)
    assert rejections() == 0
    configured.reload("handshakes-per-second: 1\n")
    wait_for(lambda: (connect(10), rejections())[1], "no handshake was rejected")


def test_the_cache_changes_its_size_and_keeps_its_entries(configured):
    configured.ask("www.lab.example.")
    hits = configured.server.metric("dotcache_cache_hits_total")
    for count, size in enumerate(("256MiB", "2MiB", "64MiB"), 1):
        configured.reload(f"cache-size: {size}\n")
        configured.ask("www.lab.example.")
        assert configured.server.metric("dotcache_cache_hits_total") == hits + count
    assert configured.server.metric("dotcache_cache_budget_bytes") == 64 << 20
    configured.reload("cache-size: 0\n")
    configured.ask("www.lab.example.")
    assert configured.server.metric("dotcache_cache_hits_total") == hits + 3
    assert "need a restart" not in configured.server.log_text()


def test_a_changed_hosts_file_is_reloaded_without_a_signal(launch, tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("192.0.2.1 one.corp.example\n")
    server = launch("--hosts-file", hosts)

    def has(name):
        reply = dns.query.udp(query(name), ADDRESS, port=server.port, timeout=5)
        return bool(reply.answer)

    assert has("one.corp.example.")
    hosts.write_text("192.0.2.1 one.corp.example\n192.0.2.2 two.corp.example\n")
    wait_for(lambda: has("two.corp.example."), "the hosts file was not read again")


def test_no_query_fails_during_reloads(configured):
    with StreamOfQueries(configured.server, "reload", per_second=300,
                         transports=("udp", "tcp", "dot")) as stream:
        for number in range(RELOADS):
            configured.reload(f"query-timeout: {2000 + number}ms\n"
                              f"records: [\"r{number}.corp.example. A 192.0.2.7\"]\n")
        stream.wait_for_answers(100)
    assert not stream.failed, stream.summary()


def test_sigusr1_logs_a_line_about_the_state(launch):
    server = launch()
    server.signal(signal.SIGUSR1)
    wait_for(lambda: "info status ready=yes queries=" in server.log_text(), "no line was logged")


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_no_query_is_lost_while_instances_replace_each_other(lab, launch, user):
    """Each client has a port of its own, so the kernel gives its queries to either instance."""
    first = launch("--reuse-port", "on", env={"DOTCACHE_USER": user})
    same = [("--reuse-port", "on"), first.port, first.dot_port, first.admin_port]
    lost, answered = [], [0]
    stop = threading.Event()

    def clients():
        while not stop.is_set():
            for name in ("www.lab.example.", f"replace-{answered[0]}.fresh.lab.example."):
                try:
                    reply = dns.query.udp(query(name), ADDRESS, port=first.port, timeout=5)
                    if reply.rcode() != dns.rcode.NOERROR:
                        lost.append(reply.rcode())
                    answered[0] += 1
                except Exception as error:  # Any failure of a client is a lost query.
                    lost.append(repr(error))

    threads = [threading.Thread(target=clients) for _ in range(4)]
    for thread in threads:
        thread.start()
    old = first
    for _ in range(REPLACEMENTS):
        before = answered[0]
        new = launch(*same[0], ports=same[1:], wait=None, env={"DOTCACHE_USER": user})
        wait_for(lambda: "info ready" in new.log_text(), "the new instance is not ready")
        old.signal(signal.SIGTERM)
        assert old.process.wait(timeout=10) == 0
        wait_for(lambda: answered[0] > before + 50, "no query was answered")
        old = new
    stop.set()
    for thread in threads:
        thread.join()
    assert not lost, f"{len(lost)} of {answered[0]} lost: {lost[:5]}"
