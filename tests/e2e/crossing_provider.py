# SPDX-License-Identifier: Apache-2.0
"""A DoT provider with answers that stub resolvers have trouble with, by the first label."""

import dns.message
import dns.rcode
import dns.rrset

from counting_provider import CountingProvider
from dot_server import write_framed

ADDRESS = "198.51.100.20"
MANY = [f"198.51.100.{number}" for number in range(1, 41)]
SOA = "ns.example. hostmaster.example. 1 7200 900 1209600 3600"


class CrossingProvider(CountingProvider):
    """Records its questions. The cases:
    reversed  a chain of two aliases in reverse order, after the address
    many      forty addresses, too many for UDP without EDNS
    only-a    NXDOMAIN with a long SOA for every type except A
    private   an alias into corp.example, with NXDOMAIN behind it
    dname     a DNAME without its CNAME
    """

    def __init__(self, certificate, key):
        super().__init__(certificate, key)
        self.questions = []

    async def _serve(self, reader, writer):
        while True:
            query = dns.message.from_wire(await self._next_query(reader))
            write_framed(writer, self._respond(query).to_wire())

    def _respond(self, query):
        question = query.question[0]
        name, rr_type = question.name, dns.rdatatype.to_text(question.rdtype)
        self.questions.append((name.to_text().lower(), rr_type))
        response = dns.message.make_response(query, recursion_available=True)

        def add(owner, kind, *texts):
            response.answer.append(dns.rrset.from_text(owner, 300, "IN", kind, *texts))

        def deny(rcode):
            response.set_rcode(rcode)
            response.authority.append(dns.rrset.from_text("example.", 3600, "IN", "SOA", SOA))

        case = name.labels[0].decode().lower()
        if case == "private":
            add(name, "CNAME", "host.corp.example.")
            deny(dns.rcode.NXDOMAIN)
        elif rr_type != "A":
            deny(dns.rcode.NXDOMAIN if case == "only-a" else dns.rcode.NOERROR)
        elif case == "reversed":
            add("end.example.", "A", ADDRESS)
            add("middle.example.", "CNAME", "end.example.")
            add(name, "CNAME", "middle.example.")
        elif case == "many":
            add(name, "A", *MANY)
        elif case == "dname":
            add(name.parent(), "DNAME", "moved.example.")
            add("dname.moved.example.", "A", ADDRESS)
        else:
            add(name, "A", ADDRESS)
        return response
