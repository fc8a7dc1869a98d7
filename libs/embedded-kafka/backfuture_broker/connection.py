"""One client's connection: frames in, answers out, one request at a time and in order."""

import asyncio
import struct
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

from backfuture_broker.disk import Disk
from backfuture_broker.errors import MalformedError
from backfuture_broker.wire import Reader, Writer

_SMALLEST_FRAME, _LARGEST_FRAME = 8, 100 << 20
_QUEUE_LIMIT_BYTES = 8 << 20  # of requests behind the one at work; then the client has to wait
_SIZE = struct.Struct(">i")
_HEAD = struct.Struct(">hhi")  # API key, version, correlation id
_ANSWER_HEAD = struct.Struct(">ii")


class Request:
    """One request, to be answered once: with ``answer``, or with ``no_answer`` if the client wants none."""

    __slots__ = ("_connection", "_correlation", "body", "client", "key", "version")

    def __init__(self, connection: "Connection", frame: bytes) -> None:
        """Read the head of a frame. MalformedError when there is none."""
        self._connection = connection
        self.key, self.version, self._correlation = _HEAD.unpack_from(frame)
        self.body = Reader(frame, _HEAD.size)
        self.client = self.body.nullable_text() or ""

    @property
    def host(self) -> str:
        return self._connection.host

    @property
    def is_open(self) -> bool:
        """Whether the client is still there."""
        return self._connection.is_open

    def on_close(self, call: Callable[[], None]) -> None:
        """Call back if the client goes away before the answer."""
        self._connection.on_close = call

    def answer(self, body: Writer) -> None:
        self._connection.finish(_ANSWER_HEAD.pack(len(body) + 4, self._correlation) + body)

    def no_answer(self) -> None:
        self._connection.finish(b"")


class Requests(Protocol):
    """What serves requests."""

    def serve(self, request: Request) -> bool:
        """Begin to serve; the answer may come later. False: the request is not one, close. May raise MalformedError."""

    def failed(self, problem: Exception) -> None:
        """Take note that a request could not be served for a reason that is not the client's: the broker must end."""


class Connection(asyncio.Protocol):
    """Buffers at most one frame that is coming in, a few megabytes of requests behind it, and unsent answers.

    A client that does not read its answers is not served until it does.
    """

    def __init__(self, requests: Requests, disk: Disk, connections: set["Connection"], limit: int) -> None:
        self._requests, self._disk, self._connections, self._limit = requests, disk, connections, limit
        self._incoming = bytearray()
        self._frames: deque[bytes] = deque()
        self._queued_bytes = 0
        self._busy = self._stuck = self._paused = False
        self._transport: asyncio.Transport | None = None
        self.on_close: Callable[[], None] | None = None
        self.host = "?"
        self._last_heard_s = 0.0

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def is_idle_since(self, time_s: float) -> bool:
        """Whether the client has asked nothing since then, and waits for nothing."""
        return self._last_heard_s < time_s and not self._busy

    # -- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # what a stream's server makes; uvloop's is no subclass
        self.host = (transport.get_extra_info("peername") or ("?",))[0]
        self._last_heard_s = asyncio.get_running_loop().time()
        self._connections.add(self)
        if len(self._connections) > self._limit:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._connections.discard(self)
        self._transport = None
        self._frames.clear()
        if self.on_close is not None:
            self.on_close()

    def pause_writing(self) -> None:
        self._stuck = True

    def resume_writing(self) -> None:
        self._stuck = False
        self._work()

    def data_received(self, data: bytes) -> None:
        self._last_heard_s = asyncio.get_running_loop().time()
        incoming = self._incoming
        incoming += data
        position, end = 0, len(incoming)
        while end - position >= _SIZE.size:
            (size,) = _SIZE.unpack_from(incoming, position)
            if not _SMALLEST_FRAME <= size <= _LARGEST_FRAME:
                self.close()
                return
            frame_end = position + _SIZE.size + size
            if frame_end > end:
                break
            self._frames.append(bytes(incoming[position + _SIZE.size : frame_end]))
            self._queued_bytes += size
            position = frame_end
        if position:
            del incoming[:position]
        self._work()

    # -- work

    def close(self) -> None:
        """Drop the connection with whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    def finish(self, data: bytes) -> None:
        """End the request at work; its answer leaves when everything it rests on is as safe as the disk mode says."""
        self._busy, self.on_close = False, None
        if data:
            self._disk.after_sync(lambda: self._send(data))
        if self._frames:
            asyncio.get_running_loop().call_soon(self._work)

    def _send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _work(self) -> None:
        while self._frames and not self._busy and not self._stuck and self._transport is not None:
            frame = self._frames.popleft()
            self._queued_bytes -= len(frame)
            self._serve(frame)
        self._hold_back()

    def _serve(self, frame: bytes) -> None:
        try:
            self._busy = True
            if not self._requests.serve(Request(self, frame)):
                self.close()
        except MalformedError:
            self.close()
        except Exception as problem:  # noqa: BLE001  # arch: catch-all - not swallowed: the broker ends
            self._requests.failed(problem)
            self.close()

    def _hold_back(self) -> None:
        """Read no more while too much is waiting already."""
        if self._transport is None:
            return
        too_much = self._queued_bytes > _QUEUE_LIMIT_BYTES
        if too_much and not self._paused:
            self._transport.pause_reading()
        elif not too_much and self._paused:
            self._transport.resume_reading()
        self._paused = too_much
