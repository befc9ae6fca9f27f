# SPDX-License-Identifier: Apache-2.0
"""`cmake --install` puts each file where the Filesystem Hierarchy Standard has its place."""

import os
import pathlib
import subprocess

import pytest

INSTALLED = """
bin/dotcache
lib/systemd/system/dotcache.service
share/bash-completion/completions/dotcache
share/doc/dotcache/CHANGELOG.md
share/doc/dotcache/LICENSE
share/doc/dotcache/README.md
share/doc/dotcache/SECURITY.md
share/doc/dotcache/docs/configuration.md
share/doc/dotcache/examples/dotcache.default
share/doc/dotcache/examples/kubernetes/daemonset.yaml
share/fish/vendor_completions.d/dotcache.fish
share/man/man5/dotcache.yaml.5
share/man/man8/dotcache.8
share/zsh/vendor-completions/_dotcache
""".split()


def install(binary, root, prefix):
    """Installs the build of `binary` below `root`, for a system with this prefix."""
    made = subprocess.run(
        ["cmake", "--install", binary.parent, "--prefix", prefix], stdin=subprocess.DEVNULL,
        env=dict(os.environ, DESTDIR=str(root)), capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("prefix", ["/usr", "/usr/local", "/opt/dotcache"])
def test_every_file_has_its_place_below_the_prefix(binary, tmp_path, prefix):
    files = install(binary, tmp_path, prefix)
    assert {f"{prefix[1:]}/{name}" for name in INSTALLED} <= files
    assert all(file.startswith(f"{prefix[1:]}/") for file in files), files


@pytest.mark.parametrize("prefix", ["/usr", "/usr/local"])
def test_the_unit_starts_the_installed_program(binary, tmp_path, prefix):
    install(binary, tmp_path, prefix)
    unit = (tmp_path / prefix[1:] / "lib/systemd/system/dotcache.service").read_text()
    commands = [line.split("=")[1].split()[0] for line in unit.splitlines()
                if line.startswith(("ExecStart=", "ExecStartPre="))]
    assert commands and set(commands) == {f"{prefix}/bin/dotcache"}
    for command in commands:
        assert os.access(pathlib.Path(f"{tmp_path}{command}"), os.X_OK)
