"""How a client proves who it is, and knows whom it speaks to."""

import ssl
import stat
from pathlib import Path
from typing import TypedDict

from backfuture_common.bus.settings import KafkaSettings
from backfuture_common.errors import Fatal


class ClientSecurity(TypedDict, total=False):
    """The client's options that have to do with security."""

    security_protocol: str
    ssl_context: ssl.SSLContext
    sasl_mechanism: str
    sasl_plain_username: str
    sasl_plain_password: str


def options(kafka: KafkaSettings) -> ClientSecurity:
    """Return the options; none without login and CA. Raises :class:`Fatal` when a file cannot be used."""
    if kafka.login is None and kafka.ca_file is None:
        return {}
    found: ClientSecurity = {"security_protocol": "SASL_PLAINTEXT" if kafka.login else "SSL"}
    if kafka.ca_file is not None:
        found["ssl_context"] = _trusting(kafka.ca_file)
        found["security_protocol"] = "SASL_SSL" if kafka.login else "SSL"
    if kafka.login is not None:
        found["sasl_mechanism"] = "SCRAM-SHA-512"
        found["sasl_plain_username"] = kafka.login.username
        found["sasl_plain_password"] = _password(kafka.login.password_file)
    return found


def _trusting(ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError as error:  # SSLError is one
        raise Fatal("kafka.ca_unreadable", f"{ca_file} is no file of certificates: {error.strerror}") from None


def _password(file: Path) -> str:
    try:
        others = stat.S_IMODE(file.stat().st_mode) & 0o077
        text = file.read_text().strip()
    except OSError as error:
        raise Fatal("secret_file.unreadable", f"{file}: {error.strerror}") from None
    if others:
        raise Fatal("secret_file.open", f"{file} can be read by others", f"chmod 600 {file}")
    if not text:
        raise Fatal("secret_file.empty", f"{file} is empty")
    return text
