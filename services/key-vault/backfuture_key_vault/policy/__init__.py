"""What the signer signs: for each exchange the few requests a connector needs, and nothing else.

Pure: bytes in, verdict out. There is no list of forbidden requests; what is not recognised is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass

from backfuture_common.domain.ids import ExchangeId

from backfuture_key_vault.policy import (
    binance,
    bingx,
    bitget,
    bybit,
    coinbase,
    gate,
    htx,
    kucoin,
    mexc,
    okx,
)
from backfuture_key_vault.policy.verdict import Allowed, Context, Denied, Order, Reason, Verdict

__all__ = [
    "Allowed", "Context", "Denied", "Order", "Reason", "Venue", "Verdict", "is_supported", "judge", "venue", "venue_of",
]  # fmt: skip

_PAPER_PREFIX = "paper-"
SHA256 = frozenset({"sha256", "hmac-sha256"})
"""Two names of one algorithm."""


@dataclass(frozen=True, slots=True)
class Venue:
    """How a venue's keys are used. ``passphrase``: its keys have one; ``macs_passphrase``: it wants the passphrase's
    MAC, not the passphrase itself. ``private_key``: its secret is a private key in PEM, not a shared secret.
    """

    judge: Callable[[bytes, Context], Verdict]
    algorithms: frozenset[str] = SHA256
    passphrase: bool = False
    macs_passphrase: bool = False
    private_key: bool = False


VENUES = {
    "binance": Venue(binance.judge),
    "bingx": Venue(bingx.judge),
    "bitget": Venue(bitget.judge, passphrase=True),
    "bybit": Venue(bybit.judge),
    "coinbase": Venue(coinbase.judge, frozenset({"es256", "ed25519"}), private_key=True),
    "gate": Venue(gate.judge, frozenset({"hmac-sha512"})),
    "htx": Venue(htx.judge),
    "kucoin": Venue(kucoin.judge, passphrase=True, macs_passphrase=True),
    "mexc": Venue(mexc.judge),
    "okx": Venue(okx.judge, passphrase=True),
}


def venue_of(exchange: ExchangeId) -> str:
    """Return the venue whose requests this exchange speaks: its paper twin speaks the same."""
    return exchange.removeprefix(_PAPER_PREFIX)


def venue(exchange: ExchangeId) -> Venue | None:
    """Return how keys of this exchange are used, None when they cannot be used here at all."""
    return VENUES.get(venue_of(exchange))


def is_supported(exchange: ExchangeId) -> bool:
    """Tell whether credentials of this exchange can be used here at all."""
    return venue(exchange) is not None


def judge(exchange: ExchangeId, message: bytes, context: Context) -> Verdict:
    """Say whether these bytes are a request that this exchange's connector may have signed now."""
    known = venue(exchange)
    if known is None:
        return Denied("endpoint", "no policy for this exchange")
    if context.algorithm not in known.algorithms:
        return Denied("algorithm", context.algorithm)
    return known.judge(message, context)
