"""A backtest as a process: the request as JSON on the input, answers as JSON lines on the output."""

import sys
from typing import BinaryIO

from backfuture_common.contracts.backtest import BacktestRequest, Failed, Progress
from backfuture_common.errors import ErrorInfo, PlatformError
from backfuture_common.messages.codec import Decoder, Message, encode

from backfuture_engine.backtest.run import backtest


def main() -> int:
    """Run one backtest; 0 when there is a result, 1 when there is a reason why not."""
    return answer(sys.stdin.buffer, sys.stdout.buffer)


def answer(source: BinaryIO, sink: BinaryIO) -> int:
    """Read one request and write its answers."""
    told = _Told(sink)
    try:
        request = Decoder(BacktestRequest).decode(source.read())
        told.say(backtest(request, told.progress))
    except PlatformError as error:
        told.say(Failed(error=error.info))
        return 1
    except MemoryError:
        info = ErrorInfo(
            code="backtest.too_large", message="The data does not fit into memory.", hint="use --from, --to"
        )
        told.say(Failed(error=info))
        return 1
    return 0


class _Told:
    """Writes answers; of the progress what is worth a line."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._last = ("", -1)

    def say(self, message: Message) -> None:
        self._sink.write(encode(message) + b"\n")
        self._sink.flush()

    def progress(self, done: int, what: str) -> None:
        if (what, done // 10) != self._last:
            self._last = (what, done // 10)
            self.say(Progress(done=min(done, 1_000), what=what))


if __name__ == "__main__":
    sys.exit(main())
