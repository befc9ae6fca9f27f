"""DoT providers that misbehave on command, each in a process of its own with real TLS.

A provider answers every name with one A record until `set_fault()` says otherwise. Names of faults
are those of the methods `_answer_*` and `_enter_*` below.
"""

import asyncio
import logging
import multiprocessing
import random
import socket
import ssl
import struct

ADDRESS = "127.0.0.1"
FAULTS_OF_ANSWERS = {"none", "hang", "rst-each-query", "servfail", "refused", "loss50", "delay800",
                     "wrongid", "mismatch", "lenlie", "halfmsg", "drip", "tc", "oneshot", "jitter100",
                     "twice", "giant", "keepalive200"}
FAULTS_OF_CONNECTIONS = {"refuse", "synblackhole", "tlsstall", "wrongname", "expired", "selfsigned",
                         "rotated", "rstall", "closeall", "idleclose200", "windowzero"}
FAULTS = FAULTS_OF_ANSWERS | FAULTS_OF_CONNECTIONS
BAD_ADDRESS = bytes((203, 0, 113, 66))
GOOD_ADDRESS = bytes((203, 0, 113, 1))


class FaultyProvider:
    """A provider at 127.0.0.1:`port`; `certificates` maps good, rotated, wrongname, expired and
    selfsigned to pairs of files."""

    def __init__(self, certificates):
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=_run, args=(certificates, theirs),
                                                daemon=True)
        self._process.start()
        theirs.close()
        self.port = self._pipe.recv()  # It listens.

    def set_fault(self, fault):
        assert fault in FAULTS, fault
        self._pipe.send(("fault", fault))
        self._pipe.recv()

    def counts(self):
        """Queries, connections and completed handshakes since the start."""
        self._pipe.send(("counts", None))
        return self._pipe.recv()

    def stop(self):
        self._process.kill()
        self._process.join()


def _run(certificates, pipe):
    logging.disable()  # Writes to connections that are gone are what this is for.
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
        self._server = None
        self._blockers = []  # The sockets that keep a full backlog full.
        self._thaw = asyncio.Event()
        self._thaw.set()
        self._counts = {"queries": 0, "connections": 0, "handshakes": 0}

    async def serve(self, pipe):
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)  # Failed handshakes are expected.
        while not self._port:
            # Below the range of outgoing connections: none takes the port while it is closed.
            self._port = random.randrange(10000, 32000)
            try:
                await self._listen()
            except OSError:
                self._port = 0
        commands = asyncio.Queue()
        loop.add_reader(pipe.fileno(), lambda: commands.put_nowait(pipe.recv()))
        pipe.send(self._port)
        while True:
            command, argument = await commands.get()
            if command == "fault":
                await self._switch(argument)
            pipe.send(dict(self._counts))

    async def _listen(self):
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, ADDRESS, self._port,
                                                      backlog=1000)

    def _stop_listening(self):
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _switch(self, fault):
        if self._blockers:
            for blocker in self._blockers:
                blocker.close()
            self._blockers = []
        was, self._fault = self._fault, fault
        if was in ("synblackhole", "tlsstall", "windowzero"):
            self._end_connections(reset=True)  # What was silent has been given up.
        self._thaw.set()
        if fault in ("refuse", "synblackhole"):
            self._stop_listening()
        else:
            await self._listen()
        if fault == "refuse":
            self._end_connections(reset=True)
        elif fault == "synblackhole":
            self._thaw.clear()
            self._fill_backlog()
        elif fault in ("tlsstall", "windowzero"):
            self._thaw.clear()
        elif fault in ("wrongname", "expired", "selfsigned", "rotated", "closeall"):
            self._end_connections(reset=False)
        elif fault == "rstall":
            self._end_connections(reset=True)

    def _fill_backlog(self):
        """Makes the kernel drop every further SYN, as a firewall would."""
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

    async def _accept(self, reader, writer):
        self._counts["connections"] += 1
        self._writers.add(writer)
        try:
            if self._fault == "tlsstall":
                await self._thaw.wait()
                return
            if self._fault == "windowzero":
                writer.transport.pause_reading()
                await self._thaw.wait()
                return
            kind = self._fault if self._fault in self._contexts else "good"
            await writer.start_tls(self._contexts[kind])
            self._counts["handshakes"] += 1
            await self._converse(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _converse(self, reader, writer):
        while True:
            idle = 0.2 if self._fault in ("idleclose200", "keepalive200") else None
            try:
                size = struct.unpack("!H", await asyncio.wait_for(reader.readexactly(2), idle))[0]
            except asyncio.TimeoutError:
                return
            query = await reader.readexactly(size)
            await self._thaw.wait()
            self._counts["queries"] += 1
            asyncio.ensure_future(self._react(query, writer))

    async def _react(self, query, writer):
        try:
            await self._answer(query, writer, self._fault)
        except (OSError, RuntimeError):
            pass

    async def _answer(self, query, writer, fault):
        reply = _reply(query)
        if fault == "hang" or (fault == "loss50" and random.random() < 0.5):
            return
        if fault == "rst-each-query":
            return _end(writer, reset=True)
        if fault in ("delay800", "jitter100"):
            await asyncio.sleep(0.8 if fault == "delay800" else random.random() / 10)
        elif fault == "servfail":
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
        elif fault == "giant":
            reply = _reply(query, padding=65000)
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


def _end(writer, reset):
    if reset:
        raw = writer.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()


def _reply(query, rcode=0, flags=0x8180, answers=1, bad=False, padding=0, options=b""):
    """The question with one A record; none where there is an error."""
    end = query.index(b"\0", 12) + 5
    if rcode:
        answers = 0
    message = query[:2] + struct.pack("!HHHHH", flags | rcode, 1, answers + (padding > 0), 0, 1)
    message += query[12:end]
    if answers:
        message += b"\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4" + (BAD_ADDRESS if bad else GOOD_ADDRESS)
    if padding:
        strings = (b"\xff" + b"x" * 255) * (padding // 256)
        message += b"\xc0\x0c\xff\x01\0\1\0\0\x0e\x10" + struct.pack("!H", len(strings)) + strings
    return message + b"\0\0\x29\x04\xd0\0\0\0\0" + struct.pack("!H", len(options)) + options
