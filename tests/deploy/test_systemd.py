# SPDX-License-Identifier: Apache-2.0
"""Checks the unit with systemd's own tools."""

import os
import re
import shutil
import subprocess

import pytest

MAX_EXPOSURE = 1.6  # capset() counts, with which dotcache gives up its last capability.
ANALYZE = shutil.which("systemd-analyze")


@pytest.fixture(scope="session")
def unit(source):
    if not ANALYZE:
        pytest.exit("systemd-analyze is not installed", returncode=77)
    return source / "deploy" / "systemd" / "dotcache.service"


@pytest.fixture
def installed(unit, binary, tmp_path):
    """The unit, changed only to start the program in the build directory."""
    path = tmp_path / "dotcache.service"
    path.write_text(unit.read_text(encoding="utf-8").replace("/usr/bin/dotcache", str(binary)),
                    encoding="utf-8")
    return path


def analyze(*arguments):
    made = subprocess.run([ANALYZE, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    return made.returncode, made.stdout + made.stderr


def of_unit(output):
    """Returns the messages about our unit. The machine's own units may have faults too."""
    return [line for line in output.splitlines() if "dotcache" in line]


def test_verify_finds_nothing(installed):
    code, output = analyze("verify", "--man=no", "--recursive-errors=no", str(installed))
    assert code == 0 and not of_unit(output), output


def test_verify_finds_a_misspelt_key(installed):
    installed.write_text(installed.read_text().replace("ProtectHome=", "ProtectHoem="))
    _, output = analyze("verify", "--man=no", "--recursive-errors=no", str(installed))
    assert [line for line in of_unit(output) if "ProtectHoem" in line], output


def test_exposure_is_low(installed):
    _, output = analyze("security", "--offline=true", "--no-pager", str(installed))
    level = re.search(r"Overall exposure level for dotcache.service: ([0-9.]+)", output)
    assert level and float(level[1]) <= MAX_EXPOSURE, output
    print(f"exposure level {level[1]}")


WRITABLE = {"CacheDirectory": "/var/cache", "LogsDirectory": "/var/log"}


def test_every_file_that_the_unit_names_is_in_a_folder_that_the_sandbox_lets_it_write(unit):
    text = unit.read_text(encoding="utf-8")
    assert "ProtectSystem=strict" in text  # Everything else is read-only.
    writable = {f"{WRITABLE[key]}/{name}" for key, name in
                re.findall(r"^(\w+Directory)=(\S+)$", text, re.MULTILINE) if key in WRITABLE}
    files = re.findall(r"DOTCACHE_(?:SNAPSHOT|QUERY_LOG)=(?:file:)?(/[\w/]+)", text)
    assert {os.path.dirname(file) for file in files} == writable == \
        {"/var/cache/dotcache", "/var/log/dotcache"}
    assert re.findall(r"^\w+DirectoryMode=(\d+)$", text, re.MULTILINE) == ["0700", "0700"]


def test_dotcache_accepts_the_sample_settings(source, binary):
    """Every commented line, uncommented, except the file, which is not part of the sample."""
    sample = (source / "deploy/systemd/dotcache.default").read_text(encoding="utf-8")
    settings = dict(line[1:].split("=", 1) for line in sample.splitlines()
                    if re.match(r"#DOTCACHE_", line))
    assert settings.pop("DOTCACHE_CONFIG") == "/etc/dotcache/dotcache.yaml"
    settings.update(DOTCACHE_LISTEN="127.0.0.1:0", DOTCACHE_ADMIN="off")
    made = subprocess.run([binary, "check"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False, env=dict(os.environ, **settings))
    assert made.returncode == 0, made.stderr
