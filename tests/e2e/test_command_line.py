# SPDX-License-Identifier: Apache-2.0
"""The command line, the environment and the configuration file, and their error messages."""

import os
import re
import socket
import subprocess

import dns.query
import pytest

from ask import ADDRESS, ask, flags, query
from dotcache import BINARY, ROOT, Dotcache, clean_environment, run
from lab.lab import free_port


@pytest.fixture
def write_config(tmp_path):
    def write(text):
        path = tmp_path / "dotcache.yaml"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["check", "--help"],
                                       ["ctl", "--help"], ["version", "--help"]])
def test_every_command_has_help(arguments):
    done = run(*arguments)
    assert done.returncode == 0 and "Usage" in done.stdout and not done.stderr


def test_help_of_serve_names_every_setting_with_its_default():
    text = run("serve", "--help").stdout
    rows = re.findall(r"^\| `([a-z-]+)` \| (all|YAML) \| (.*?) \|",
                      (ROOT / "docs/configuration.md").read_text(), re.M)
    assert len(rows) > 40
    for key, source, default in rows:
        line = f"  --{key} " if source == "all" else f"  {key}: "
        lines = [each for each in text.splitlines() if each.startswith(line)]
        assert len(lines) == 1 and f"[{default}]" in lines[0], key


@pytest.mark.parametrize("argument", ["version", "--version"])
def test_version(argument):
    done = run(argument)
    assert done.returncode == 0 and done.stdout.startswith("dotcache ")


@pytest.mark.parametrize("arguments", [[], ["sevre"], ["serve", "--lisen", "127.0.0.1:5300"],
                                       ["serve", "stray"]])
def test_an_invalid_command_line_fails_and_starts_nothing(arguments):
    done = run(*arguments)
    assert done.returncode != 0 and done.stderr


def test_check_accepts_the_configuration_that_check_prints(write_config):
    port = free_port()
    path = write_config(f"listen: ['127.0.0.1:{port}']\nadmin: 'off'\nupstream: [quad9]\n")
    done = run("check", "--config", path)
    assert done.returncode == 0, done.stderr
    assert f"127.0.0.1:{port}" in done.stdout and "dns.quad9.net" in done.stdout
    again = run("check", "--config", write_config(done.stdout))
    assert again.returncode == 0, again.stderr
    # Comments name the presets of the providers. The second output has no presets.
    assert re.sub(" *#.*", "", again.stdout) == re.sub(" *#.*", "", done.stdout)


def test_flags_override_environment_file_and_defaults(write_config):
    ports = {name: free_port() for name in ("file", "environment", "flag")}
    path = write_config(f"listen: ['127.0.0.1:{ports['file']}']\npolicy: random\nworkers: 3\n"
                        "admin: 'off'\n")
    env = {"DOTCACHE_LISTEN": f"127.0.0.1:{ports['environment']}", "DOTCACHE_WORKERS": "2"}
    effective = run("check", "--config", path, "--listen", f"127.0.0.1:{ports['flag']}",
                    env=env).stdout
    assert str(ports["flag"]) in effective
    assert str(ports["environment"]) not in effective and str(ports["file"]) not in effective
    assert "workers: 2" in effective and "policy: random" in effective
    effective = run("check", "--config", path, env=env).stdout
    assert str(ports["environment"]) in effective and str(ports["file"]) not in effective


