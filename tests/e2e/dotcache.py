# SPDX-License-Identifier: Apache-2.0
"""The program under test as a process."""

import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.error
import urllib.request

from lab.lab import LISTENER_NAME, free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("DOTCACHE_BINARY", ROOT / "build/dev/dotcache"))
START_SECONDS = 20
# Settings of every program under test, unless the environment of the tests has other values. The
# filter ends a program that makes a system call outside the list of cmd/system_calls.cc. As root, a
# program could otherwise not read the files of the tests again.
DEFAULT_VARIABLES = {"DOTCACHE_SYSTEM_CALL_FILTER": "abort", "DOTCACHE_USER": "root"}
KEPT_VARIABLES = ("DOTCACHE_TEST_DELAY", *DEFAULT_VARIABLES)
ADDRESS = "127.0.0.1"


def run(*arguments, env=None, timeout=10, prefix=()):
    """Runs dotcache until it ends. Returns returncode, stdout and stderr."""
    return subprocess.run([*prefix, BINARY, *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=timeout,
                          env=clean_environment(env))


def clean_environment(more=None):
    """Returns the environment without dotcache settings, except those of the test. The value None
    removes a variable."""
    kept = {key: value for key, value in os.environ.items()
            if not key.startswith("DOTCACHE_") or key in KEPT_VARIABLES}
    variables = DEFAULT_VARIABLES | kept | (more or {})
    return {key: value for key, value in variables.items() if value is not None}


class Dotcache:
    """A `dotcache serve` with UDP, TCP, DoT and admin listeners on free ports."""

    def __init__(self, lab, log, upstreams, arguments=(), ca_file=None, env=None,
                 listener=None, loop_check="off", prefix=(), ports=None,
                 pass_fds=()):
        self.auth_name = LISTENER_NAME
        self.ca_file = lab.ca_file
        self.port, self.dot_port, self.admin_port = ports or [free_port() for _ in range(3)]
        certificate, key = listener or lab.listener
        self.command = [
            str(BINARY), "serve", "--listen", f"{ADDRESS}:{self.port}",
            "--listen", f"tls://{ADDRESS}:{self.dot_port}",
            "--listen-cert", str(certificate), "--listen-key", str(key),
            "--admin", f"{ADDRESS}:{self.admin_port}",
            "--upstream-ca", str(ca_file or lab.ca_file),
            "--loop-check", loop_check]  # Counting providers would count the probes.
        if not any("handshakes-per-second" in str(one) for one in arguments or ()):
            self.command += ["--handshakes-per-second", "0"]  # All clients have one address.
        for upstream in upstreams:
            self.command += ["--upstream", upstream]
        if arguments is None:  # The environment has all settings.
            self.command = self.command[:2]
        else:
            self.command += map(str, arguments)
        self.log = pathlib.Path(log)
        with open(self.log, "wb") as output:
            # The process ends with the test that started it, for any reason.
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *prefix,
                                             *self.command],
                                            stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, env=clean_environment(env),
                                            pass_fds=pass_fds)

    def wait_until(self, path="/ready"):
        """Waits until this page of the admin address returns 200."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if self.get(path)[0] == 200:
                    return self
            except OSError:
                pass
            code = self.process.poll()
            assert code is None, f"dotcache ended with {code}:\n{self.log_text()}"
            assert time.monotonic() < deadline, f"{path} did not become 200:\n{self.log_text()}"
            time.sleep(0.02)

    def get(self, path):
        """Returns (status, body) of a page of the admin address."""
        try:
            with urllib.request.urlopen(f"http://{ADDRESS}:{self.admin_port}{path}",
                                        timeout=5) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def upstream(self, address, **labels):
        """Returns the state of the upstream server with this address, as /status.json shows it."""
        return next(server for server in json.loads(self.get("/status.json")[1])["servers"]
                    if server["address"] == address and labels.items() <= server.items())

    def metric(self, name, **labels):
        """Returns the sum of the samples of a metric that have these labels."""
        total = 0.0
        for line in self.get("/metrics")[1].splitlines():
            sample, _, value = line.rpartition(" ")
            if sample.split("{")[0] == name and all(f'{label}="{text}"' in sample
                                                    for label, text in labels.items()):
                total += float(value)
        return total

    def log_text(self):
        return self.log.read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def terminate(self):
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(timeout=10)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
