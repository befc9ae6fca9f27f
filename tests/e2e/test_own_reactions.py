# SPDX-License-Identifier: Apache-2.0
"""DNS cookies, NSID, CHAOS names and ANY, as configured."""

import socket
import struct

import dns.edns
import dns.message
import pytest

from ask import ADDRESS, TRANSPORTS, ask, flags, query, send
from dotcache import Dotcache, run
from lab.lab import PROVIDER_NAME
from scripted_provider import ScriptedProvider
from strict_message import parse

COOKIE, NSID = 10, 3
CLIENT_COOKIE = b"\x24\x64\xc4\xab\xcf\x10\xc9\x57"
SECRET, OLDER_SECRET = "445536bcd2513298075a5d379663c962", "dd3bdf9344b678b185a6f5cb60fca715"
BADCOOKIE = 23


@pytest.fixture(scope="module")
def start(bare_lab, tmp_path_factory):
    """start(yaml): starts a dotcache with this configuration and its own provider."""
    directory = tmp_path_factory.mktemp("own")
    started = []
    with ScriptedProvider(*bare_lab.provider) as provider:
        def start_one(yaml=""):
            config = directory / f"{len(started)}.yaml"
            config.write_text(yaml)
            started.append(Dotcache(bare_lab, directory / f"{len(started)}.log",
                                    [f"tls://{ADDRESS}:{provider.port}#{PROVIDER_NAME}"],
                                    ["--config", config]))
            started[-1].provider = provider
            return started[-1].wait_until()

        yield start_one
        for server in started:
            server.kill()


@pytest.fixture(scope="module")
def secret_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("secret") / "cookie.secret"
    file.write_text(f"# of two instances\n{SECRET}\n{OLDER_SECRET}\n")
    return file


def with_cookie(name, cookie=CLIENT_COOKIE, rr_type="A", **more):
    return query(name, rr_type, options=[dns.edns.GenericOption(COOKIE, cookie)], **more)


def option_of(response, code):
    """Returns the data of the option, read from the octets, or None."""
    options = dict(parse(response.wire if hasattr(response, "wire") else
                         response.to_wire()).opt.options)
    return options.get(code)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_reply_to_a_cookie_has_a_server_cookie(start, transport):
    server = start()
    learned = None
    for name in ("fresh.example.", "fresh.example.", "localhost."):
        response = send(server, with_cookie(name), transport)
        cookie = option_of(response, COOKIE)
        assert len(cookie) == 24 and cookie[:8] == CLIENT_COOKIE and cookie[8:12] == b"\1\0\0\0"
        again = option_of(send(server, with_cookie(name, learned or cookie), transport), COOKIE)
        assert again == (learned or cookie)
        learned = learned or cookie
    assert option_of(send(server, query("fresh.example."), transport), COOKIE) is None


def test_required_cookies_over_udp(start, secret_file):
    server = start(f"cookies: required\ncookie-secret-file: {secret_file}\n")
    asked = len(server.provider.questions)
    response = send(server, with_cookie("required.example."))
    assert response.rcode() == BADCOOKIE and not response.answer
    bare = ask(server, "required.example.")
    assert "TC" in flags(bare) and not bare.answer
    assert len(server.provider.questions) == asked
    cookie = option_of(response, COOKIE)
    assert send(server, with_cookie("required.example.", cookie)).answer
    for transport in ("tcp", "dot"):
        assert ask(server, "required.example.", transport=transport).answer
        assert send(server, with_cookie("required.example."), transport).answer
    assert server.metric("dotcache_rejected_queries_total", reason="bad_cookie") == 1
    assert server.metric("dotcache_rejected_queries_total", reason="no_cookie") == 1
    assert server.metric("dotcache_responses_total", rcode="BADCOOKIE") == 1


def test_instances_accept_each_others_cookies_with_one_secret(start, secret_file):
    configuration = f"cookies: required\ncookie-secret-file: {secret_file}\n"
    first, second = start(configuration), start(configuration)
    cookie = option_of(send(first, with_cookie("agreed.example.")), COOKIE)
    assert send(second, with_cookie("agreed.example.", cookie)).answer


