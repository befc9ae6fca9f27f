# SPDX-License-Identifier: Apache-2.0
"""For every kind of upstream response: the reply to the client, its time, the number of queries,
and what is cached.

The rows are in response_matrix.py. If RESPONSE_MATRIX_FILE is set, the measurements are written to
that file.
"""

import concurrent.futures
import contextlib
import os
import random
import socket
import time

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

import strict_message
from ask import ADDRESS, frame, read_message
from dotcache import Dotcache
from odd_provider import CASES, POISON, OddProvider
from response_matrix import PROMPT_MS, ROWS, SILENT_MS

AUTH_NAME = "provider.dns.lab.example"
# With JUDGE_TIMES, on a machine that does nothing else, the times are judged. Else they only tell an
# answer that comes at once from one that comes when a client's time is over, after 1.9 s.
JUDGED = "JUDGE_TIMES" in os.environ
SLACK_MS = 150
BEFORE_THE_DEADLINE_MS = 1500
# These rows break connections, which would affect other rows, so each gets its own dotcache.
ALONE = {row.case for row in ROWS if row.silent} | {"close", "rst", "halfmsg", "junkafter"}
TRIES = 4  # A prompt answer is measured again if the machine was busy.


def test_every_case_has_a_row():
    assert {row.case for row in ROWS} == set(CASES) and len(ROWS) == len(CASES)


class Setup:
    """An odd provider, with or without a good one, and dotcaches in front of them."""

    def __init__(self, lab, directory, with_good):
        self.lab, self.directory = lab, directory
        self.stack = contextlib.ExitStack()
        self.odd = self.stack.enter_context(OddProvider(*lab.provider))
        self.good = None
        if with_good:
            self.good = self.stack.enter_context(OddProvider(*lab.provider))
            self.good.odd = False
        self.tag = "pair" if with_good else "one"

    def launch(self, name):
        upstreams = [f"tls://{ADDRESS}:{provider.port}#{AUTH_NAME}"
                     for provider in (self.odd, self.good) if provider]
        config = self.directory / f"{name}.yaml"
        # The rows fix which servers get a query, even for late responses.
        config.write_text("hedge: off\n")
        server = Dotcache(self.lab, self.directory / f"{name}.log", upstreams,
                          ["--config", config, "--workers", 1, "--policy", "sequential"])
        self.stack.callback(server.kill)
        server.wait_until("/ready")
        while server.metric("dotcache_upstream_connections") < len(upstreams):
            time.sleep(0.01)
        return server


def ask_for_octets(server, name, qtype, tcp=False):
    """Returns (octets, milliseconds) of the reply. The octets are None without a reply in six
    seconds.
    """
    query = dns.message.make_query(name, qtype, use_edns=0, payload=1232, id=random.randrange(65536))
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.settimeout(6)
        sock.connect((ADDRESS, server.port))
        began = time.monotonic()
        sock.sendall(frame(query.to_wire()) if tcp else query.to_wire())
        try:
            octets = read_message(sock) if tcp else sock.recv(65535)
        except socket.timeout:
            octets = None
        return octets, (time.monotonic() - began) * 1000


