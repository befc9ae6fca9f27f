# SPDX-License-Identifier: Apache-2.0
"""One real DNS server of the lab: its configuration, its process and its readiness check."""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import signal
import socket
import ssl
import string
import struct
import subprocess
import time

ADDRESS = "127.0.0.1"
TEMPLATES = pathlib.Path(__file__).parent / "templates"
START_SECONDS = 10
STOP_SECONDS = 5
# An ordinary user's PATH may not include these directories.
SEARCH_PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"

# The basic settings of an unbound that a test configures itself.
UNBOUND_BASICS = """
server:
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  num-threads: 1
  module-config: "iterator"
remote-control:
  control-enable: no
"""

# Program, arguments before the configuration file, arguments after it, template of one zone.
KINDS = {
    "unbound": ("unbound", ["-d", "-c"], [], "unbound.zone"),
    "named": ("named", ["-g", "-n", "1", "-c"], [], "named.zone"),
    "nsd": ("nsd", ["-d", "-c"], [], "nsd.zone"),
    "kresd": ("kresd", ["-n", "-c"], ["."], None),
    "origin": ("nsd", ["-d", "-c"], [], "nsd.zone"),
}


class ServerFailed(RuntimeError):
    """A server did not start. Contains the end of its log."""


@dataclasses.dataclass
class LabServer:
    """A server process of the current user, in its own directory and process group."""

    kind: str
    directory: pathlib.Path
    classic_port: int
    dot_port: int = 0  # 0 if there is no DNS over TLS.
    auth_name: str = ""
    pid: int = 0
    address: str = ADDRESS  # Only NSD's template uses it.

    @property
    def upstream(self):
        """The argument for `dotcache serve --upstream`."""
        return f"tls://{self.address}:{self.dot_port}#{self.auth_name}"

    @property
    def log(self):
        return self.directory / "log"

    def configure(self, zones, settings):
        """Writes the configuration. `settings` are the other variables of the template."""
        self.directory.mkdir(parents=True, exist_ok=True)
        settings = dict(settings, dir=self.directory, classic_port=self.classic_port,
                        dot_port=self.dot_port, address=self.address)
        zone_template = KINDS[self.kind][3]
        if zone_template:
            template = string.Template((TEMPLATES / zone_template).read_text())
            settings["zones"] = "\n".join(template.substitute(zone=zone, file=file)
                                          for zone, file in zones.items())
        template = string.Template((TEMPLATES / f"{self.kind}.conf").read_text())
        (self.directory / "server.conf").write_text(template.substitute(settings))

    def start(self):
        """Starts the process. wait_until_ready() reports whether it succeeded."""
        program, before, after, _ = KINDS[self.kind]
        found = shutil.which(program, path=SEARCH_PATH)
        if not found:
            raise ServerFailed(f"{program} is not installed: scripts/install-packages lab")
        # AppArmor confines Debian's named and unbound, by their path, to the directories in /etc
        # and /var. A copy of the program may read its files here. It also identifies our processes.
        copy = self.directory / program
        if not copy.exists():
            shutil.copy(found, copy)
        with open(self.log, "ab") as log:
            process = subprocess.Popen([copy, *before, self.directory / "server.conf", *after],
                                       cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, start_new_session=True)
        self.pid = process.pid
        # Another process may stop the lab, so this one does not wait for the child.
        process.returncode = 0

    def wait_until_ready(self, ca_file, zone="lab.example"):
        """Waits until the server answers for this zone."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                ask_soa(self.classic_port, self.address, zone)
                if self.dot_port:
                    shake_hands(self.dot_port, self.auth_name, ca_file, self.address)
                return
            except OSError as error:
                if not self.running() or time.monotonic() > deadline:
                    tail = self.log.read_text(errors="replace")[-4000:]
                    raise ServerFailed(f"{self.kind} did not start: {error}; its log:\n{tail}") from error
                time.sleep(0.02)

    def running(self):
        """True while the server's process runs. A reused process ID of another program does not
        count.
        """
        try:
            os.waitpid(self.pid, os.WNOHANG)  # Reaps the process if it is our child.
        except (ChildProcessError, OverflowError):
            pass
        try:
            return os.readlink(f"/proc/{self.pid}/exe").startswith(str(self.directory))
        except OSError:
            return False

    def signal(self, number):
        """Sends a signal to the whole process group, because NSD works in child processes."""
        if self.running():
            os.killpg(self.pid, number)

    def stop(self, kill=False):
        self.signal(signal.SIGKILL if kill else signal.SIGTERM)
        self.signal(signal.SIGCONT)
        deadline = time.monotonic() + STOP_SECONDS
        while self.running() or self._processes():
            if time.monotonic() > deadline:
                for pid in self._processes():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        # The kernel closes the sockets of a process after its program is gone from /proc.
        while not self._ports_are_free() and time.monotonic() < deadline:
            time.sleep(0.01)

    def _ports_are_free(self):
        try:
            for port in filter(None, (self.classic_port, self.dot_port)):
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    with socket.socket(socket.AF_INET, kind) as sock:
                        if kind == socket.SOCK_STREAM:  # Not for connections in TIME_WAIT.
                            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                        sock.bind((self.address, port))
        except OSError:
            return False
        return True

    def _processes(self):
        """Returns the processes that run this directory's program. NSD's children outlive their
        parent for a moment and hold its ports.
        """
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.readlink(entry / "exe").startswith(f"{self.directory}/"):
                    found.append(int(entry.name))
        return found


def ask_soa(port, address=ADDRESS, zone="lab.example"):
    """Queries an SOA over UDP. Raises OSError unless the response is NOERROR with an answer."""
    query = struct.pack("!6H", 0x1ab, 0x0100, 1, 0, 0, 0) + (
        b"".join(bytes([len(label)]) + label.encode() for label in zone.split(".")) +
        b"\0\0\6\0\1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
        sock.connect((address, port))
        sock.send(query)
        answer = sock.recv(4096)
    if answer[3] & 0x0f != 0 or answer[6:8] == b"\0\0":
        raise OSError(f"RCODE {answer[3] & 0x0f}")


def shake_hands(port, auth_name, ca_file, address=ADDRESS):
    """Opens a TLS connection like a strict client. Raises OSError if it fails."""
    context = ssl.create_default_context(cafile=ca_file)
    with socket.create_connection((address, port), timeout=1) as sock:
        context.wrap_socket(sock, server_hostname=auth_name).close()
