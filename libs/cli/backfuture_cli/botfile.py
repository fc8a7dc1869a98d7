"""Bots from files: what `bots create --file` takes and what the API answers, as the engine's own configuration."""

import json
import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import msgspec
from backfuture_common.messages.bots import BotSpec, DcaStrategy

from backfuture_cli.exits import CliError, Exit

_ONLY_IN_ANSWERS = {
    "id", "preset", "status", "fault", "last_refusal", "groups_open", "groups_closed", "realised_quote", "version",
    "created_ms", "updated_ms",
}  # fmt: skip


def bot_from_file(path: Path) -> BotSpec:
    """Read one bot; :class:`CliError` names what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}", exit_code=Exit.NOT_FOUND) from None
    try:
        found = (
            tomllib.loads(text, parse_float=Decimal)
            if path.suffix == ".toml"
            else json.loads(text, parse_float=Decimal)
        )
    except ValueError as error:
        raise CliError(f"{path} cannot be read: {error}", exit_code=Exit.BAD_INPUT) from None
    if not isinstance(found, dict):
        raise CliError(f"{path} does not hold one bot", "write a JSON object or TOML", exit_code=Exit.BAD_INPUT)
    return bot_from(found, str(path), path.stem)


def bot_from(found: Mapping[str, object], where: str, name: str) -> BotSpec:
    """Return the bot of a request or an answer; what it leaves out of name, account and exchange is made up."""
    strategy = found.get("strategy")
    if not isinstance(strategy, dict):
        raise _wrong(where, "it has no strategy", "a table or object with the numbers of the ladder")
    if found.get("preset") and not {"base_order_quote", "max_add_ons", "step_percent"} <= strategy.keys():
        raise _wrong(
            where, "the gateway fills presets in", "make the bot and test it with --bot-id, or write all numbers"
        )
    label = str(found.get("name") or name)
    symbols = found.get("symbols") or [found["symbol"]] if "symbol" in found or "symbols" in found else None
    values = {
        "bot_id": found.get("id") or re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-") or "bot",
        "owner": "backtest",
        "name": label,
        "connection_id": found.get("connection_id") or "account",
        "exchange": found.get("exchange") or "paper-kucoin",
        **{
            key: value for key, value in found.items() if key not in _ONLY_IN_ANSWERS | {"symbol"} and value is not None
        },
        "strategy": {"kind": "dca", "add_on_quote": strategy.get("base_order_quote"), **strategy},
        "symbols": symbols,
    }
    _check_names(where, values, BotSpec)
    _check_names(where, {k: v for k, v in strategy.items() if k != "kind"}, DcaStrategy)
    try:
        return msgspec.convert(values, BotSpec)
    except msgspec.ValidationError as error:
        raise _wrong(where, str(error), 'amounts are numbers or texts such as "0.5"') from None


def _check_names(where: str, values: Mapping[str, object], kind: type[msgspec.Struct]) -> None:
    unknown = sorted(values.keys() - {field.name for field in msgspec.structs.fields(kind)})
    if unknown:
        raise _wrong(where, f"it has fields that nobody reads: {', '.join(unknown)}", "is one misspelt?")


def _wrong(where: str, what: str, hint: str) -> CliError:
    return CliError(f"{where}: {what}", hint, exit_code=Exit.BAD_INPUT)
