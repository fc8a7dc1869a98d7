"""Structured logs on stderr, one line an event, redacted; the standard library's loggers go the same way."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

from backfuture_common.runtime.redaction import MASK, is_secret_name, redact

LogFormat = Literal["json", "console"]

_CHATTY = ("ccxt", "aiokafka", "urllib3", "aiohttp", "asyncio", "uvicorn", "httpx", "httpcore", "hvac", "sqlalchemy")
"""Libraries that log payloads, URLs or headers below WARNING."""

_OWN_FIELDS = ("event", "level", "logger", "timestamp")


def redact_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: mask secrets in the message and in every field."""
    for name, value in event.items():
        event[name] = MASK if name not in _OWN_FIELDS and is_secret_name(name) else redact(value)
    return event


_SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    structlog.processors.format_exc_info,
)
_TO_STANDARD_LOGGING: tuple[structlog.typing.Processor, ...] = (
    structlog.stdlib.filter_by_level,
    *_SHARED,
    structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
)


def configure_logging(level: str = "INFO", form: LogFormat = "json") -> None:
    """Send every log of this process to stderr in this form. To be called once, at start."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact_event, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=_TO_STANDARD_LOGGING,
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module; events are short dotted names, details are fields.

    Where :func:`configure_logging` was not called (tests, tools), it behaves as any logger of the standard library.
    """
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name), processors=_TO_STANDARD_LOGGING, wrapper_class=structlog.stdlib.BoundLogger
    )
    return logger
