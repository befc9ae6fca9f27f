# SPDX-License-Identifier: Apache-2.0
"""Socket activation: a service manager holds the sockets, so a restart loses no query."""

import signal
import socket
import threading

import dns.query
import dns.rcode

from ask import ADDRESS, query
from dotcache import run
from lab.lab import free_port
from waiting import wait_for

RESTARTS = 5
# Moves the descriptors to 3 and 4, as systemd does, and names this process as their owner.
AS_SYSTEMD = 'exec 3<&"$UDP_FD" 4<&"$TCP_FD"; export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=dns:dns; exec "$@"'


class Manager:
    """Holds a UDP and a TCP socket for one server after another."""

    def __init__(self, launch):
        self.launch = launch
        self.port, self.dot_port, self.admin_port = (free_port() for _ in range(3))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = socket.socket()
        for each in (self.udp, self.tcp):
            each.bind((ADDRESS, self.port))
            each.set_inheritable(True)
        self.tcp.listen(64)

    def start(self, *arguments):
        fds = (self.udp.fileno(), self.tcp.fileno())
        return self.launch("--workers", 2, *arguments, wait=None, pass_fds=fds,
                           ports=(self.port, self.dot_port, self.admin_port),
                           env={"UDP_FD": str(fds[0]), "TCP_FD": str(fds[1])},
                           prefix=("bash", "-c", AS_SYSTEMD, "bash"))

    def close(self):
        self.udp.close()
        self.tcp.close()


def test_no_query_is_lost_while_the_server_restarts(launch):
    manager = Manager(launch)
    server = manager.start()
    wait_for(lambda: "info ready" in server.log_text(), "the server is not ready")
    lost, answered, stop = [], [0], threading.Event()

    def client(ask):
        while not stop.is_set():
            try:
                reply = ask(query("www.lab.example."), ADDRESS, port=manager.port, timeout=10)
                if reply.rcode() != dns.rcode.NOERROR:
                    lost.append(reply.rcode())
                answered[0] += 1
            except Exception as error:  # Any failure of a client is a lost query.
                lost.append(repr(error))

    threads = [threading.Thread(target=client, args=(dns.query.udp,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(RESTARTS):
        before = answered[0]
        assert server.terminate() == 0
        server = manager.start()
        wait_for(lambda: answered[0] > before + 50, "no query was answered")
    assert dns.query.tcp(query("www.lab.example."), ADDRESS, port=manager.port, timeout=5).answer
    stop.set()
    for thread in threads:
        thread.join()
    assert not lost, f"{len(lost)} of {answered[0]} lost: {lost[:5]}"
    server.signal(signal.SIGTERM)
    server.process.wait(timeout=10)
    manager.close()


def test_a_query_that_arrives_while_no_server_runs_is_answered(launch):
    manager = Manager(launch)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as early:
        early.settimeout(20)
        early.sendto(query("www.lab.example.").to_wire(), (ADDRESS, manager.port))
        stream = socket.create_connection((ADDRESS, manager.port))
        manager.start()
        assert early.recv(4096)
        stream.close()
    manager.close()


def test_a_socket_without_a_listener_is_an_error(launch):
    manager = Manager(launch)
    manager.port = free_port()  # The listener has another port than the sockets.
    server = manager.start()
    assert server.process.wait(timeout=10) == 1
    assert "has no listener; add its address" in server.log_text()
    manager.close()


def test_sockets_of_another_process_are_ignored():
    done = run("check", env={"LISTEN_PID": "1", "LISTEN_FDS": "2"})
    assert done.returncode == 0
