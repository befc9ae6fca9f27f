# SPDX-License-Identifier: Apache-2.0
"""What the running program may still do: its user, capabilities, system calls and core dumps."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile

import pytest

from ask import ADDRESS, TRANSPORTS, ask
from dotcache import Dotcache, run
from lab.lab import PROVIDER_NAME
from scripted_provider import ScriptedProvider
from waiting import wait_for

NOBODY = 65534
CONFINED = ("--user", "nobody", "--system-call-filter", "on")
DEFAULTS = {"DOTCACHE_USER": None, "DOTCACHE_SYSTEM_CALL_FILTER": None}
NET_ADMIN = 1 << 12
SO_RCVBUFFORCE = 33
BUFFER_BYTES = 4 << 20
UNREADABLE = "the user cannot read these files again"
UNCONFINED = "system calls are not filtered"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give it up")


class OpenFolders:
    """Folders that every user may read. Each run of pytest closes pytest's own to others."""

    def __init__(self, root):
        os.chmod(root, 0o755)
        self._root = root

    def mktemp(self, name):
        path = pathlib.Path(tempfile.mkdtemp(prefix=name, dir=self._root))
        path.chmod(0o755)
        return path


@pytest.fixture(scope="session")
def tmp_path_factory():
    with tempfile.TemporaryDirectory(prefix="dotcache-") as root:
        yield OpenFolders(root)


@pytest.fixture
def tmp_path(tmp_path_factory):
    return tmp_path_factory.mktemp("test")


@pytest.fixture
def start(bare_lab, tmp_path):
    """start(*lines, arguments, **options): a dotcache that gives up what it can."""
    started = []
    with ScriptedProvider(*bare_lab.provider) as provider:
        def start_one(*lines, arguments=CONFINED, **options):
            config = tmp_path / "dotcache.yaml"
            config.write_text("".join(f"{line}\n" for line in lines))
            started.append(Dotcache(bare_lab, tmp_path / "log",
                                    [f"tls://{ADDRESS}:{provider.port}#{PROVIDER_NAME}"],
                                    ["--workers", "2", "--config", config, *arguments],
                                    **options))
            return started[-1].wait_until()

        yield start_one
        for server in started:
            server.kill()


def threads(server):
    """Returns the fields of /proc/PID/status of each thread."""
    return [dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
            for task in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir()]


def check_confined(server, user, capabilities=0):
    for thread in threads(server):
        assert set(thread["Uid"].split()) == {str(user)}
        assert set(thread["Gid"].split()) == {str(user)}
        assert thread["Groups"].split() == []
        for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(thread[kind], 16) & ~capabilities == 0, kind
        assert thread["NoNewPrivs"].strip() == "1"
        if UNCONFINED not in server.log_text():
            assert thread["Seccomp"].strip() == "2"


def check_serves(server, name):
    for transport in TRANSPORTS:
        assert ask(server, f"{transport}.{name}.example.", transport=transport).answer
    assert server.get("/metrics")[0] == 200


def is_dumpable(server):
    return os.stat(f"/proc/{server.process.pid}/environ").st_uid != 0


def test_a_process_of_root_gives_up_everything(start):
    server = start()
    check_confined(server, NOBODY)
    assert "no longer root" in server.log_text()
    check_serves(server, "root")
    assert server.terminate() == 0


def ctl(path, command):
    made = run("ctl", command, "--socket", path)
    assert made.returncode == 0, made.stderr
    return made.stdout


def test_other_users_lose_their_capabilities(start, bare_lab, tmp_path):
    # The user reads these files at its start.
    for path in [bare_lab.ca_file, *bare_lab.listener, tmp_path / "dotcache.yaml"]:
        path = pathlib.Path(path)
        path.touch()
        path.chmod(0o644)
    server = start(prefix=("setpriv", "--reuid", "65533", "--regid", "65533", "--clear-groups",
                           "--inh-caps", "+net_bind_service", "--ambient-caps",
                           "+net_bind_service"))
    check_confined(server, 65533)
    check_serves(server, "user")


def test_a_mark_keeps_its_capability_only(start):
    server = start("upstream-mark: 7")
    check_confined(server, NOBODY, NET_ADMIN)
    assert any(int(thread["CapEff"], 16) & NET_ADMIN for thread in threads(server))
    check_serves(server, "mark")


def test_core_dumps_are_off_unless_allowed(start):
    server = start()
    if UNCONFINED in server.log_text():
        pytest.skip("a build with a sanitizer or for coverage may be dumped")
    assert not is_dumpable(server)
    limits = pathlib.Path(f"/proc/{server.process.pid}/limits").read_text()
    assert "Max core file size        0                    0" in limits
    assert is_dumpable(start("core-dumps: on"))


def test_unreadable_files_are_named(start, bare_lab, tmp_path):
    secret = tmp_path / "private"
    secret.mkdir(mode=0o700)
    key = secret / "listen.key"
    key.write_bytes(pathlib.Path(bare_lab.listener[1]).read_bytes())
    server = start(listener=(bare_lab.listener[0], key))
    assert UNREADABLE in server.log_text()
    assert str(key) in server.log_text()
    check_serves(server, "unreadable")


def test_files_of_a_reload_are_named_too(start, tmp_path):
    hosts, secret = tmp_path / "hosts", tmp_path / "cookie-secret"
    hosts.write_text("10.0.0.1 printer.example\n")
    secret.write_text("00112233445566778899aabbccddeeff\n")
    secret.chmod(0o600)
    tmp_path.chmod(0o700)
    server = start(f"hosts-file: {hosts}", f"cookie-secret-file: {secret}")
    warning = next(line for line in server.log_text().splitlines()
                   if UNREADABLE in line)
    for path in (hosts, secret, tmp_path / "dotcache.yaml"):
        assert str(path) in warning