@pytest.mark.parametrize("text, line, words", [
    ("listn: ['127.0.0.1:5300']\n", 1, ["listn", "listen"]),
    ("policy: balanced\nworkers: many\n", 2, ["workers"]),
    ("workers: 0\n", 1, ["workers", "1"]),
    ("policy: fast\n", 1, ["policy", "fastest"]),
    ("cache-size: 12 parsecs\n", 1, ["cache-size"]),
    ("upstream: ['tls://127.0.0.1:853#']\n", 1, ["upstream"]),
    ("upstream: ['tls://127.0.0.1:853#not a name']\n", 1, ["upstream"]),
    ("upstream: [clodflare]\n", 1, ["clodflare", "cloudflare"]),
    ("upstream: ['tls://dns.example:853']\n", 1, ["upstream"]),
    ("listen: ['127.0.0.1:99999']\n", 1, ["listen"]),
    ("listen: ['tls://127.0.0.1:5853']\n", 1, ["listen-cert"]),
    ("local-zones: perhaps\n", 1, ["local-zones", "on"]),
    ("log-level: loud\n", 1, ["log-level", "debug"]),
    ("policy: [balanced\n", None, []),
])
def test_an_error_names_file_line_key_and_remedy(write_config, text, line, words):
    path = write_config(text)
    done = run("check", "--config", path, "--admin", "off")
    assert done.returncode == 1
    where = f"{path}:{line}:" if line else f"{path}:"
    assert where in done.stderr, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def test_check_prints_every_error(write_config):
    path = write_config("workers: 0\npolicy: fast\nlistn: x\n")
    lines = run("check", "--config", path).stderr.splitlines()
    assert len([line for line in lines if line.startswith(f"{path}:")]) == 3, lines


def test_a_missing_file_is_named(tmp_path):
    done = run("check", "--config", tmp_path / "none.yaml")
    assert done.returncode == 1 and str(tmp_path / "none.yaml") in done.stderr


def test_a_port_in_use_is_an_error_and_nothing_is_served():
    with socket.socket() as taken:
        taken.bind((ADDRESS, 0))
        taken.listen()
        port = taken.getsockname()[1]
        for command in (["check", "--bind"], ["serve"]):
            done = run(*command, "--listen", f"{ADDRESS}:{port}", "--admin", "off")
            assert done.returncode == 1 and f"{ADDRESS}:{port}" in done.stderr
        assert run("check", "--listen", f"{ADDRESS}:{port}", "--admin", "off").returncode == 0


def test_an_unknown_variable_is_an_error():
    done = run("check", env={"DOTCACHE_CACHE_SIZ": "1MiB"})
    assert done.returncode == 1 and "did you mean DOTCACHE_CACHE_SIZE?" in done.stderr
    done = run("check", env={"DOTCACHE_SERVICE_HOST": "10.0.0.1"})
    assert done.returncode == 0 and "warning: DOTCACHE_SERVICE_HOST" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to drop privileges")
def test_without_permission_for_port_53_the_error_names_the_remedy():
    floor = open("/proc/sys/net/ipv4/ip_unprivileged_port_start").read()
    if int(floor) <= 53:
        pytest.skip("any user may bind port 53 on this machine")
    with open(BINARY, "rb") as program:  # The program may be readable by root only.
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
             f"/proc/self/fd/{program.fileno()}", "serve", "--listen", "127.0.0.1:53", "--admin",
             "off"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10,
            env=clean_environment(), pass_fds=[program.fileno()])
    assert done.returncode == 1
    assert "127.0.0.1:53" in done.stderr and "CAP_NET_BIND_SERVICE" in done.stderr


def test_certificate_and_key_must_match_and_be_readable(lab, tmp_path):
    certificate, key = lab.listener
    other_key = lab.ca_file.with_name("nsd.key")
    listen = ["--listen", f"tls://{ADDRESS}:{free_port()}", "--admin", "off"]
    for cert_file, key_file in ((certificate, other_key), (tmp_path / "none", key),
                                (certificate, tmp_path / "none"), (key, certificate)):
        done = run("serve", *listen, "--listen-cert", cert_file, "--listen-key", key_file)
        assert done.returncode == 1 and done.stderr, (cert_file, key_file)


def test_an_unreadable_trust_store_is_an_error(tmp_path):
    empty = tmp_path / "empty.crt"
    empty.write_text("")
    for ca_file in (tmp_path / "none.crt", empty):
        done = run("serve", "--listen", f"{ADDRESS}:{free_port()}", "--admin", "off",
                   "--upstream", "quad9", "--upstream-ca", ca_file)
        assert done.returncode == 1 and str(ca_file) in done.stderr


