# SPDX-License-Identifier: Apache-2.0
"""Sends queries with dnspython over every transport, and compares the replies."""

import functools
import socket
import ssl

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype

ADDRESS = "127.0.0.1"
TIMEOUT = 8
TRANSPORTS = ("udp", "tcp", "dot")


def query(name, rr_type="A", edns=True, do=False, payload=1232, **options):
    """Returns a query made by dnspython. `options` go to dns.message.make_query."""
    return dns.message.make_query(name, rr_type, use_edns=0 if edns else False,
                                  want_dnssec=do, payload=payload if edns else None, **options)


def queries(count, label):
    """{message ID: query} for names that exist, each its own."""
    made = {}
    for number in range(count):
        message = query(f"{label}-{number}.fresh.lab.example.")
        message.id = number
        made[number] = message
    return made


def ask(server, name, rr_type="A", transport="udp", **options):
    return send(server, query(name, rr_type, **options), transport)


def send(server, message, transport="udp"):
    """Sends a query to a Dotcache, or to the DoT or classic port of a LabServer. Over UDP, TC is
    not followed.
    """
    if transport == "udp":
        return dns.query.udp(message, ADDRESS, TIMEOUT, classic_port(server))
    if transport == "tcp":
        return dns.query.tcp(message, ADDRESS, TIMEOUT, classic_port(server))
    with connect(server, "dot") as sock:  # dnspython's own function would wait for a delayed ACK.
        sock.sendall(frame(message.to_wire()))
        reply = dns.message.from_wire(read_message(sock))
    if not message.is_response(reply):
        raise dns.query.BadResponse
    return reply


def ask_directly(provider, name, rr_type="A", **options):
    """Returns the provider's own complete response."""
    return dns.query.tcp(query(name, rr_type, **options), ADDRESS, TIMEOUT, provider.classic_port)


def classic_port(server):
    return getattr(server, "port", None) or server.classic_port


@functools.lru_cache
def trust(ca_file):
    return ssl.create_default_context(cafile=ca_file)


def connect(server, transport):
    """Returns a stream socket to the server. For DoT, the handshake is complete and the certificate
    verified.
    """
    port = server.dot_port if transport == "dot" else classic_port(server)
    sock = socket.create_connection((ADDRESS, port), timeout=TIMEOUT)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if transport == "dot":
        context = ssl.create_default_context(cafile=str(server.ca_file))
        context.set_alpn_protocols(["dot"])
        sock = context.wrap_socket(sock, server_hostname=server.auth_name)
    return sock


def frame(wire):
    return len(wire).to_bytes(2, "big") + wire


def read_message(sock):
    """Returns the next complete message of a stream, or None at its end."""
    length = _read_exactly(sock, 2)
    return _read_exactly(sock, int.from_bytes(length, "big")) if length else None


def _read_exactly(sock, count):
    data = b""
    while len(data) < count:
        try:
            part = sock.recv(count - len(data))
        except ConnectionError:
            return None
        if not part:
            return None
        data += part
    return data


def rrsets(section):
    """Returns a section as {(owner in lower case, class, type): rdata}. Order and TTLs are ignored.
    """
    sets = {}
    for rrset in section:
        key = (rrset.name.canonicalize(), rrset.rdclass, rrset.rdtype)
        sets.setdefault(key, set()).update(rdata.to_digestable() for rdata in rrset)
    return sets


def differences(ours, theirs):
    """Returns the differences between our answer and the provider's as text, empty if there are
    none.
    """
    found = []
    if ours.rcode() != theirs.rcode():
        found.append(f"RCODE {dns.rcode.to_text(ours.rcode())}, not "
                     f"{dns.rcode.to_text(theirs.rcode())}")
    for section in ("answer", "authority"):
        here, there = rrsets(getattr(ours, section)), rrsets(getattr(theirs, section))
        if section == "authority":  # Name servers that are not part of the answer are left out.
            there = rrsets(rrset for rrset in theirs.authority
                           if dns.rdatatype.NS not in (rrset.rdtype, rrset.covers))
        for key in here.keys() | there.keys():
            if here.get(key) != there.get(key):
                found.append(f"{section}: {key[0]} {dns.rdatatype.to_text(key[2])}: "
                             f"{len(here.get(key, ()))} RRs, not {len(there.get(key, ()))}")
    return found


def types(section):
    """Returns the RR types of a section, in order, as text."""
    return [dns.rdatatype.to_text(rrset.rdtype) for rrset in section]


def flags(message):
    return set(dns.flags.to_text(message.flags).split())
