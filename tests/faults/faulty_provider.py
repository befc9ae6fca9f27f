# SPDX-License-Identifier: Apache-2.0
"""DoT providers that misbehave on command, each in its own process with real TLS.

A provider answers every name with one A record and a TTL of one hour, until set_fault() is called.
Names that begin with `s` have a TTL of one second, and names that begin with `g` an answer of
65,535 octets. The two sets below list the faults.
"""

import asyncio
import logging
import multiprocessing
import pathlib
import random
import socket
import ssl
import struct

from lab.lab import free_port

ADDRESS = "127.0.0.1"
FAULTS_OF_ANSWERS = {"none", "hang", "rst-each-query", "servfail", "refused", "servfail-half",
                     "servfail-slow", "loss50", "delay800", "wrongid", "mismatch", "lenlie", "halfmsg", "drip", "tc", "oneshot", "jitter100",
                     "twice", "keepalive200"}
FAULTS_OF_CONNECTIONS = {"refuse", "synblackhole", "tlsstall", "wrongname", "expired", "selfsigned",
                         "rotated", "rstall", "closeall", "idleclose200", "windowzero", "restart"}
STRANGERS = {"wrongname", "expired", "selfsigned"}  # Certificates that no client may accept.
FAULTS = FAULTS_OF_ANSWERS | FAULTS_OF_CONNECTIONS
BAD_ADDRESS = bytes((203, 0, 113, 66))
GOOD_ADDRESS = bytes((203, 0, 113, 1))
RESTART_SECONDS = 0.1
SLOW_ERROR_SECONDS = 0.05
# The requested size, and the size that the kernel sets.
SMALL_BUFFER, LARGEST_SMALL_BUFFER = 1024, 2304
USUAL_BUFFER = 65536
WATCH_SECONDS = 0.02
PROBING_THE_WINDOW = "04"  # The timer of a connection in /proc/net/tcp.


class FaultyProvider:
    """A provider at 127.0.0.1:`port`. `certificates` maps good, rotated, wrongname, expired and
    selfsigned to pairs of files.
    """

    def __init__(self, certificates):
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=_run, args=(certificates, theirs),
                                                daemon=True)
        self._process.start()
        theirs.close()
        self.port = self._pipe.recv()  # The provider listens now.

    def set_fault(self, fault):
        assert fault in FAULTS, fault
        self._pipe.send(("fault", fault))
        self._pipe.recv()

    def counts(self):
        """Returns these counts since the start:
        - queries;
        - queries for names that begin with c;
        - queries over connections with an invalid certificate;
        - connections;
        - connections that this provider closed because no query came;
        - connections on which the other end could not send because the window was closed.
        """
        self._pipe.send(("counts", None))
        return self._pipe.recv()

    def stop(self):
        self._process.kill()
        self._process.join()


def _run(certificates, pipe):
    logging.disable()  # Writes to closed connections are expected here.
    asyncio.run(_Provider(certificates).serve(pipe))


