# SPDX-License-Identifier: Apache-2.0
"""The commands, configurations, flags, metrics and links in README.md and docs/ work."""

import os
import pathlib
import re
import subprocess

import pytest
from dotcache import ADDRESS, ROOT, run

DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md"),
                    *ROOT.glob("*/README.md"), *ROOT.glob("deploy/*/README.md")])
# Flags of other programs in the documents.
FOREIGN_FLAGS = {
    "--all", "--functions", "--data-urlencode",
    "--network", "--cap-add", "--cap-drop", "--read-only", "--name", "--rm", "--label", "--show",
    "--user", "--publish", "--env", "--volume", "--namespace", "--selector", "--build-arg",
    "--no-pager", "--now", "--cluster-dns", "--offline", "--benchmark_filter", "--preset",
    "--target", "--net", "--detach", "--health-cmd", "--no-healthcheck", "--cpus", "--cpuset-cpus",
    "--memory", "--install", "--ipv", "--userland-proxy",
}


def blocks(document, language):
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text(), re.M | re.S)


def cases(language):
    return [pytest.param(text, id=f"{document.relative_to(ROOT)}:{number}")
            for document in DOCUMENTS for number, text in enumerate(blocks(document, language), 1)]


def words(pattern):
    """Returns the matches of `pattern` in all documents, each with the documents that contain it.
    """
    found = {}
    for document in DOCUMENTS:
        for word in re.findall(pattern, document.read_text()):
            found.setdefault(word, set()).add(str(document.relative_to(ROOT)))
    return found


@pytest.fixture(scope="module")
def help_text():
    ctl = run("ctl", "--help").stdout
    below = re.findall(r"^  ([a-z-]+) ", ctl[ctl.index("Subcommands:"):], re.M)
    assert {"flush", "watch"} <= set(below)
    commands = (["serve"], ["check"], ["probe"], *(["ctl", name] for name in below))
    return ctl + "".join(run(*command, "--help").stdout for command in commands)


def test_the_two_commands_exist_and_parse():
    text = "".join(blocks(ROOT / "README.md", "sh"))
    for command in ("./run", "./test"):
        assert re.search(rf"^{re.escape(command)}\b", text, re.M)
        assert os.access(ROOT / command, os.X_OK)
        subprocess.run(["bash", "-n", ROOT / command], check=True)


def test_the_dig_commands_get_a_reply(server):
    lines = [line for text in blocks(ROOT / "README.md", "sh")
             for line in text.splitlines() if line.startswith("dig ")]
    assert lines
    for line in lines:
        command = line.split("#")[0].replace("5300", str(server.port)).split()
        reply = subprocess.run(command + ["+tries=1"], capture_output=True, text=True, timeout=20)
        assert reply.returncode == 0 and "->>HEADER<<-" in reply.stdout, reply.stdout
        if "lab.example" in line:
            assert "status: NOERROR" in reply.stdout and "ANSWER SECTION" in reply.stdout


@pytest.mark.parametrize("text", cases("yaml"))
def test_configurations_are_accepted(text, lab, tmp_path):
    # Files and addresses that only the reader has are replaced by those of the lab.
    certificate, key = lab.listener
    secret = tmp_path / "cookie.secret"
    secret.write_text("00112233445566778899aabbccddeeff\n")
    pins = tmp_path / "provider.pins"
    pins.write_text("sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")
    for pattern, file in ((r"(listen-cert: )\S+", certificate), (r"(listen-key: )\S+", key),
                          (r"(\bca: )[^\s,}]+", lab.ca_file), (r"(upstream-ca: )\S+", lab.ca_file),
                          (r"(cookie-secret-file: )\S+", secret),
                          (r"((?<![\w-])cert: )[^\s,}]+", certificate),
                          (r"((?<![\w-])key: )[^\s,}]+", key),
                          (r"(pins-file: )[^\s,}]+", pins),
                          (r'(, listen: )"[^"]+"', f'"udp://{ADDRESS}:0"'),
                          (r"(upstream-source: )\[.*?\]", ADDRESS), (r"(upstream-mark: )\S+", 0)):
        text = re.sub(pattern, lambda match, to=file: match[1] + str(to), text)
    if not re.search(r"^(listen|upstream|zones|cache-size|workers|admin):", text, re.M):
        pytest.skip("another program's configuration")
    file = tmp_path / "dotcache.yaml"
    file.write_text(text)
    done = run("check", "--config", file, "--listen", f"udp://{ADDRESS}:0", "--admin", "off")
    assert done.returncode == 0, done.stderr


def test_flags_exist(help_text):
    tools = "".join(subprocess.run([ROOT / tool, "--help"], capture_output=True, text=True,
                                   check=True).stdout
                    for tool in ("bench/cost", "tests/faults/run", "tests/faults/soak",
                                 "tests/limits/measure"))
    known = set(re.findall(r"--[a-z][a-z-]*", help_text + tools)) | FOREIGN_FLAGS | {"--lab"}
    unknown = {flag: where for flag, where in words(r"(?<![\w-])--[a-z][a-z_-]+").items()
               if flag not in known}
    assert not unknown


def test_environment_variables_exist(help_text):
    known = set(re.findall(r"DOTCACHE_[A-Z_]+", help_text)) | {"DOTCACHE_BINARY"}
    unknown = {name: where for name, where in words(r"\bDOTCACHE_[A-Z_]+\b").items()
               if name not in known and not (ROOT / "CMakeLists.txt").read_text().count(name)}
    assert not unknown


def test_metrics_exist(server):
    page = server.get("/metrics")[1]
    unknown = {name: where for name, where in words(r"\bdotcache_[a-z_]+(?:_total|_seconds|_bytes|"
                                                   r"_entries|_info|_up|_queries|_connections|"
                                                   r"_in_flight)\b").items()
               if name not in page}
    assert not unknown


def test_relative_links_exist():
    broken = [(str(document.relative_to(ROOT)), target) for document in DOCUMENTS
              for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", document.read_text())
              if not (document.parent / target).exists()]
    assert not broken


def anchors(document):
    """The anchors of a document's headings, made as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_anchors_of_links_exist():
    broken = []
    for document in DOCUMENTS:
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", document.read_text()):
            file = document.parent / target if target else document
            if anchor not in anchors(file):
                broken.append((str(document.relative_to(ROOT)), f"{target}#{anchor}"))
    assert not broken


def test_named_files_exist():
    missing = {}
    for file, where in words(r"`((?:core|cache|net|upstream|server|admin|cmd|tests|deploy|docs|"
                             r"scripts|bench)/[\w./-]+)`").items():
        if not any(pathlib.Path(ROOT, file + end).exists() for end in ("", ".h", ".cc", ".py")):
            missing[file] = where
    assert not missing


def test_named_presets_exist():
    for preset in re.findall(r"`([a-z0-9]+)`", (ROOT / "docs/configuration.md").read_text().split(
            "| text | means |")[1].splitlines()[2]):
        done = run("check", "--upstream", preset, "--listen", f"udp://{ADDRESS}:0", "--admin", "off")
        assert done.returncode == 0, (preset, done.stderr)


def test_one_version_is_named_everywhere():
    version = re.search(r"project\(dotcache VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    released = re.findall(r"^## \[(\d\S*)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert released[0] == version
    images = {(file.name, tag) for file in (ROOT / "deploy/kubernetes").iterdir()
              for tag in re.findall(r"dotcache:(\d[\w.]*)", file.read_text())}
    assert {tag for _, tag in images} == {version}, images
