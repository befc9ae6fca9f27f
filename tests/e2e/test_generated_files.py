# SPDX-License-Identifier: Apache-2.0
"""The man pages and completions that the program makes from its command line and its settings."""

import shutil
import subprocess

import pytest

from dotcache import run


def generated(what):
    done = run("generate", what)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("page", ["dotcache.8", "dotcache.yaml.5"])
def test_man_pages_have_no_warnings(page):
    made = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8"], input=generated(page),
                          capture_output=True, text=True, timeout=30)
    assert made.returncode == 0 and not made.stderr, made.stderr


def test_the_page_of_the_settings_has_every_setting():
    made = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou", "-rLL=200n"],
                          input=generated("dotcache.yaml.5"), capture_output=True, text=True)
    listed = {line.split(":")[0].strip() for line in made.stdout.splitlines() if ":" in line}
    check = run("check", "--listen", "127.0.0.1:0", "--admin", "off", "--upstream", "quad9")
    settings = {line.split(":")[0] for line in check.stdout.splitlines()
                if line[:1].isalpha() and ":" in line}
    assert len(settings) > 30 and not settings - listed, settings - listed


def completions(*words):
    """What bash offers for the last of these words."""
    script = (generated("bash") + 'COMP_WORDS=("$@")\nCOMP_CWORD=$(($# - 1))\n_dotcache\n'
              'printf "%s\\n" "${COMPREPLY[@]}"\n')
    made = subprocess.run(["bash", "-c", script, "bash", "dotcache", *words], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=30)
    assert made.returncode == 0 and not made.stderr, made.stderr
    return set(made.stdout.split())


def test_bash_completes_commands_options_and_values():
    assert {"serve", "check", "ctl", "probe"} <= completions("")
    assert "generate" not in completions("")
    assert completions("se") == {"serve"}
    assert {"status", "lookup", "explain", "flush"} <= completions("ctl", "")
    assert {"--subtree", "--type", "--json"} <= completions("ctl", "--json", "flush", "-")
    assert completions("ctl", "log-level", "w") == {"warn"}
    assert completions("serve", "--reuse-p") == {"--reuse-port"}
    assert completions("serve", "--reuse-port", "") == {"on", "off"}
    assert "sticky-hash" in completions("serve", "--policy", "")
    # A value that is no word has no completion, and a command as a value is no command.
    assert completions("serve", "--cache-size", "") == set()


def test_bash_completes_files(tmp_path):
    (tmp_path / "dotcache.yaml").write_text("")
    assert completions("serve", "--config", f"{tmp_path}/dot") == {f"{tmp_path}/dotcache.yaml"}


@pytest.mark.parametrize("shell, option", [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")])
def test_shells_can_read_the_scripts(shell, option, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(generated(shell))
    made = subprocess.run([shell, option, tmp_path / "script"], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=30)
    assert made.returncode == 0 and not made.stderr, made.stderr
