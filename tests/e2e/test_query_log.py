# SPDX-License-Identifier: Apache-2.0
"""The query log: lines of text, and dnstap that real readers understand."""

import json
import re
import signal
import subprocess

import pytest
import yaml

from ask import TRANSPORTS, ask
from dotcache import run
from plain_provider import PlainProvider
from waiting import wait_for

NAME = "once.fresh.lab.example."
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z client=(\S+) transport=(\S+) name=(\S+) "
                  r"type=(\S+) rcode=(\S+) source=(\S+) us=(\d+)")


def lines_of(path, count):
    """Returns the fields of the lines, as soon as there are so many."""
    seen = []

    def has_lines():
        if path.exists():
            seen[:] = path.read_text().splitlines()
        return len(seen) >= count
    wait_for(has_lines, f"fewer than {count} lines: {seen}")
    matches = [LINE.fullmatch(line) for line in seen]
    assert all(matches), seen
    return [match.groups() for match in matches]


def test_a_line_tells_the_client_the_question_and_the_source_of_the_reply(launch, tmp_path):
    log = tmp_path / "queries"
    server = launch("--workers", 1, "--query-log", f"file:{log}")
    ask(server, NAME)
    for transport in TRANSPORTS:
        ask(server, NAME, transport=transport)
    ask(server, "missing.test.")
    lines = lines_of(log, 5)
    assert [line[1] for line in lines] == ["udp", *TRANSPORTS, "udp"]
    assert [line[2:6] for line in lines] == [(NAME, "A", "NOERROR", "miss")] + \
        [(NAME, "A", "NOERROR", "hit")] * 3 + [("missing.test.", "A", "NXDOMAIN", "local")]
    assert all(line[0].startswith("127.0.0.1:") for line in lines)
    assert int(lines[0][6]) > 0
    assert log.stat().st_mode & 0o777 == 0o600


def test_standard_output_gets_the_lines_and_no_log_line_has_a_name(launch):
    server = launch("--workers", 1, "--query-log", "stdout")
    ask(server, NAME)
    wait_for(lambda: " source=miss " in server.log_text(), "no line")
    for line in server.log_text().splitlines():
        assert LINE.fullmatch(line) or NAME not in line


def test_names_and_clients_are_hidden(launch, tmp_path):
    config = tmp_path / "config.yaml"
    log = tmp_path / "queries"
    for names, clients, name, client in (
            ("hashed", "truncated", r"[0-9a-f]{16}", r"127\.0\.0\.0/24"),
            ("truncated", "hashed", r"lab\.example\.", r"[0-9a-f]{16}")):
        config.write_text(f"query-log: file:{log}\nquery-log-names: {names}\n"
                          f"query-log-clients: {clients}\n")
        server = launch("--config", config)
        ask(server, NAME)
        ask(server, NAME)
        first, second = lines_of(log, 2)
        assert re.fullmatch(name, first[2]) and re.fullmatch(client, first[0])
        assert (first[2], first[0]) == (second[2], second[0])
        assert "once" not in log.read_text()
        server.kill()
        log.unlink()


def test_a_renamed_file_is_opened_again_also_by_sighup(launch, tmp_path):
    log = tmp_path / "queries"
    server = launch("--workers", 1, "--query-log", f"file:{log}")
    ask(server, NAME)
    lines_of(log, 1)
    log.rename(tmp_path / "queries.1")
    server.signal(signal.SIGHUP)
    ask(server, NAME)
    assert [line[5] for line in lines_of(log, 1)] == ["hit"]


def test_one_in_n_queries_is_logged(launch, tmp_path):
    config = tmp_path / "config.yaml"
    log = tmp_path / "queries"
    config.write_text(f"query-log: file:{log}\nquery-log-sample: 10\n")
    server = launch("--config", config)
    for _ in range(300):
        ask(server, NAME)
    assert server.terminate() == 0
    assert 5 <= len(log.read_text().splitlines()) <= 80


def read_dnstap(path):
    """What BIND's reader sees: one line a message."""
    read = subprocess.run(["dnstap-read", path], capture_output=True, text=True, timeout=30,
                          check=False)
    return read.stdout.splitlines()