class Measurement:
    """One row measured at one Setup. `problems` lists the differences."""

    def __init__(self, setup, server, row):
        self.setup, self.server, self.row = setup, server, row
        self.problems = []
        self.reply = self.text = None
        self.upstream = self.cached = None
        self.milliseconds = 0

    def run(self):
        for attempt in range(1 if self.row.silent else TRIES):
            name = f"{self.row.case}.x{attempt}.{self.setup.tag}.odd.example"
            self.problems = []
            if attempt > 0 and self.row.case in ALONE:  # Their connections may be closed.
                self.server = self.setup.launch(f"{self.row.case}-{attempt}")
            self.measure(name)
            if self.milliseconds <= self.limit_ms:
                break
        else:
            self.problems.append(f"took {self.milliseconds:.0f} ms")
        self.ask_again(name)
        self.ask_for_the_victim(name)
        return self

    @property
    def limit_ms(self):
        if JUDGED:
            return SILENT_MS + SLACK_MS if self.row.silent else PROMPT_MS
        return float("inf") if self.row.silent else BEFORE_THE_DEADLINE_MS

    @property
    def relays(self):
        """True if the client gets the odd server's response."""
        return not (self.row.next and self.setup.good)

    def measure(self, name):
        row = self.row
        octets, self.milliseconds = ask_for_octets(self.server, name, row.qtype)
        if row.tcp and octets:
            if not octets[2] & 2:
                self.problems.append("no TC over UDP")
            octets, _ = ask_for_octets(self.server, name, row.qtype, tcp=True)
        self.check_queries(name)
        if octets is None:
            self.problems.append("no reply")
            self.text = "silence"
            return
        self.reply = self.parse(octets)
        if self.reply is not None:
            self.check_reply()

    def parse(self, octets):
        try:
            strict_message.parse_reply(octets)
        except strict_message.Malformed as malformed:
            self.problems.append(f"junk relayed: {malformed}")
        if socket.inet_aton(POISON) in octets:
            self.problems.append("POISON")
        try:
            return dns.message.from_wire(octets)
        except Exception as error:
            self.problems.append(f"junk relayed: {error}")

    def check_queries(self, name):
        least, most = self.row.upstream
        asked = self.setup.odd.asked[name]
        beside = self.setup.good.asked[name] if self.setup.good else 0
        self.upstream = f"{asked}+{beside}" if self.setup.good else str(asked)
        least = 1 if self.setup.good else least
        if not least <= asked <= most:
            self.problems.append(f"{asked} queries to the odd server")
        if self.setup.good and not (1 <= beside <= 2 if self.row.next else beside == 0):
            self.problems.append(f"{beside} queries to the good server")

    def check_reply(self):
        row, reply = self.row, self.reply
        rcode, answer, types = row.rcode, row.answer, row.types
        if not self.relays:
            rcode, answer, types = "NOERROR", ("192.0.2.1",) if row.qtype == "A" else (), ()
        got = dns.rcode.to_text(reply.rcode())
        addresses = {rr.address for rrset in reply.answer if rrset.rdtype == dns.rdatatype.A
                     for rr in rrset}
        errors = [option for option in reply.options if option.otype == 15]
        self.text = got + "".join(f" EDE {int(option.code)}" for option in errors)
        if got != rcode:
            self.problems.append(f"{got}, not {rcode}")
        if addresses != set(answer):
            self.problems.append(f"addresses {sorted(addresses)[:4]}")
        expected = types or (("A",) if answer else ())
        found = tuple(dns.rdatatype.to_text(rrset.rdtype) for rrset in reply.answer)
        if found != expected:
            self.problems.append(f"answer of {found}")
        if self.relays and row.ede and not any(int(option.code) in row.ede for option in errors):
            self.problems.append(f"no EDE {row.ede}")
        if self.relays and not row.ede and errors:
            self.problems.append(f"EDE {int(errors[0].code)}")
        if any(option.otype != 15 for option in reply.options):
            self.problems.append("an option of the upstream server's")
        if any(rrset.rdtype == dns.rdatatype.NS for rrset in reply.authority) or reply.additional:
            self.problems.append("records that do not answer the question")
        wrong = reply.flags & (dns.flags.AA | dns.flags.AD | dns.flags.TC)
        if wrong or not reply.flags & dns.flags.RA or not reply.flags & dns.flags.QR:
            self.problems.append(f"flags {dns.flags.to_text(reply.flags)}")
        self.check_ttls()

    def check_ttls(self):
        if not self.row.ttl or not self.relays:
            return
        low, high = self.row.ttl
        section = self.reply.answer or self.reply.authority
        if not section or not all(low <= rrset.ttl <= high for rrset in section):
            self.problems.append(f"TTLs {[rrset.ttl for rrset in section]}")

    def ask_again(self, name):
        def asked():
            return [provider.asked[name] for provider in (self.setup.odd, self.setup.good) if provider]
        before = asked()
        octets, _ = ask_for_octets(self.server, name, self.row.qtype)
        if octets is None:
            self.problems.append("no second reply")
            return
        second = self.parse(octets)
        more = [after - earlier for earlier, after in zip(before, asked())]
        self.cached = sum(more) == 0
        if max(more) > 2:
            self.problems.append(f"{more} queries for the second one")
        if self.row.late and (second is None or not second.answer or sum(more)):
            self.problems.append("the late response was not cached")
        if self.row.rcode == "SERVFAIL":  # Failures are cached too (RFC 9520).
            if not self.cached:
                self.problems.append("asked again")
        elif self.cached != (self.row.cached or not self.relays):
            self.problems.append("cached" if self.cached else "not cached")

    def ask_for_the_victim(self, name):
        if self.row.silent:
            return  # This row broke the connection.
        octets, _ = ask_for_octets(self.server, "victim." + name, "A")
        if octets is None:
            self.problems.append("no reply for the victim")
            return
        victim = self.parse(octets)
        if victim is not None and not victim.answer:
            self.problems.append("no answer for the victim")


def write_table(measured):
    path = os.environ.get("RESPONSE_MATRIX_FILE")
    if not path:
        return
    with open(path, "a") as table:
        for one in measured:
            table.write(f"{one.setup.tag:4} {one.row.case:22} {one.text!s:20} {one.milliseconds:7.1f} ms  "
                        f"queries {one.upstream:4} cached {'yes' if one.cached else 'no':3} "
                        f"{'; '.join(one.problems)}\n")


@pytest.mark.parametrize("with_good", [False, True], ids=["one server", "a good one beside it"])
def test_matrix(bare_lab, tmp_path, with_good):
    setup = Setup(bare_lab, tmp_path, with_good)
    with setup.stack, concurrent.futures.ThreadPoolExecutor(8) as pool:
        alone = [row for row in ROWS if row.case in ALONE]
        servers = [setup.launch(row.case) for row in alone]
        shared = setup.launch("shared")
        running = [pool.submit(Measurement(setup, server, row).run)
                   for server, row in zip(servers, alone)]
        concurrent.futures.wait(running)  # These rows wait for time to pass; the others are timed.
        measured = [future.result() for future in running]
        measured += [Measurement(setup, shared, row).run() for row in ROWS if row.case not in ALONE]
        write_table(sorted(measured, key=lambda one: [row.case for row in ROWS].index(one.row.case)))
        different = [f"{one.row.case}: {'; '.join(one.problems)}" for one in measured if one.problems]
        assert not different, f"{len(different)} of {len(measured)} rows:\n" + "\n".join(different)
        assert shared.metric("dotcache_upstream_up") == 1 + with_good
