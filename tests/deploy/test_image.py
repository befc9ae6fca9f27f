# SPDX-License-Identifier: Apache-2.0
"""The image, built from the Dockerfile and run by a real engine (scripts/container-engine run)."""

import io
import json
import os
import shutil
import subprocess
import tarfile
import time
import urllib.request

import pytest
from engine import DOCKER, docker

NAME = "www.lab.example"
START_SECONDS = 20
MAX_IMAGE_BYTES = 40_000_000
# Low ports on an unusual loopback address, because no other program listens on 127.0.0.153.
LOOPBACK = "127.0.0.153"

@pytest.fixture(scope="session")
def files(image):
    """The members of the image's file system by name."""
    container = docker("create", image).stdout.decode().strip()
    archive = docker("export", container).stdout
    docker("rm", container)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: member for member in tar.getmembers()}


@pytest.fixture
def run(image):
    """run(*options): starts a container, which is removed after the test."""
    containers = []

    def run_one(*options, wait=True):
        container = docker("run", "--detach", *options, image).stdout.decode().strip()
        containers.append(container)
        if wait:
            wait_until_ready(container)
        return container

    yield run_one
    for container in containers:
        docker("rm", "--force", container)


def state(container):
    return json.loads(docker("inspect", container).stdout)[0]


def logs(container):
    made = docker("logs", container)
    return made.stdout.decode() + made.stderr.decode()


def address_of(container):
    return state(container)["NetworkSettings"]["IPAddress"] or LOOPBACK


def wait_until_ready(container):
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"http://{address_of(container)}:9153/ready", timeout=1).close()
            return
        except OSError:
            assert state(container)["State"]["Running"], logs(container)
            assert time.monotonic() < deadline, logs(container)
            time.sleep(0.05)


def published(container, port):
    """Returns the loopback port of this machine on which a container's port is published."""
    return int(state(container)["NetworkSettings"]["Ports"][port][0]["HostPort"])


