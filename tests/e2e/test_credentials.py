# SPDX-License-Identifier: Apache-2.0
"""Client certificates, and certificates, keys, CA files and pins that change while queries flow."""

import base64
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest

from ask import ask, connect
from counting_provider import CountingProvider
from host_providers import HOST, TTL, ZONE, HostProviders
from lab.certificates import CertificateAuthority
from lab.lab import LISTENER_NAME, PROVIDERS, free_port
from lab.servers import LabServer
from scripted_provider import ScriptedProvider
from stream_of_queries import StreamOfQueries
from waiting import wait_for

NAME = "provider.dns.lab.example"
# The providers of a test have its own process, which gets no processor for a while on a busy machine.
# That is not the failure that these tests are about.
PATIENT = ("--upstream-connect-timeout", "20s")


@pytest.fixture(scope="module")
def right(lab):
    return lab.authority.issue("credentials-right", [NAME])


@pytest.fixture(scope="module")
def client(lab):
    return lab.authority.issue("credentials-client", client=True)


@pytest.fixture
def strange_ca(tmp_path):
    return CertificateAuthority(tmp_path / "strange", "nobody's CA")


@pytest.fixture
def host(lab, tmp_path):
    providers = HostProviders(lab, tmp_path / "host")
    yield providers
    providers.stop()


def wait_for_log(server, text, count=1):
    wait_for(lambda: server.log_text().count(text) >= count,
             lambda: f"not {count} times {text!r} in the log:\n{server.log_text()}")


def put(path, *sources):
    """Writes the content of the sources to a file and renames it to this path."""
    fresh = path.with_suffix(".fresh")
    fresh.write_bytes(b"".join(pathlib.Path(source).read_bytes() for source in sources))
    fresh.rename(path)
    return path


def put_text(path, text):
    fresh = path.with_suffix(".fresh")
    fresh.write_text(text)
    fresh.rename(path)
    return path


def pin_of(certificate):
    """Returns the pin `sha256/...` of the certificate's public key, made by OpenSSL."""
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"],
                         capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key,
                         capture_output=True, check=True).stdout
    return "sha256/" + base64.b64encode(hashlib.sha256(der).digest()).decode()


def config(path, *providers, **settings):
    """Writes a configuration file with these servers: (port, name, {key: value})."""
    lines = [f"{key.replace('_', '-')}: {value}" for key, value in settings.items()] + ["upstream:"]
    for port, name, keys in providers:
        lines.append(f"  - addresses: 127.0.0.1:{port}\n    name: {name}")
        lines += [f"    {key}: {value}" for key, value in keys.items()]
    return put_text(path, "\n".join(lines) + "\n")


# Client certificates.

def test_bind_with_required_client_certificates_answers(lab, launch, client, tmp_path):
    named = LabServer("named", tmp_path / "named", free_port(), free_port(), NAME)
    certificate, key = lab.authority.issue("credentials-named", [NAME])
    zone_files = {"lab.example": next((lab.directory / "zones").glob("lab.example*"))}
    named.configure(zone_files, {"cert": certificate, "key": key})
    conf = named.directory / "server.conf"
    conf.write_text(conf.read_text().replace(
        "\ntls lab {", f'\ntls lab {{\n  ca-file "{lab.ca_file}";'))
    named.start()
    try:
        wait_for(lambda: "all zones loaded" in named.log.read_text(), named.log.read_text)
        upstream = {"cert": client[0], "key": client[1]}
        server = launch("--config", config(tmp_path / "with.yaml", (named.dot_port, NAME, upstream)),
                        upstreams=[])
        assert ask(server, "www.lab.example.").answer
        bare = launch("--config", config(tmp_path / "bare.yaml", (named.dot_port, NAME, {})),
                      upstreams=[], wait="/health")
        assert ask(bare, "www.lab.example.").rcode().name == "SERVFAIL"
        wait_for_log(bare, "upstream down")
        assert "asked for a client certificate" in bare.log_text()
    finally:
        named.stop(kill=True)


