# SPDX-License-Identifier: Apache-2.0
"""The process gets no processor for a time, as on a busy machine."""

import signal
import socket
import time

import clients  # From tests/limits.
from ask import ADDRESS
from dotcache import Dotcache
from lab.lab import PROVIDER_NAME
from waiting import wait_for

# Longer than the query timeout, and than the provider needs for its response.
STOP_SECONDS = 2


def test_a_response_that_arrived_while_the_process_was_stopped_is_used(provider, bare_lab, tmp_path):
    config = tmp_path / "dotcache.yaml"
    config.write_text("query-timeout: 1s\n")
    server = Dotcache(bare_lab, tmp_path / "log",
                      [f"tls://{ADDRESS}:{provider.port}#{PROVIDER_NAME}"],
                      ["--config", config]).wait_until()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((ADDRESS, server.port))
            sock.settimeout(10)
            sock.send(clients.query("slow", 1))
            wait_for(lambda: provider.counts().get("slow"), "the provider has no query")
            server.signal(signal.SIGSTOP)
            time.sleep(STOP_SECONDS)
            server.signal(signal.SIGCONT)
            assert clients.is_answer(sock.recv(4096))
    finally:
        server.kill()