def dig(address, port, *options):
    made = subprocess.run(["dig", f"@{address}", "-p", str(port), "+tries=1", "+time=6", *options,
                           NAME, "A"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    return made.stdout


def environment(upstreams, lab):
    return ["--env", f"DOTCACHE_UPSTREAM={upstreams}", "--env", "DOTCACHE_UPSTREAM_CA=/lab-ca.crt",
            "--volume", f"{lab.ca_file}:/lab-ca.crt:ro"]


def test_contains_only_the_program_its_libraries_and_the_ca_bundle(image, files):
    size = json.loads(docker("image", "inspect", image).stdout)[0]["Size"]
    assert size < MAX_IMAGE_BYTES
    # Empty files belong to the engine: mount points for its /etc/hosts and similar files.
    programs = [name for name, member in files.items()
                if member.size > 0 and member.mode & 0o111 and ".so" not in name]
    assert programs == ["usr/bin/dotcache"]
    assert files["etc/ssl/certs/ca-certificates.crt"].size > 100_000
    assert not [name for name, member in files.items() if member.mode & 0o6000]
    assert "usr/share/doc/libgnutls30/copyright" in files
    assert "var/lib/dpkg/status.d/libgnutls30" in files


def test_runs_as_a_numeric_user_that_is_not_root(image, run, upstreams, lab):
    config = json.loads(docker("image", "inspect", image).stdout)[0]["Config"]
    assert config["User"] == "65532:65532"
    container = run(*environment(upstreams, lab))
    pid = state(container)["State"]["Pid"]
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        lines = dict(line.rstrip().split(":\t", 1) for line in status if ":\t" in line)
    assert lines["Uid"].split() == ["65532"] * 4


def test_answers_on_port_53_with_settings_from_the_environment(run, upstreams, lab):
    container = run(*environment(upstreams, lab), "--publish", "127.0.0.1::53/udp",
                    "--publish", "127.0.0.1::53/tcp")
    over_udp = dig("127.0.0.1", published(container, "53/udp"))
    assert "status: NOERROR" in over_udp and "ANSWER: 0" not in over_udp, over_udp
    over_tcp = dig("127.0.0.1", published(container, "53/tcp"), "+tcp")
    assert "status: NOERROR" in over_tcp and "(TCP)" in over_tcp, over_tcp


def test_the_environment_sets_the_listeners(run, upstreams, lab):
    container = run(*environment(upstreams, lab), "--env", "DOTCACHE_LISTEN=0.0.0.0:5353")
    assert "status: NOERROR" in dig(address_of(container), 5353)
    assert "refused" in dig(address_of(container), 53, "+tcp")


def test_a_mounted_configuration_sets_the_listeners(run, upstreams, lab, tmp_path):
    (tmp_path / "dotcache.yaml").write_text(
        "listen: ['0.0.0.0:5354']\nadmin: '0.0.0.0:9153'\n", encoding="ascii")
    container = run(*environment(upstreams, lab), "--volume",
                    f"{tmp_path}/dotcache.yaml:/etc/dotcache/dotcache.yaml:ro")
    assert "status: NOERROR" in dig(address_of(container), 5354)


def test_trusts_the_ca_bundle_of_the_image_by_default(run, upstreams, lab):
    settings = ["--env", f"DOTCACHE_UPSTREAM={upstreams}"]
    with_public_bundle = run(*settings, wait=False)
    with_lab_as_bundle = run(
        *settings, "--volume", f"{lab.ca_file}:/etc/ssl/certs/ca-certificates.crt:ro")
    assert "status: NOERROR" in dig(address_of(with_lab_as_bundle), 53)
    assert "status: SERVFAIL" in dig(address_of(with_public_bundle), 53)


def test_runs_on_the_host_network_with_a_read_only_root_and_one_capability(run, lab):
    """The host allows low ports to root only, so the file capability is needed."""
    upstreams = ",".join(server.upstream for server in lab.providers)
    container = run(*environment(upstreams, lab), "--network", "host", "--read-only",
                    "--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE",
                    "--env", f"DOTCACHE_LISTEN={LOOPBACK}:53",
                    "--env", f"DOTCACHE_ADMIN={LOOPBACK}:9153")
    assert "status: NOERROR" in dig(LOOPBACK, 53)
    assert "status: NOERROR" in dig(LOOPBACK, 53, "+tcp")
    assert state(container)["State"]["Running"]


def test_starts_with_the_settings_of_kubernetes(image, lab, tmp_path):
    """allowPrivilegeEscalation: false and runAsNonRoot, as containerd hands them to runc."""
    root = tmp_path / "bundle" / "rootfs"
    root.mkdir(parents=True)
    container = docker("create", image).stdout.decode().strip()
    archive = subprocess.Popen([DOCKER, "export", container], stdout=subprocess.PIPE)
    subprocess.run(["tar", "-C", root, "--xattrs", "--xattrs-include=*", "-x"],
                   stdin=archive.stdout, check=True)
    assert archive.wait() == 0
    docker("rm", container)
    # An export has no extended attributes. The engine's own layers have them.
    subprocess.run(["setcap", "cap_net_bind_service=+ep", root / "usr/bin/dotcache"], check=True)
    shutil.copy(lab.ca_file, root / "lab-ca.crt")
    upstreams = ",".join(server.upstream for server in lab.providers)
    capabilities = ["CAP_NET_BIND_SERVICE"]
    (tmp_path / "bundle" / "config.json").write_text(json.dumps({
        "ociVersion": "1.0.2",
        "root": {"path": "rootfs", "readonly": True},
        "process": {
            "user": {"uid": 65532, "gid": 65532}, "cwd": "/", "noNewPrivileges": True,
            "args": ["/usr/bin/dotcache", "serve"],
            "env": [f"DOTCACHE_LISTEN={LOOPBACK}:53", f"DOTCACHE_ADMIN={LOOPBACK}:9153",
                    f"DOTCACHE_UPSTREAM={upstreams}", "DOTCACHE_UPSTREAM_CA=/lab-ca.crt"],
            "capabilities": {"bounding": capabilities, "effective": capabilities,
                             "permitted": capabilities}},
        "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}]},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
    }), encoding="ascii")
    name = f"dotcache-test-{os.getpid()}"
    runc = ["runc", "--root", tmp_path / "state"]
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen([*runc, "run", "--bundle", tmp_path / "bundle", name],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while "status: NOERROR" not in dig(LOOPBACK, 53):
            assert process.poll() is None and time.monotonic() < deadline, (
                (tmp_path / "log").read_text())
            time.sleep(0.05)
    finally:
        subprocess.run([*runc, "kill", name, "TERM"], check=False)
        code = process.wait(timeout=10)
    assert code == 0


def test_stops_with_exit_code_0(run, upstreams, lab):
    container = run(*environment(upstreams, lab))
    assert "status: NOERROR" in dig(address_of(container), 53)
    docker("stop", container)
    assert state(container)["State"]["ExitCode"] == 0