def test_an_upstream_that_is_an_own_listener_is_an_error(lab):
    certificate, key = lab.listener
    port = free_port()
    done = run("serve", "--listen", f"tls://{ADDRESS}:{port}", "--listen-cert", certificate,
               "--listen-key", key, "--admin", "off", "--upstream",
               f"tls://{ADDRESS}:{port}#{lab.servers['nsd'].auth_name}")
    assert done.returncode == 1 and f"{ADDRESS}:{port}" in done.stderr


def test_the_environment_can_configure_a_server(lab, tmp_path):
    port, admin_port = free_port(), free_port()
    env = {"DOTCACHE_LISTEN": f"udp://{ADDRESS}:{port},tcp://{ADDRESS}:{port}",
           "DOTCACHE_UPSTREAM": ",".join(provider.upstream for provider in lab.providers),
           "DOTCACHE_UPSTREAM_CA": str(lab.ca_file),
           "DOTCACHE_ADMIN": f"{ADDRESS}:{admin_port}"}
    server = Dotcache(lab, tmp_path / "log", [], arguments=None, env=env)
    server.port, server.admin_port = port, admin_port
    try:
        server.wait_until("/ready")
        for transport in ("udp", "tcp"):
            assert ask(server, "www.lab.example.", transport=transport).answer
    finally:
        server.kill()


def test_a_file_can_configure_a_server_with_private_zones(lab, tmp_path, write_config):
    """One provider for all names, another for signed.example. The first gets no query for that
    zone.
    """
    first, second = lab.servers["nsd"], lab.servers["unbound"]
    port, admin_port = free_port(), free_port()
    path = write_config(f"""\
listen: ["{ADDRESS}:{port}"]
admin: "{ADDRESS}:{admin_port}"
upstream-ca: {lab.ca_file}
upstream:
  - addresses: ["{ADDRESS}:{first.dot_port}"]
    name: {first.auth_name}
zones:
  - zone: signed.example
    upstream:
      - addresses: ["{ADDRESS}:{second.dot_port}"]
        name: {second.auth_name}
""")
    checked = run("check", "--config", path)
    assert checked.returncode == 0, checked.stderr
    server = Dotcache(lab, tmp_path / "log", [], arguments=None,
                      env={"DOTCACHE_CONFIG": str(path)})
    server.port, server.admin_port = port, admin_port
    try:
        server.wait_until("/ready")
        assert ask(server, "www.lab.example.").answer
        assert "AD" in flags(ask(server, "www.signed.example.", do=True))  # unbound validates.
    finally:
        server.kill()


def test_ipv6_listeners_reply_from_the_queried_address(lab, launch):
    try:  # Containers often have IPv6 without an address.
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 on loopback: {error}")
    port = free_port()
    launch("--listen", f"[::]:{port}", "--listen", f"0.0.0.0:{port}")
    for address in ("::1", "127.0.0.1", "127.1.2.3"):
        # dnspython accepts a reply from that address only.
        assert dns.query.udp(query("www.lab.example."), address, 5, port).answer
        assert dns.query.tcp(query("www.lab.example."), address, 5, port).answer


def test_probe_tells_by_its_status_whether_a_server_answers(server, tmp_path):
    address = f"{ADDRESS}:{server.port}"
    done = run("probe", address)
    assert (done.returncode, done.stdout) == (0, f"{address}: NOERROR\n")
    assert run("probe", address, "nothing.lab.example").stdout == f"{address}: NXDOMAIN\n"
    config = tmp_path / "dotcache.yaml"
    config.write_text(f"listen: ['{address}']\n")
    assert run("probe", "--config", config).returncode == 0
    refused = run("probe", f"{ADDRESS}:{free_port()}")
    assert refused.returncode == 1 and "Connection refused" in refused.stderr
    assert run("probe", address, "a..b").returncode == 1
