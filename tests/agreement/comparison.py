# SPDX-License-Identifier: Apache-2.0
"""Sends the questions to all servers and compares the replies."""

import collections
import time

import dns.name
import dns.rdatatype

import reading
import rules
from asker import TRANSPORTS, AskerProcess, encode
from peers import PEERS

UDP_LIMIT = 1232  # The limit of every server here.
# The kinds of client queries: without EDNS, and with several sizes of it: (payload, DO).
CLIENTS = [(0, False), (512, False), (1232, False), (4096, False), (1232, True)]
# Seconds before each retry. unbound caches a failure for five seconds.
SECOND_CHANCES = (0.2, 2, 4)


class Question:
    """One question as all servers get it."""

    def __init__(self, name, rr_type, randomness):
        labels = dns.name.from_text(name).labels
        if randomness.random() < 0.2:
            labels = [mixed_case(label, randomness) for label in labels]
        wire = b"".join(bytes([len(label)]) + label for label in labels)
        self.text = f"{name} {rr_type}"
        self.qname = wire.lower()
        self.qtype = dns.rdatatype.from_text(rr_type)
        self.wire = wire + self.qtype.to_bytes(2, "big") + b"\0\1"
        self.payload, self.dnssec_ok = randomness.choice(CLIENTS)
        self.udp_limit = min(max(self.payload, 512), UDP_LIMIT)

    def encode(self, message_id):
        return encode(message_id, self.wire, self.payload, self.dnssec_ok)


def mixed_case(label, randomness):
    return bytes(octet ^ 32 if bytes([octet]).isalpha() and randomness.random() < 0.5 else octet
                 for octet in label)


class Comparison:
    """Queries all servers, and compares and counts the replies."""

    def __init__(self, party):
        self.askers = {name: AskerProcess(*party.ports(name), str(party.ca_file))
                       for name in ("upstream", "dotcache") + PEERS}
        self.compared = collections.Counter()   # By (peer, transport).
        self.same = collections.Counter()       # By peer.
        self.explained = collections.Counter()  # By (peer, rule).
        self.asked_again = collections.Counter()  # By peer.
        self.wrong = []  # Differences that no rule explains, as text.

    def stop(self):
        for asker in self.askers.values():
            asker.stop()

    def run(self, questions):
        queries = [question.encode(number) for number, question in enumerate(questions)]
        for name, asker in self.askers.items():
            asker.ask(("tcp",) if name == "upstream" else TRANSPORTS, queries)
        # By (server, transport): for each question a Reply, or the reason why there is none.
        replies = {}
        for name, asker in self.askers.items():
            for transport, wires in asker.replies().items():
                replies[name, transport] = list(map(read, questions, wires))
        self._ask_again(questions, replies)
        for number, question in enumerate(questions):
            of_question = {key: column[number] for key, column in replies.items()}
            for transport in TRANSPORTS:
                self._compare(question, transport, of_question)

    def _ask_again(self, questions, replies):
        """Repeats the queries that a peer failed under load, without load. dotcache gets no second
        chance.
        """
        for (name, transport), column in replies.items():
            for wait_seconds in () if name in ("upstream", "dotcache") else SECOND_CHANCES:
                failed = [number for number, reply in enumerate(column)
                          if has_failed(reply, replies[name, "tcp"][number],
                                        replies["upstream", "tcp"][number],
                                        questions[number].udp_limit)]
                if not failed:
                    break
                time.sleep(wait_seconds)
                self.asked_again[name] += len(failed)
                self.askers[name].ask((transport,), [questions[number].encode(place)
                                                     for place, number in enumerate(failed)])
                for number, wire in zip(failed, self.askers[name].replies()[transport]):
                    column[number] = read(questions[number], wire)

    def _compare(self, question, transport, replies):
        where = f"{question.text} over {transport}, size {question.payload}"
        truth, ours = replies["upstream", "tcp"], replies["dotcache", transport]
        for name, reply in (("upstream server", truth), ("dotcache", ours)):
            if isinstance(reply, str):
                self.wrong.append(f"{where}: {name}: {reply}")
                return
        limit = question.udp_limit if transport == "udp" else 65535

        def case_of(theirs, name):
            return rules.Case(question.qname, question.qtype, limit, ours, theirs, truth,
                              size(replies["dotcache", "tcp"]), size(replies[name, "tcp"]))

        for defect in rules.own_defects(case_of(truth, "upstream"), transport):
            self.wrong.append(f"{where}: dotcache: {defect}: {describe(ours)}")
        for peer in PEERS:
            self.compared[peer, transport] += 1
            theirs = replies[peer, transport]
            if isinstance(theirs, str):
                self.wrong.append(f"{where}: {peer}: {theirs}")
                continue
            case = case_of(theirs, peer)
            if rules.equal(case):
                self.same[peer] += 1
            elif rule := rules.explain(case):
                self.explained[peer, rule] += 1
            else:
                self.wrong.append(f"{where}: dotcache {describe(ours)}; {peer} {describe(theirs)}; "
                                  f"upstream {describe(truth)}")

    def report(self):
        """Returns the counts as text."""
        lines = []
        for peer in PEERS:
            compared = sum(self.compared[peer, transport] for transport in TRANSPORTS)
            lines.append(f"{peer}: {compared} replies compared, {self.same[peer]} the same"
                         f", {self.asked_again[peer]} queries repeated")
            lines += [f"  {self.explained[peer, name]:8} {name} ({why})"
                      for name, why, _ in rules.RULES if self.explained[peer, name]]
        return "\n".join(lines)


def read(question, wire):
    """Returns the Reply, or a text that says why there is none."""
    if wire is None:
        return "no reply"
    try:
        reply = reading.read(wire)
    except reading.Malformed as error:
        return str(error)
    return reply if reply.question == question.wire else "another question, or another spelling"


def has_failed(reply, whole, truth, udp_limit):
    """True for no reply, for an error where there is an answer, and for truncation where the peer's
    whole reply fits.
    """
    if isinstance(reply, str):
        return True
    if reply.truncated:
        return size(whole) <= udp_limit
    return (reply.rcode == rules.SERVFAIL and not isinstance(truth, str)
            and truth.rcode == rules.NOERROR)


def size(reply):
    return 0 if isinstance(reply, str) else reply.size


def describe(reply):
    types = collections.Counter(dns.rdatatype.to_text(rr_type) for _, rr_type, _ in reply.answer_set)
    answer = " ".join(f"{count} {rr_type}" for rr_type, count in types.items()) or "no records"
    return (f"RCODE {reply.rcode}{' TC' if reply.truncated else ''}, {answer}, "
            f"{'SOA' if reply.negative_soa else 'no SOA'}, {reply.size} octets")
