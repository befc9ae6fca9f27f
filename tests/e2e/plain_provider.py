# SPDX-License-Identifier: Apache-2.0
"""Servers without EDNS, or without its options, over UDP, TCP and DoT (RFC 6891 section 7)."""

import socketserver
import struct
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from counting_provider import CountingProvider
from dot_server import write_framed
from lab.lab import free_port

A_ADDRESS = "192.0.2.80"


def respond(wire, kind):
    """Returns the response of a server of this `kind`:
    bare, formerr, notimp  a query with OPT gets this error, without OPT; `bare` is a header only
    options                a query with an EDNS option gets FORMERR with OPT
    """
    query = dns.message.from_wire(wire)
    response = dns.message.make_response(query, recursion_available=True)
    if kind != "options":
        response.use_edns(False)
        if query.edns >= 0:
            if kind == "bare":
                return wire[:2] + struct.pack("!5H", 0x8181, 0, 0, 0, 0)
            response.set_rcode(dns.rcode.NOTIMP if kind == "notimp" else dns.rcode.FORMERR)
            return response.to_wire()
    elif query.options:
        response.set_rcode(dns.rcode.FORMERR)
        return response.to_wire()
    question = query.question[0]
    if question.rdtype == 1:
        response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", A_ADDRESS))
    elif question.rdtype == 16:  # Too large for UDP without EDNS.
        response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "TXT",
                                                   *[f"{n:0200}" for n in range(4)]))
    return response.to_wire()


class PlainProvider(CountingProvider):
    """A DoT server of a `kind`, which may also listen on UDP and TCP. Records whether each query
    had an OPT, and its number of options.
    """

    def __init__(self, certificate, key, kind):
        super().__init__(certificate, key)
        self.kind = kind
        self.seen = []  # None without OPT, else the number of options.
        self.classic_port = free_port()
        self._classic = []

    def answer(self, wire):
        query = dns.message.from_wire(wire)
        self.seen.append(len(query.options) if query.edns >= 0 else None)
        return respond(wire, self.kind)

    async def _serve(self, reader, writer):
        while True:
            write_framed(writer, self.answer(await self._next_query(reader)))

    def __enter__(self):
        provider = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                wire = provider.answer(self.request[0])
                if len(wire) > 512:
                    cut = dns.message.make_response(dns.message.from_wire(self.request[0]))
                    cut.use_edns(False)
                    cut.flags |= dns.flags.TC
                    wire = cut.to_wire()
                self.request[1].sendto(wire, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self):
                while size := self.rfile.read(2):
                    wire = provider.answer(self.rfile.read(int.from_bytes(size, "big")))
                    self.wfile.write(struct.pack("!H", len(wire)) + wire)

        address = ("127.0.0.1", self.classic_port)
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        for made in (socketserver.ThreadingUDPServer(address, Udp),
                     socketserver.ThreadingTCPServer(address, Tcp)):
            made.daemon_threads = True
            made.block_on_close = False
            self._classic.append(made)
            threading.Thread(target=made.serve_forever, daemon=True).start()
        return super().__enter__()

    def __exit__(self, *details):
        for made in self._classic:
            made.shutdown()
            made.server_close()
        return super().__exit__(*details)