def test_files_of_root_are_read_with_the_capabilities_of_a_container(start, tmp_path):
    """Engines grant CAP_DAC_OVERRIDE, but not CAP_DAC_READ_SEARCH."""
    hosts, secret = tmp_path / "hosts", tmp_path / "cookie-secret"
    hosts.write_text("192.0.2.1 printer.example\n")
    secret.write_text("00112233445566778899aabbccddeeff\n")
    for path in (hosts, secret):
        path.chmod(0o600)
    server = start(f"hosts-file: {hosts}", f"cookie-secret-file: {secret}",
                   prefix=("setpriv", "--bounding-set", "-dac_read_search"))
    check_confined(server, NOBODY)
    assert ask(server, "printer.example.").answer
    check_serves(server, "container")


def test_files_that_only_root_reaches_do_not_change(start, bare_lab, tmp_path):
    private, ca = tmp_path / "private", tmp_path / "ca.crt"
    private.mkdir(mode=0o700)
    hosts, key = private / "hosts", private / "listen.key"
    hosts.write_text("192.0.2.1 printer.example\n")
    key.write_bytes(pathlib.Path(bare_lab.listener[1]).read_bytes())
    ca.write_bytes(pathlib.Path(bare_lab.ca_file).read_bytes())
    server = start(f"hosts-file: {hosts}", listener=(bare_lab.listener[0], key), ca_file=ca)
    assert UNREADABLE in server.log_text()
    # The second reload of the CA file shows that the first check of all files has ended.
    for count in (1, 2):
        with ca.open("a") as file:
            file.write("\n")
        wait_for(lambda: server.metric("dotcache_credential_reloads_total", result="ok") >= count,
                 "the CA file was not reloaded")
    assert "not reloaded" not in server.log_text()
    assert server.metric("dotcache_credential_reloads_total", result="error") == 0
    assert server.metric("dotcache_config_reloads_total", result="error") == 0
    assert server.metric("dotcache_config_last_reload_successful") == 1
    assert ask(server, "printer.example.").answer


@pytest.mark.parametrize("user, error", [
    ("nosuchuser", 'there is no user "nosuchuser"'),
    ("00", '"00" is another name of root'),
    ("4294967295", "4294967295 is no user"),
])
def test_a_wrong_user_is_an_error(bare_lab, tmp_path, user, error):
    config = tmp_path / "dotcache.yaml"
    config.write_text(f'admin: off\nuser: "{user}"\nlisten: ["{ADDRESS}:0"]\n')
    for command in ("check", "serve"):
        made = run(command, "--config", config, "--upstream-ca", bare_lab.ca_file,
                   env={"DOTCACHE_USER": None})
        assert made.returncode == 1
        assert f"{config}:2: user: {error}" in made.stderr


def test_a_user_that_cannot_be_taken_ends_the_start(bare_lab):
    made = run("serve", "--user", "nobody", "--listen", f"{ADDRESS}:0", "--admin", "off",
               "--upstream-ca", bare_lab.ca_file, prefix=("setpriv", "--bounding-set", "-setuid"))
    assert made.returncode == 1
    assert "cannot become the user nobody" in made.stderr
    assert "or write user: root" in made.stderr


def test_udp_buffers_are_enlarged_before_the_drop(start):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        except PermissionError:
            pytest.skip("the tests lack CAP_NET_ADMIN")
    server = start()
    sockets = subprocess.run(["ss", "-uanmH", f"sport = :{server.port}"], check=True,
                             capture_output=True, text=True, timeout=10).stdout
    sizes = [int(size) for size in re.findall(r"skmem:\(r\d+,rb(\d+)", sockets)]
    assert len(sizes) == 2 and min(sizes) >= BUFFER_BYTES


def test_a_confined_process_is_controlled_and_reloaded(start, tmp_path):
    private = tmp_path / "run"
    private.mkdir(mode=0o755)
    path = private / "control.sock"
    server = start(f"control: {path}", arguments=(), env=DEFAULTS)
    check_confined(server, NOBODY)
    assert path.stat().st_uid == 0 and path.stat().st_mode & 0o777 == 0o600
    assert "ready" in ctl(path, "status")
    name = "after.corp.example."
    config = tmp_path / "dotcache.yaml"
    config.write_text(f"control: {path}\nuser: root\ncore-dumps: on\nsystem-call-filter: off\n"
                      f"records: [\"{name} A 192.0.2.7\"]\n")
    server.signal(signal.SIGHUP)
    wait_for(lambda: ask(server, name).answer, "the configuration was not reloaded")
    # Not before the process has logged what the reload left out.
    wait_for(lambda: "settings=user,core-dumps,system-call-filter" in server.log_text(),
             "the settings that need a restart were not named")
    check_confined(server, NOBODY)
    check_serves(server, "reloaded")
    ctl(path, "drain")
    assert server.process.wait(timeout=10) == 0


def test_a_process_of_root_is_confined_by_default(start):
    server = start(arguments=(), env=DEFAULTS)
    check_confined(server, NOBODY)


def test_root_stays_root_without_a_filter_if_configured(start):
    server = start(arguments=("--user", "0", "--system-call-filter", "off"))
    assert {thread["Uid"].split()[0] for thread in threads(server)} == {"0"}
    assert "no longer root" not in server.log_text()
    own = pathlib.Path("/proc/self/status").read_text()
    if "Seccomp:\t0" in own:
        assert {thread["Seccomp"].strip() for thread in threads(server)} == {"0"}