def test_a_refused_client_certificate_is_logged_and_retried_slowly(lab, launch, right, client,
                                                                     strange_ca, tmp_path):
    stranger = strange_ca.issue("stranger", client=True)
    # asyncio closes the connection without an alert.
    for shown in (None, stranger):
        with CountingProvider(*right, client_ca=lab.ca_file) as provider:
            keys = {"cert": shown[0], "key": shown[1]} if shown else {}
            server = launch("--workers", "1", *PATIENT, "--config",
                            config(tmp_path / "c.yaml", (provider.port, NAME, keys)),
                            upstreams=[], wait="/health")
            began = time.monotonic()
            for number in range(200):
                assert ask(server, f"refused-{number}.lab.example.").rcode().name == "SERVFAIL"
            wait_for_log(server, "upstream down")
            line = next(line for line in server.log_text().splitlines() if "upstream down" in line)
            assert "failure=client-certificate" in line and "client certificate" in line, line
            assert "upstream up" not in server.log_text()
            # One attempt at start, then one each second, as for every server that is down.
            assert provider.connections <= 3 + time.monotonic() - began
            assert provider.queries == 0


def test_no_query_fails_when_ca_and_server_certificate_change(
        lab, launch, right, strange_ca, tmp_path):
    bundle = put(tmp_path / "bundle", lab.ca_file)
    with CountingProvider(*right) as provider:
        server = launch(*PATIENT, upstreams=[f"tls://127.0.0.1:{provider.port}#{NAME}"],
                        ca_file=bundle)
        with StreamOfQueries(server, "rotation") as stream:
            stream.wait_for_answers(30)
            put(bundle, lab.ca_file, strange_ca.certificate)
            wait_for_log(server, "credentials reloaded")
            stream.wait_for_answers(30)
            provider.use_certificate(*strange_ca.issue("new", [NAME]))
            before = provider.connections
            put(bundle, strange_ca.certificate)
            wait_for_log(server, "credentials reloaded", 2)
            wait_for(lambda: provider.connections > before, "no new connection")
            stream.wait_for_answers(100)
        assert not stream.failed, stream.summary() + "\n" + server.log_text()
        assert "upstream down" not in server.log_text()
        assert server.metric("dotcache_upstream_handshakes_total", outcome="failed") == 0


@pytest.mark.parametrize("kind", PROVIDERS)
def test_no_query_fails_when_pins_change(lab, launch, kind, tmp_path):
    provider = lab.servers[kind]
    pin = pin_of(lab.authority.issue(kind)[0])
    pins = put_text(tmp_path / "pins", f"# {kind}\n{pin}\n")
    server = launch("--config", config(
        tmp_path / "c.yaml", (provider.dot_port, provider.auth_name, {"pins-file": pins})),
        upstreams=[])
    with StreamOfQueries(server, f"pins-{kind}") as stream:
        stream.wait_for_answers(30)
        for number in (1, 2, 3):
            full = server.metric("dotcache_upstream_handshakes_total")
            put_text(pins, f"{pin}\n" + "# next\n" * number)
            server.signal(signal.SIGHUP)  # Reloads now instead of within two seconds.
            wait_for_log(server, "credentials reloaded", number)
            wait_for(lambda: server.metric("dotcache_upstream_handshakes_total") > full,
                     "no new connection")
            stream.wait_for_answers(30)
    assert not stream.failed, stream.summary() + "\n" + server.log_text()


def test_broken_files_are_logged_and_not_used(lab, launch, right, tmp_path):
    bundle = put(tmp_path / "bundle", lab.ca_file)
    pins = put_text(tmp_path / "pins", pin_of(right[0]))
    with CountingProvider(*right) as provider:
        server = launch("--workers", "1", "--config", config(
            tmp_path / "c.yaml", (provider.port, NAME, {"pins-file": pins, "ca": bundle})),
            upstreams=[])
        whole = bundle.read_text()
        with StreamOfQueries(server, "broken") as stream:
            stream.wait_for_answers(20)
            for number, (path, text) in enumerate(
                    ((bundle, whole[:-100]), (bundle, ""), (pins, "sha256/half"), (pins, "# none"))):
                good, connections = path.read_text(), provider.connections
                path.write_text(text)  # Written in place.
                server.signal(signal.SIGHUP)  # The files are read at once, not within two seconds.
                wait_for_log(server, "credentials not reloaded", number + 1)
                told = [line for line in server.log_text().splitlines()
                        if "credentials not reloaded" in line]
                assert str(path) in told[-1]
                stream.wait_for_answers(10)
                assert server.metric("dotcache_credential_reloads_total", result="ok") == number
                path.write_text(good)
                server.signal(signal.SIGHUP)
                wait_for_log(server, "credentials reloaded", number + 1)
                wait_for(lambda: provider.connections > connections, "no new connection")
            bundle.unlink()
            wait_for_log(server, "credentials not reloaded", 5)
            stream.wait_for_answers(10)
        assert not stream.failed, stream.summary() + "\n" + server.log_text()