def assert_tells_a_miss_and_a_hit(lines):
    assert [line.split()[2] for line in lines] == ["CQ", "CR", "CQ", "CR"], lines
    assert [line.split()[6] for line in lines] == ["UDP", "UDP", "TCP", "TCP"], lines
    assert all("127.0.0.1:" in line and "once.fresh.lab.example/IN/A" in line for line in lines)


def test_dnstap_file_is_read_by_dnstap_read(launch, tmp_path):
    tap = tmp_path / "tap"
    server = launch("--workers", 1, "--query-log", f"dnstap:{tap}")
    ask(server, NAME)
    ask(server, NAME, transport="tcp")
    assert server.terminate() == 0
    assert_tells_a_miss_and_a_hit(read_dnstap(tap))


def configured(tmp_path, lines):
    config = tmp_path / "config.yaml"
    config.write_text(lines)
    return config


def test_messages_of_upstream_servers_are_forwarder_messages(launch, tmp_path):
    tap = tmp_path / "tap"
    config = configured(tmp_path, f"query-log: dnstap:{tap}\nquery-log-upstream: on\n")
    server = launch("--workers", 1, "--config", config)
    ask(server, NAME)
    ask(server, NAME)
    assert server.terminate() == 0
    lines = read_dnstap(tap)
    kinds = [line.split()[2] for line in lines]
    # A provider that is late gets the query again, or another provider does.
    assert kinds[:2] == ["CQ", "FQ"] and kinds.index("FR") < kinds.index("CR"), lines
    assert [kind for kind in kinds if kind[0] == "C"] == ["CQ", "CR", "CQ", "CR"], lines
    for line in (line for kind, line in zip(kinds, lines) if kind[0] == "F"):
        assert re.search(r" (->|<-) 127\.0\.0\.\d+:\d+ ", line), line
        assert "once.fresh.lab.example/IN/A" in line


def test_a_forwarder_message_has_the_id_the_times_and_the_zone(launch, lab, tmp_path):
    tap = tmp_path / "tap"
    with PlainProvider(*lab.authority.issue("plain", ["plain.example"]), "options") as provider:
        address = f"127.0.0.1:{provider.classic_port}"
        config = configured(tmp_path, f"query-log: dnstap:{tap}\nquery-log-upstream: on\nzones:\n"
                                      f"  - zone: plain.example\n    upstream: ['udp://{address}']\n")
        server = launch("--workers", 1, "--config", config)
        assert ask(server, "www.plain.example.").answer
        assert server.terminate() == 0
    read = subprocess.run(["dnstap-read", "-y", tap], capture_output=True, text=True, timeout=30,
                          check=False).stdout
    records = [record for record in yaml.safe_load_all(read) if record]
    messages = [record["message"] for record in records]
    # A server that is late gets the query again.
    assert [message["type"] for message in messages][:2] == ["CLIENT_QUERY", "FORWARDER_QUERY"]
    assert messages[-1]["type"] in ("CLIENT_RESPONSE", "FORWARDER_RESPONSE")
    queries, responses = ([message for message in messages if message["type"] == kind]
                          for kind in ("FORWARDER_QUERY", "FORWARDER_RESPONSE"))
    for message in queries + responses:
        assert message["socket_family"] == "INET" and message["socket_protocol"] == "UDP"
        assert f'{message["response_address"]}:{message["response_port"]}' == address
        assert message["query_zone"] == "plain.example."
    assert all("query_time" in message for message in queries)
    assert responses and all("response_time" in message for message in responses)
    numbers = {message["query_message_data"]["id"] for message in queries}
    assert {message["response_message_data"]["id"] for message in responses} <= numbers
    assert 0 not in numbers


