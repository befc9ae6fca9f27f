"""dotcache and its peers in front of the same providers, each as a process."""

import pathlib
import shutil
import socket
import subprocess
import time

AUTH_NAME = "provider.fault.example"
READY_SECONDS = 20


class Subject:
    """A resolver under test. `ports` are the providers'; listens on `port` for UDP."""

    def __init__(self, directory, binary, port, ports, ca_file):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.port, self._log = port, open(self.directory / "log", "wb")
        command = self._configure(binary, ports, ca_file)
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, command)],
                                        stdin=subprocess.DEVNULL, stdout=self._log,
                                        stderr=self._log, cwd=self.directory)
        self._wait_until_bound()

    def _configure(self, binary, ports, ca_file):
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
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                try:
                    probe.bind(("127.0.0.1", self.port))
                except OSError:
                    return
            time.sleep(0.02)
        raise RuntimeError(f"{self.directory}: did not start, see its log")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self._log.close()


class Dotcache(Subject):
    binary = "dotcache"

    def _configure(self, binary, ports, ca_file):
        upstreams = [text for port in ports
                     for text in ("--upstream", f"tls://127.0.0.1:{port}#{AUTH_NAME}")]
        return [binary, "serve", "--listen", f"udp://127.0.0.1:{self.port}", "--upstream-ca",
                ca_file, "--admin", "off", "--workers", "1", *upstreams]


class Unbound(Subject):
    binary = "unbound"

    def _configure(self, binary, ports, ca_file):
        forwards = "\n".join(f"  forward-addr: 127.0.0.1@{port}#{AUTH_NAME}" for port in ports)
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

    def _configure(self, binary, ports, ca_file):
        targets = ", ".join(f"{{'127.0.0.1@{port}', hostname='{AUTH_NAME}', ca_file='{ca_file}'}}"
                            for port in ports)
        return [binary, "-n", "-c", self._write("kresd.conf", f"""
net.listen('127.0.0.1', {self.port}, {{ kind = 'dns' }})
net.ipv6 = false
trust_anchors.remove('.')
policy.add(policy.all(policy.TLS_FORWARD({{{targets}}})))
cache.size = 50 * MB
"""), self.directory]


class Dnsdist(Subject):
    binary = "dnsdist"

    def _configure(self, binary, ports, ca_file):
        servers = "\n".join(
            f"newServer({{address='127.0.0.1:{port}', tls='openssl', subjectName='{AUTH_NAME}', "
            f"caStore='{ca_file}', validateCertificates=true}})" for port in ports)
        return [binary, "--supervised", "--disable-syslog", "-C", self._write("dnsdist.conf", f"""
setLocal('127.0.0.1:{self.port}')
setACL('127.0.0.0/8')
{servers}
""")]


class Stubby(Subject):
    binary = "stubby"

    def _configure(self, binary, ports, ca_file):
        upstreams = "\n".join(f"""  - address_data: 127.0.0.1
    tls_port: {port}
    tls_auth_name: "{AUTH_NAME}\"""" for port in ports)
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


def find_binary(name, dotcache):
    return str(dotcache) if name == "dotcache" else shutil.which(SUBJECTS[name].binary)
