"""Work that needs no running platform: a service's module as a process, asked once, answering in JSON lines."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from backfuture_common.contracts.backtest import Answer, BacktestResult, Failed, Progress, ReplayResult
from backfuture_common.errors import ErrorInfo

from backfuture_cli.exits import CliError, Exit

Done = BacktestResult | ReplayResult
OnProgress = Callable[[int, str], None]
_EXITS = {
    "backtest.no_file": Exit.NOT_FOUND,
    "backtest.bot_refused": Exit.REFUSED,
    "backtest.unwritable": Exit.ERROR,
}


def ask(module: str, request: bytes | Path, on_progress: OnProgress = lambda _done, _what: None) -> Done:
    """Run ``python -m module`` with the request (or a file) as its input and return its answer.

    :class:`CliError` with the process's own reason when there is none. The process ends with us.
    """
    command = [sys.executable, "-m", module]
    if isinstance(request, Path):
        with request.open("rb") as file, _started(command, file) as process:
            return _listen(process, on_progress)
    with _started(command, subprocess.PIPE) as process:
        return _listen(process, on_progress, request)


def _started(command: list[str], stdin: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # type: ignore[call-overload, no-any-return]  # a file or PIPE


def _listen(process: "subprocess.Popen[bytes]", on_progress: OnProgress, request: bytes | None = None) -> Done:
    try:
        if request is not None and process.stdin is not None:
            process.stdin.write(request)
            process.stdin.close()
        for line in process.stdout or ():
            match msgspec.json.decode(line, type=Answer):
                case Progress() as step:
                    on_progress(step.done, step.what)
                case Failed() as failed:
                    raise _failure(failed.error)
                case BacktestResult() | ReplayResult() as result:
                    return result
    except BrokenPipeError:
        pass  # it ended before it had read all: its last words say why
    finally:
        if process.poll() is None and sys.exc_info()[0] is not None:
            process.terminate()
    words = (process.stderr.read() if process.stderr else b"").decode(errors="replace").strip().splitlines()
    raise CliError(
        f"the engine ended without an answer: {words[-1] if words else 'it said nothing'}", code="engine.died"
    )


def _failure(error: ErrorInfo) -> CliError:
    return CliError(error.message, error.hint, exit_code=_EXITS.get(error.code, Exit.BAD_INPUT), code=error.code)