class _Provider:
    def __init__(self, certificates):
        self._port = 0
        self._contexts = {}
        for kind, (certificate, key) in certificates.items():
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate, key)
            context.set_alpn_protocols(["dot"])
            self._contexts[kind] = context
        self._fault = "none"
        self._writers = set()
        self._listener = self._accepting = None
        self._blockers = []  # The sockets that keep the backlog full.
        self._thaw = asyncio.Event()
        self._thaw.set()
        self._closed_windows = set()  # The other ends of connections with a closed window.
        self._counts = {"queries": 0, "cached": 0, "to_strangers": 0, "connections": 0,
                        "idle_closes": 0, "closed_windows": 0}

    async def serve(self, pipe):
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)  # Failed handshakes are expected.
        self._port = free_port()  # No other test process takes this port while it is closed.
        await self._listen()
        commands = asyncio.Queue()
        loop.add_reader(pipe.fileno(), lambda: commands.put_nowait(pipe.recv()))
        pipe.send(self._port)
        while True:
            command, argument = await commands.get()
            if command == "fault":
                await self._switch(argument)
            pipe.send(dict(self._counts))

    async def _listen(self):
        if self._listener is None:
            self._listener = socket.create_server((ADDRESS, self._port), backlog=1000)
            self._listener.setblocking(False)
            self._accepting = asyncio.ensure_future(self._accept_all(self._listener))

    async def _accept_all(self, listener):
        """asyncio's own server leaves open connections behind if it is closed while it accepts."""
        loop = asyncio.get_running_loop()
        while True:
            accepted, _ = await loop.sock_accept(listener)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # Like real servers.
            reader = asyncio.StreamReader()
            protocol = asyncio.StreamReaderProtocol(reader, self._accept)
            await loop.connect_accepted_socket(lambda made=protocol: made, accepted)

    def _stop_listening(self):
        if self._listener is not None:
            self._accepting.cancel()
            self._listener.close()
            self._listener = None

    async def _switch(self, fault):
        if self._fault == fault == "windowzero":
            return  # Its connections already have small windows.
        if self._blockers:
            for blocker in self._blockers:
                blocker.close()
            self._blockers = []
        was, self._fault = self._fault, fault
        if was in ("synblackhole", "tlsstall", "windowzero"):
            self._end_connections(reset=True)  # Clients have given up the silent connections.
        self._thaw.set()
        if fault in ("refuse", "synblackhole", "restart"):
            self._stop_listening()
        else:
            await self._listen()
        if "windowzero" in (was, fault) and self._listener is not None:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER
                                      if fault == "windowzero" else USUAL_BUFFER)
        if fault == "refuse":
            self._end_connections(reset=True)
        elif fault == "synblackhole":
            self._thaw.clear()
            self._fill_backlog()
        elif fault == "tlsstall":
            self._thaw.clear()
        elif fault == "windowzero":
            self._thaw.clear()
            # An offered window cannot be reduced, so new connections must start with a small one.
            self._end_connections(reset=False)
            asyncio.ensure_future(self._count_closed_windows())
        elif fault == "restart":
            self._end_connections(reset=True)
            asyncio.get_running_loop().call_later(
                RESTART_SECONDS, lambda: asyncio.ensure_future(self._listen()))
        elif fault in ("wrongname", "expired", "selfsigned", "rotated", "closeall"):
            self._end_connections(reset=False)
        elif fault == "rstall":
            self._end_connections(reset=True)

    def _fill_backlog(self):
        """Makes the kernel drop every further SYN, like a firewall."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS, self._port))
        listener.listen(0)
        self._blockers.append(listener)
        for _ in range(4):
            blocker = socket.socket()
            blocker.setblocking(False)
            blocker.connect_ex((ADDRESS, self._port))
            self._blockers.append(blocker)

    def _end_connections(self, reset):
        for writer in list(self._writers):
            _end(writer, reset)
        self._writers.clear()

    async def _count_closed_windows(self):
        """Determines closed windows from the other ends, which are on this machine too. Such an end
        probes the window, or has more unsent and unacknowledged octets than the buffer here can
        take.
        """
        ours = f"{self._port:04X}"
        while self._fault == "windowzero":
            for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
                _, local, remote, _, queues, timer, *_ = line.split()
                probed = timer[:2] == PROBING_THE_WINDOW
                if remote[-4:] == ours and (probed or int(queues[:8], 16) > LARGEST_SMALL_BUFFER):
                    self._closed_windows.add(local)
            self._counts["closed_windows"] = len(self._closed_windows)
            await asyncio.sleep(WATCH_SECONDS)

    async def _accept(self, reader, writer):
        self._writers.add(writer)
        try:
            if self._fault == "tlsstall":
                await self._thaw.wait()
                return
            kind = self._fault if self._fault in self._contexts else "good"
            await writer.start_tls(self._contexts[kind])
            if self._fault == "windowzero":
                _stop_reading(writer)
            await self._converse(reader, writer, kind)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _converse(self, reader, writer, kind):
        self._counts["connections"] += 1
        while True:
            idle = 0.2 if self._fault in ("idleclose200", "keepalive200") else None
            try:
                size = struct.unpack("!H", await asyncio.wait_for(reader.readexactly(2), idle))[0]
            except asyncio.TimeoutError:
                self._counts["idle_closes"] += 1
                return
            query = await reader.readexactly(size)
            await self._thaw.wait()
            self._counts["queries"] += 1
            self._counts["cached"] += query[13:14] == b"c"
            self._counts["to_strangers"] += kind in STRANGERS
            asyncio.ensure_future(self._react(query, writer))

    async def _react(self, query, writer):
        try:
            await self._answer(query, writer, self._fault)
        except (OSError, RuntimeError):
            pass

    async def _answer(self, query, writer, fault):
        reply = _giant_reply(query) if query[13:14] == b"g" else _reply(query)
        if fault == "hang" or (fault == "loss50" and random.random() < 0.5):
            return
        if fault == "rst-each-query":
            return _end(writer, reset=True)
        if fault == "servfail-slow":
            await asyncio.sleep(SLOW_ERROR_SECONDS)
        if fault in ("delay800", "jitter100"):
            await asyncio.sleep(0.8 if fault == "delay800" else random.random() / 10)
        elif (fault in ("servfail", "servfail-slow") or
              fault == "servfail-half" and sum(query[12:]) % 2):  # Always for the same names.
            reply = _reply(query, rcode=2)
        elif fault == "refused":
            reply = _reply(query, rcode=5)
        elif fault == "tc":
            reply = _reply(query, flags=0x8380, answers=0)
        elif fault == "wrongid":
            reply = _reply(query, bad=True)
            reply = bytes((reply[0] ^ 0x55,)) + reply[1:]
        elif fault == "mismatch":
            reply = _reply(query, bad=True)
            reply = reply[:13] + bytes((reply[13] ^ 1,)) + reply[14:]
        elif fault == "keepalive200":
            reply = _reply(query, options=struct.pack("!HHH", 11, 2, 2))
        frame = struct.pack("!H", len(reply)) + reply
        if fault == "lenlie":
            frame = struct.pack("!H", len(reply) + 200) + reply
        elif fault == "halfmsg":
            writer.write(frame[:len(frame) // 2])
            return _end(writer, reset=False)
        elif fault == "drip":
            for octet in frame:
                writer.write(bytes((octet,)))
                await asyncio.sleep(0.1)
            return
        elif fault == "twice":
            frame += frame
        writer.write(frame)
        if fault == "oneshot":
            _end(writer, reset=False)


def _stop_reading(writer):
    """Stops reading, so that received octets fill the buffer of the socket. asyncio's
    pause_reading() of a TLS transport would still read encrypted octets.
    """
    writer.transport._ssl_protocol._transport.pause_reading()


def _end(writer, reset):
    if reset:
        raw = writer.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()


def _reply(query, rcode=0, flags=0x8180, answers=1, bad=False, options=b""):
    """Returns a response with one A record, or without records for an error."""
    if rcode:
        answers = 0
    record = b""
    if answers:
        ttl = 1 if query[13:14] == b"s" else 3600
        record = (b"\xc0\x0c\0\1\0\1" + struct.pack("!IH", ttl, 4) +
                  (BAD_ADDRESS if bad else GOOD_ADDRESS))
    return _message(query, flags | rcode, answers, record, options)


def _giant_reply(query):
    """Returns a response of 65,535 octets with one TXT record."""
    size = 65535 - len(_message(query, 0x8180, 1, b"")) - 12
    text = (b"\xff" + b"x" * 255) * (size // 256)
    rest = size - len(text)
    text += bytes((rest - 1,)) + b"x" * (rest - 1) if rest else b""
    record = b"\xc0\x0c\0\x10\0\1\0\0\x0e\x10" + struct.pack("!H", size) + text
    return _message(query, 0x8180, 1, record)


def _message(query, flags, answers, record, options=b""):
    end = query.index(b"\0", 12) + 5
    return (query[:2] + struct.pack("!HHHHH", flags, 1, answers, 0, 1) + query[12:end] + record +
            b"\0\0\x29\x04\xd0\0\0\0\0" + struct.pack("!H", len(options)) + options)
