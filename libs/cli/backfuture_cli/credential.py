"""API keys on their way to the gateway: by prompt, standard input or environment, never as an argument."""

import os
import sys

import msgspec
import typer

from backfuture_cli.exits import CliError, Exit


class Credential(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key with its secret. Its text forms show nothing of it."""

    api_key: str
    secret: str
    passphrase: str | None = None

    def __repr__(self) -> str:
        return "Credential(…)"

    def body(self) -> dict[str, object]:
        """Return the fields of a request, without an absent passphrase."""
        fields: dict[str, object] = {"api_key": self.api_key, "secret": self.secret}
        return {**fields, "passphrase": self.passphrase} if self.passphrase else fields


def read_credential(*, from_stdin: bool, asks_passphrase: bool) -> Credential:
    """Take the key from standard input (JSON), the environment, or by asking; :class:`CliError` without one."""
    if from_stdin:
        return _from_json(sys.stdin.read())
    if os.environ.get("BACKFUTURE_API_KEY"):
        return _from_environment(asks_passphrase=asks_passphrase)
    if not sys.stdin.isatty():
        raise CliError(
            "there is no terminal to ask for the key",
            "pipe JSON with --credential-stdin, or set BACKFUTURE_API_KEY, BACKFUTURE_API_SECRET, "
            "BACKFUTURE_API_PASSPHRASE",
            exit_code=Exit.BAD_INPUT,
        )
    api_key = str(typer.prompt("API key")).strip()
    secret = str(typer.prompt("API secret", hide_input=True)).strip()
    passphrase = str(typer.prompt("API passphrase", hide_input=True)).strip() if asks_passphrase else None
    return Credential(api_key, secret, passphrase)


def _from_json(text: str) -> Credential:
    try:
        return msgspec.json.decode(text.encode(), type=Credential)
    except (msgspec.DecodeError, msgspec.ValidationError):
        problem = CliError(
            "what came on standard input is not a credential",
            'give JSON with the fields "api_key", "secret" and, where needed, "passphrase"',
            exit_code=Exit.BAD_INPUT,
        )
    raise problem  # outside of the handler: the decoder's error would carry the input along


def _from_environment(*, asks_passphrase: bool) -> Credential:
    secret = os.environ.get("BACKFUTURE_API_SECRET", "")
    passphrase = os.environ.get("BACKFUTURE_API_PASSPHRASE") or None
    if not secret or (asks_passphrase and not passphrase):
        missing = "BACKFUTURE_API_PASSPHRASE" if secret else "BACKFUTURE_API_SECRET"
        raise CliError(f"{missing} is not set", "set it beside BACKFUTURE_API_KEY", exit_code=Exit.BAD_INPUT)
    return Credential(os.environ["BACKFUTURE_API_KEY"], secret, passphrase)