def test_lines_of_text_tell_the_server_of_each_attempt(launch, tmp_path):
    log = tmp_path / "queries"
    config = configured(tmp_path, f"query-log: file:{log}\nquery-log-upstream: on\n")
    server = launch("--workers", 1, "--config", config)
    ask(server, NAME)
    assert server.terminate() == 0
    lines = log.read_text().splitlines()
    replied, = (line for line in lines if " client=" in line)
    # A provider that is late gets the query again, or another provider does.
    sent, *attempts = (line for line in lines if " server=" in line)
    attempt = r"\S+Z server=127\.0\.0\.\d+:\d+ transport=dot name=" + re.escape(NAME) + " type=A"
    assert re.fullmatch(attempt, sent)
    assert any(re.fullmatch(attempt + r" rcode=NOERROR us=\d+", line) for line in attempts)
    assert LINE.fullmatch(replied)


def test_each_line_is_a_json_object_if_the_log_is_json(launch, tmp_path):
    log = tmp_path / "queries"
    config = configured(tmp_path, f"log-format: json\nquery-log: file:{log}\n"
                                  "query-log-upstream: on\n")
    server = launch("--workers", 1, "--config", config)
    ask(server, NAME)
    ask(server, "missing.test.", transport="tcp")
    assert server.terminate() == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    events = [line["event"] for line in lines]
    # A provider that is late gets the query again, or another provider does.
    assert set(events) == {"upstream-query", "upstream-response", "reply"}
    assert events[0] == "upstream-query" and events.index("upstream-response") < events.index("reply")
    miss, local = (line for line in lines if line["event"] == "reply")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", miss.pop("time"))
    assert miss.pop("client").startswith("127.0.0.1:") and miss.pop("us") > 0
    assert miss == {"event": "reply", "transport": "udp", "name": NAME, "type": "A",
                    "rcode": "NOERROR", "source": "miss"}
    assert (local["transport"], local["rcode"], local["source"]) == ("tcp", "NXDOMAIN", "local")
    assert all(line["server"].startswith("127.0.0.") for line in lines
               if line["event"] != "reply")


def capture_a_miss_and_a_hit(launch, folder):
    """Returns what BIND's reader sees of a captured stream."""
    socket, tap = folder / "socket", folder / "tap"
    with subprocess.Popen(["fstrm_capture", "-t", "protobuf:dnstap.Dnstap", "-u", socket,
                           "-w", tap], stderr=subprocess.DEVNULL) as capture:
        try:
            wait_for(socket.exists, "fstrm_capture does not listen")
            server = launch("--workers", 1, "--query-log", f"dnstap:unix:{socket}")
            ask(server, NAME)
            ask(server, NAME, transport="tcp")
            assert server.terminate() == 0
        finally:
            capture.terminate()
            capture.wait()
    return read_dnstap(tap)


def test_dnstap_socket_is_read_by_fstrm_capture(launch, tmp_path):
    captures = []

    def is_captured():
        folder = tmp_path / str(len(captures))
        folder.mkdir()
        captures.append(capture_a_miss_and_a_hit(launch, folder))
        return len(captures[-1]) >= 4

    # A reader that gets no processor for half a second loses records.
    wait_for(is_captured, lambda: f"records were lost each time: {captures}")
    assert_tells_a_miss_and_a_hit(captures[-1])


def test_a_reader_that_is_not_there_costs_records_only(launch, tmp_path):
    server = launch("--workers", 1, "--query-log", f"dnstap:unix:{tmp_path}/none")
    assert ask(server, NAME).answer
    wait_for(lambda: server.metric("dotcache_query_log_drops_total") == 2, "not counted")
    assert server.log_text().count("query log not written") == 1


@pytest.mark.parametrize("value, cause", [
    ("syslog", "query-log"),
    ("file:", "query-log"),
    ("dnstap:unix:", "query-log"),
    ("file:/none/log", "/none/log"),
])
def test_a_wrong_target_is_an_error(value, cause):
    checked = run("serve", "--listen", "127.0.0.1:0", "--admin", "off", "--query-log", value)
    assert checked.returncode != 0 and cause in checked.stderr


def test_dnstap_needs_plain_names_and_clients(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("query-log: dnstap:/tmp/tap\nquery-log-names: hashed\n"
                      "query-log-clients: truncated\n")
    checked = run("check", "--config", config)
    assert checked.returncode == 1
    assert "query-log-names" in checked.stderr and "query-log-clients" in checked.stderr