def test_the_previous_secret_is_still_accepted(start, tmp_path):
    old, rolled = tmp_path / "old", tmp_path / "rolled"
    old.write_text(OLDER_SECRET)
    rolled.write_text(f"{SECRET}\n{OLDER_SECRET}\n")
    before = start(f"cookies: required\ncookie-secret-file: {old}\n")
    after = start(f"cookies: required\ncookie-secret-file: {rolled}\n")
    cookie = option_of(send(before, with_cookie("rolled.example.")), COOKIE)
    response = send(after, with_cookie("rolled.example.", cookie))
    assert response.answer
    renewed = option_of(response, COOKIE)
    assert send(after, with_cookie("rolled.example.", renewed)).answer
    assert send(before, with_cookie("rolled.example.", renewed)).rcode() == BADCOOKIE


def test_a_cookie_is_valid_for_one_address(start):
    server = start("cookies: required\n")
    cookie = option_of(send(server, with_cookie("address.example.")), COOKIE)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.bind(("127.0.0.2", 0))
        elsewhere.settimeout(5)
        elsewhere.sendto(with_cookie("address.example.", cookie).to_wire(), (ADDRESS, server.port))
        assert parse(elsewhere.recv(4096)).rcode == BADCOOKIE


def test_a_query_with_only_a_cookie(start):
    server = start()
    probe = struct.pack("!6H", 7, 0, 0, 0, 0, 1) + b"\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x0a\0\x08"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.connect((ADDRESS, server.port))
        sock.send(probe + CLIENT_COOKIE)
        reply = parse(sock.recv(4096))
        assert reply.rcode == 0 and reply.question == b""
        [(code, cookie)] = reply.opt.options
        assert code == COOKIE and len(cookie) == 24
        wrong = cookie[:-1] + bytes([cookie[-1] ^ 1])
        sock.send(probe[:-5] + b"\x1c\0\x0a\0\x18" + wrong)
        assert parse(sock.recv(4096)).rcode == BADCOOKIE


def test_cookies_can_be_disabled(start):
    server = start("cookies: off\n")
    response = send(server, with_cookie("off.example."))
    assert response.answer and option_of(response, COOKIE) is None


def test_the_secret_is_never_shown(start, secret_file):
    server = start(f"cookie-secret-file: {secret_file}\n")
    config = server.command[server.command.index("--config") + 1]
    shown = run("check", "--config", config, "--listen", f"{ADDRESS}:0", "--admin", "off",
                "--upstream-ca", server.ca_file)
    assert shown.returncode == 0 and str(secret_file) in shown.stdout
    for text in (shown.stdout, shown.stderr, server.log_text(), server.get("/metrics")[1]):
        assert SECRET not in text and OLDER_SECRET not in text


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_nsid_and_chaos_show_the_configured_identity(start, transport):
    named, silent = start("identity: node-7\nversion-text: one\n"), start()
    nsid = [dns.edns.GenericOption(NSID, b"")]
    assert option_of(ask(named, "nsid.example.", transport=transport, options=nsid),
                     NSID) == b"node-7"
    assert option_of(ask(named, "nsid.example.", transport=transport), NSID) is None
    assert option_of(ask(silent, "nsid.example.", transport=transport, options=nsid), NSID) is None
    for name, text in (("id.server.", "node-7"), ("hostname.bind.", "node-7"),
                       ("version.bind.", "one"), ("version.server.", "one")):
        chaos = dns.message.make_query(name, "TXT", "CH")
        assert str(send(named, chaos, transport).answer[0][0]) == f'"{text}"'
        assert send(silent, chaos, transport).rcode() == 5
    other = dns.message.make_query("authors.bind.", "TXT", "CH")
    assert send(named, other, transport).rcode() == 5


def test_any_is_forwarded_once_and_truncated_over_udp(start):
    server = start()
    asked = server.provider.questions
    for payload in (1232, 4096):
        response = ask(server, "big-2000.any.example.", "ANY", payload=payload)
        assert "TC" in flags(response) and not response.answer
    assert len(ask(server, "big-2000.any.example.", "ANY", "tcp").answer) == 2
    assert ask(server, "little.any.example.", "ANY").answer
    assert [question[1] for question in asked if b"\3any" in question[0]] == [255, 255]


def test_any_can_be_answered_locally(start):
    server = start("any: minimal\n")
    response = ask(server, "minimal.example.", "ANY")
    assert [str(rdata) for rdata in response.answer[0]] == ['"RFC8482" ""']
    assert response.answer[0].ttl == 3600
    assert not [name for name, *_ in server.provider.questions if name.startswith(b"\7minimal")]
