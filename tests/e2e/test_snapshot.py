# SPDX-License-Identifier: Apache-2.0
"""The snapshot of the cache: a restart begins with a warm cache."""

import os
import pathlib
import pwd
import shutil
import signal
import stat
import tempfile

import pytest

from ask import ask
from waiting import wait_for

NAMES = [f"snapshot-{number}.fresh.lab.example." for number in range(200)]


@pytest.fixture
def snapshot(tmp_path):
    return tmp_path / "snapshot"


def fill(server):
    return {name: ask(server, name).answer[0].ttl for name in NAMES}


def assert_all_are_hits(server, ttls):
    hits = server.metric("dotcache_cache_hits_total")
    for name, ttl in ttls.items():
        reply = ask(server, name)
        assert reply.answer and not reply.options, name
        assert 0 < reply.answer[0].ttl <= ttl
    assert server.metric("dotcache_cache_hits_total") == hits + len(ttls)


def test_every_fresh_entry_is_a_hit_after_a_restart_without_upstream(launch, nsd, snapshot):
    first = launch("--snapshot", snapshot, upstreams=[nsd.upstream])
    assert "no snapshot: the cache is empty" in first.log_text()
    ttls = fill(first)
    assert first.terminate() == 0
    assert "snapshot written" in first.log_text()
    assert stat.S_IMODE(snapshot.stat().st_mode) == 0o600
    assert list(snapshot.parent.iterdir()) == [snapshot]
    nsd.stop(kill=True)
    second = launch("--snapshot", snapshot, upstreams=[nsd.upstream], wait="/health")
    assert "snapshot read" in second.log_text()
    assert_all_are_hits(second, ttls)
    assert second.metric("dotcache_upstream_queries_total") == 0


def test_a_killed_process_leaves_the_snapshot_of_the_last_interval(launch, nsd, snapshot):
    first = launch("--snapshot", snapshot, "--snapshot-interval", "1s",
                   upstreams=[nsd.upstream])
    ttls = fill(first)
    written = first.metric("dotcache_snapshots_total", result="ok")
    # The first may have begun before the last name was stored.
    wait_for(lambda: first.metric("dotcache_snapshots_total", result="ok") >= written + 2,
             "no snapshot")
    first.signal(signal.SIGKILL)
    first.process.wait()
    nsd.stop(kill=True)
    second = launch("--snapshot", snapshot, upstreams=[nsd.upstream], wait="/health")
    assert_all_are_hits(second, ttls)


@pytest.mark.parametrize("damage, cause", [
    (lambda octets: octets[:-1], "it is not complete"),
    (lambda octets: octets[:100] + bytes([octets[100] ^ 1]) + octets[101:], "a checksum is wrong"),
    (lambda octets: octets + b"x", "octets follow its end"),
    (lambda octets: b"something else" * 10, "it is no snapshot of dotcache"),
    (lambda octets: octets[:11] + b"\x09" + octets[12:], "its version is 9"),
    (lambda octets: b"", "it is not complete"),
], ids=["cut", "changed", "longer", "foreign", "newer", "empty"])
def test_a_file_that_is_not_whole_is_refused_with_one_line(launch, nsd, snapshot, damage,
                                                           cause):
    first = launch("--snapshot", snapshot, upstreams=[nsd.upstream])
    ask(first, NAMES[0])
    assert first.terminate() == 0
    snapshot.write_bytes(damage(snapshot.read_bytes()))
    second = launch("--snapshot", snapshot, upstreams=[nsd.upstream])
    lines = [line for line in second.log_text().splitlines() if "snapshot" in line]
    assert len(lines) == 1 and "refused" in lines[0] and cause in lines[0], lines
    misses = second.metric("dotcache_cache_misses_total")
    assert ask(second, NAMES[0]).answer
    assert second.metric("dotcache_cache_misses_total") == misses + 1


def test_an_old_snapshot_is_refused(launch, nsd, snapshot, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("snapshot-max-age: 1s\n")
    first = launch("--snapshot", snapshot, upstreams=[nsd.upstream])
    ask(first, NAMES[0])
    assert first.terminate() == 0
    seen = []

    def is_refused():
        server = launch("--snapshot", snapshot, "--config", config, upstreams=[nsd.upstream])
        seen.append(server.log_text())
        server.kill()
        return "s old, and snapshot-max-age is 1 s" in seen[-1]
    wait_for(is_refused, f"never too old: {seen}")


def test_a_provider_that_changed_begins_with_an_empty_cache(launch, lab, snapshot):
    first = launch("--snapshot", snapshot, upstreams=[lab.servers["nsd"].upstream])
    ask(first, NAMES[0])
    assert first.terminate() == 0
    second = launch("--snapshot", snapshot, upstreams=[lab.servers["unbound"].upstream])
    assert "entries=0 expired=0 other_zones=1" in second.log_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_the_user_that_root_becomes_writes_the_snapshot(launch, nsd):
    nobody = pwd.getpwnam("nobody")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dotcache-snapshot-"))
    try:
        folder.chmod(0o755)
        refused = launch("--snapshot", folder / "snapshot", upstreams=[nsd.upstream],
                         env={"DOTCACHE_USER": "nobody"})
        assert "snapshots cannot be written" in refused.log_text()
        assert refused.terminate() == 0
        assert "snapshot not written" in refused.log_text()
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        first = launch("--snapshot", folder / "snapshot", upstreams=[nsd.upstream],
                       env={"DOTCACHE_USER": "nobody"})
        assert "snapshots cannot be written" not in first.log_text()
        ttls = fill(first)
        assert first.terminate() == 0
        assert (folder / "snapshot").stat().st_uid == nobody.pw_uid
        second = launch("--snapshot", folder / "snapshot", upstreams=[nsd.upstream],
                        env={"DOTCACHE_USER": "nobody"})
        assert_all_are_hits(second, ttls)
    finally:
        shutil.rmtree(folder)