# Credentials of a bootstrap server, which is queried every ten seconds.

def test_a_bootstrap_server_is_used_after_its_ca_changes(lab, launch, host, strange_ca,
                                                                      tmp_path):
    name = f"ns.{ZONE}"
    bundle = put(tmp_path / "bundle", lab.ca_file)
    host.start_provider("127.0.0.2")
    with ScriptedProvider(host.certificate, host.key) as bootstrap:
        bootstrap.address, bootstrap.ttl = socket.inet_aton("127.0.0.2"), TTL
        # The first and the last bootstrap server do not exist and keep their CA. The one between
        # them must get the new CA.
        servers = [(free_port(), lab.ca_file), (bootstrap.port, bundle), (free_port(), lab.ca_file)]
        settings = put_text(tmp_path / "c.yaml", "bootstrap:\n" + "".join(
            f"  - {{addresses: '127.0.0.1:{port}', name: {name}, ca: '{ca}'}}\n"
            for port, ca in servers))
        server = launch("--workers", "1", "--config", settings,
                        upstreams=[f"tls://{HOST}:{host.dot_port}"])
        assert ask(server, "bootstrap-old.fresh.lab.example.").answer, server.log_text()

        bootstrap.use_certificate(*strange_ca.issue("bootstrap", [name]))
        bootstrap.hang_up()
        wait_for(lambda: bootstrap.open == 0, "an old connection is still open")
        queries, connections = bootstrap.queries, bootstrap.connections
        bootstrap.address = socket.inet_aton("127.0.0.3")
        host.start_provider("127.0.0.3")
        host.servers["127.0.0.2"].stop(kill=True)
        wait_for_log(server, "upstream cannot be resolved")
        # The old CA does not match, so resolution fails.
        wait_for(lambda: bootstrap.connections > connections, server.log_text)
        assert bootstrap.queries == queries

        put(bundle, strange_ca.certificate)
        wait_for_log(server, "credentials reloaded")
        wait_for_log(server, f"addresses=127.0.0.3:{host.dot_port}")
        assert bootstrap.queries > queries
        wait_for(lambda: ask(server, "bootstrap-new.fresh.lab.example.").answer, server.log_text)


# The listener's certificate.

def test_a_listener_certificate_renewed_like_in_kubernetes_is_used(lab, launch, tmp_path):
    """file -> ..data/file, ..data -> a directory: the links of the files never change."""
    volume = tmp_path / "volume"

    def update(generation, certificate, key):
        directory = volume / f"..{generation}"
        directory.mkdir(parents=True)
        shutil.copy(certificate, directory / "tls.crt")
        shutil.copy(key, directory / "tls.key")
        (volume / "..data_tmp").symlink_to(directory.name)
        os.rename(volume / "..data_tmp", volume / "..data")

    old = lab.authority.issue("credentials-listener-1", [LISTENER_NAME])
    new = lab.authority.issue("credentials-listener-2", [LISTENER_NAME])
    update(1, *old)
    for name in ("tls.crt", "tls.key"):
        (volume / name).symlink_to(f"..data/{name}")
    server = launch(listener=(volume / "tls.crt", volume / "tls.key"))
    with connect(server, "dot") as before:
        assert shown(before) == der(old[0])
        update(2, *new)
        wait_for_log(server, "credentials reloaded")
        wait_for(lambda: shown(connect(server, "dot")) == der(new[0]), "the old certificate is still used")
        assert ask(server, "www.lab.example.", transport="dot").answer
        before.sendall(b"\0\x0c\0\1\1\0" + bytes(8))  # The old connection still works.
        assert before.recv(2)


def shown(sock):
    return sock.getpeercert(binary_form=True)


def der(certificate):
    text = pathlib.Path(certificate).read_text()
    return ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN CERTIFICATE"):])
