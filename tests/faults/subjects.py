# SPDX-License-Identifier: Apache-2.0
"""dotcache and its peers in front of the same providers, each in its own process."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

AUTH_NAMES = tuple(f"provider-{letter}.fault.example" for letter in "abcdefgh")
READY_SECONDS = 20
EXIT_SECONDS = 10
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


class Subject:
    """A resolver under test. `servers` are pairs of a port and the authentication name of its
    provider. It listens on `port` for UDP and TCP. With `own_clock`, set_clock() sets its time of
    day.
    """

    def __init__(self, directory, binary, port, servers, ca_file, own_clock=False):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.port, self.ca_file = port, ca_file
        self._log = open(self.directory / "log", "wb")
        self.exit_seconds = None  # The time from terminate() to the end.
        self._ending = None
        self._clock = self.directory / "clock"
        self.set_clock("+0")
        command = self._configure(binary, servers, ca_file)
        self.started = time.monotonic()
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, command)],
                                        stdin=subprocess.DEVNULL, stdout=self._log,
                                        stderr=self._log, cwd=self.directory,
                                        env=self._environment(own_clock))
        self._wait_until_bound()

    def _environment(self, own_clock):
        # The tests change limits of the process and files that it reads again.
        environment = os.environ | {"DOTCACHE_USER": "root"}
        if not own_clock:
            return environment
        return environment | {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(self._clock),
                             "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def set_clock(self, offset):
        """Moves the time of day by, for example, +3600 seconds. The monotonic clock is not changed.
        """
        self._clock.write_text(offset + "\n")

    def terminate(self):
        """Sends SIGTERM and later records how long the end took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)

        def wait():
            self.process.wait(EXIT_SECONDS)
            self.exit_seconds = time.monotonic() - began
        self._ending = threading.Thread(target=wait, daemon=True)
        self._ending.start()

    def await_end(self):
        """Waits for the end after terminate()."""
        self._ending.join(EXIT_SECONDS)

    def log_text(self):
        return (self.directory / "log").read_text(errors="replace")

    def _configure(self, binary, servers, ca_file):
        raise NotImplementedError

    def _write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path

    def _wait_until_bound(self):
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if self.udp_sockets():
                return
            time.sleep(0.02)
        raise RuntimeError(f"{self.directory}: did not start; see its log")

    def udp_sockets(self):
        """Returns the kernel's columns for each socket with its port."""
        lines = pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]
        return [columns for columns in map(str.split, lines)
                if columns[1].endswith(f":{self.port:04X}")]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self._log.close()


class Dotcache(Subject):
    binary = "dotcache"

    def _configure(self, binary, servers, ca_file):
        upstreams = [text for port, name in servers
                     for text in ("--upstream", f"tls://127.0.0.1:{port}#{name}")]
        return [binary, "serve", "--listen", f"127.0.0.1:{self.port}", "--upstream-ca",
                ca_file, "--admin", "off", "--workers", "1", *upstreams]


class Unbound(Subject):
    binary = "unbound"

    def _configure(self, binary, servers, ca_file):
        forwards = "\n".join(f"  forward-addr: 127.0.0.1@{port}#{name}" for port, name in servers)
        return [binary, "-d", "-c", self._write("unbound.conf", f"""
server:
  interface: 127.0.0.1@{self.port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  tls-cert-bundle: {ca_file}
  module-config: "iterator"
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  num-threads: 1
  do-ip6: no
forward-zone:
  name: "."
  forward-tls-upstream: yes
{forwards}
remote-control:
  control-enable: no
""")]


class Kresd(Subject):
    binary = "kresd"

    def _configure(self, binary, servers, ca_file):
        targets = ", ".join(f"{{'127.0.0.1@{port}', hostname='{name}', ca_file='{ca_file}'}}"
                            for port, name in servers)
        return [binary, "-n", "-c", self._write("kresd.conf", f"""
net.listen('127.0.0.1', {self.port}, {{ kind = 'dns' }})
net.ipv6 = false
trust_anchors.remove('.')
policy.add(policy.all(policy.TLS_FORWARD({{{targets}}})))
cache.size = 50 * MB
"""), self.directory]


class Dnsdist(Subject):
    binary = "dnsdist"

    def _configure(self, binary, servers, ca_file):
        servers = "\n".join(
            f"newServer({{address='127.0.0.1:{port}', tls='openssl', subjectName='{name}', "
            f"caStore='{ca_file}', validateCertificates=true}})" for port, name in servers)
        return [binary, "--supervised", "--disable-syslog", "-C", self._write("dnsdist.conf", f"""
setLocal('127.0.0.1:{self.port}')
setACL('127.0.0.0/8')
{servers}
""")]


class Stubby(Subject):
    binary = "stubby"

    def _configure(self, binary, servers, ca_file):
        upstreams = "\n".join(f"""  - address_data: 127.0.0.1
    tls_port: {port}
    tls_auth_name: "{name}\"""" for port, name in servers)
        return [binary, "-C", self._write("stubby.yml", f"""
resolution_type: GETDNS_RESOLUTION_STUB
dns_transport_list: [GETDNS_TRANSPORT_TLS]
tls_authentication: GETDNS_AUTHENTICATION_REQUIRED
tls_query_padding_blocksize: 128
tls_ca_file: "{ca_file}"
round_robin_upstreams: 1
idle_timeout: 10000
listen_addresses: [127.0.0.1@{self.port}]
appdata_dir: "{self.directory}"
upstream_recursive_servers:
{upstreams}
""")]


SUBJECTS = {"dotcache": Dotcache, "unbound": Unbound, "kresd": Kresd, "dnsdist": Dnsdist,
            "stubby": Stubby}


VERSION_COMMANDS = {"dotcache": "version", "unbound": "-V", "stubby": "-V"}


def find_binary(name, dotcache):
    return str(dotcache) if name == "dotcache" else shutil.which(SUBJECTS[name].binary)


def version_of(name, binary):
    said = subprocess.run([binary, VERSION_COMMANDS.get(name, "--version")], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True).stdout
    number = re.search(r"\d+\.\d+\.\d+", said)
    return f"{name} {number[0] if number else '?'}"
