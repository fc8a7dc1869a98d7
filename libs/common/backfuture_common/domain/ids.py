"""Identifiers as types: a BotId is never passed where a GroupId is meant.

Random ids are born at the gateway only. An id that may be emitted twice is a hash or a
counter of its cause, so that a restart makes the same one.
"""

import base64
import hashlib
import re
import secrets  # arch: impure - new_id alone, which only the gateway calls
from typing import NewType

UserId = NewType("UserId", str)
"""The owner of connections and bots; the partition key of everything that belongs to one user."""
ConnectionId = NewType("ConnectionId", str)
BotId = NewType("BotId", str)
GroupId = NewType("GroupId", str)
ClientOrderId = NewType("ClientOrderId", str)
DecisionId = NewType("DecisionId", str)
CommandId = NewType("CommandId", str)
ExchangeId = NewType("ExchangeId", str)
"""A venue as users choose it: ``kucoin``, ``mexc``, or their paper twins ``paper-kucoin``, ``paper-mexc``."""
Symbol = NewType("Symbol", str)
"""A market in ccxt's spelling: ``BTC/USDT``."""

ID_PATTERN = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")
"""Every id that may become part of a path (Vault, HTTP, file) matches this."""

_CLIENT_ORDER_ID_BITS = 128


def new_id(prefix: str) -> str:
    """Return a fresh random id such as ``bot_k3v9…`` (80 bits). For the gateway only."""
    random = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return f"{prefix}_{random}"


def group_id(bot: BotId, number: int) -> GroupId:
    """Return the id of a bot's ``number``-th group (counted from 1)."""
    return GroupId(f"{bot}-g{number}")


def decision_id(bot: BotId, number: int) -> DecisionId:
    """Return the id of the decision with this number in the bot's own sequence."""
    return DecisionId(f"{bot}-d{number}")


def client_order_id(bot: BotId, group: GroupId, leg: str, attempt: int) -> ClientOrderId:
    """Return the id under which this attempt of this leg is sent, now and after any restart.

    Fits every supported venue: 27 characters, lower-case letters and digits, first a ``b``
    (Gate allows 28 after its prefix and mistakes a leading ``t``; BingX folds case; OKX takes
    no punctuation).
    """
    cause = "\x1f".join((bot, group, leg, str(attempt))).encode()
    digest = hashlib.blake2b(cause, digest_size=_CLIENT_ORDER_ID_BITS // 8).digest()
    return ClientOrderId("b" + base64.b32encode(digest).decode().lower().rstrip("="))
