"""What the signer signs: for each exchange the few requests a connector needs, and nothing else.

Pure: bytes in, verdict out. There is no list of forbidden requests; what is not recognised is refused.
"""

from collections.abc import Callable, Mapping

from backfuture_common.domain.ids import ExchangeId

from backfuture_key_vault.policy import kucoin, mexc
from backfuture_key_vault.policy.verdict import Allowed, Context, Denied, Reason, Verdict

__all__ = ["Allowed", "Context", "Denied", "Reason", "Verdict", "is_supported", "judge", "uses_passphrase", "venue_of"]

_PAPER_PREFIX = "paper-"
_JUDGES: Mapping[str, Callable[[bytes, Context], Verdict]] = {"kucoin": kucoin.judge, "mexc": mexc.judge}
_WITH_PASSPHRASE = frozenset({"kucoin"})


def venue_of(exchange: ExchangeId) -> str:
    """Return the venue whose requests this exchange speaks: its paper twin speaks the same."""
    return exchange.removeprefix(_PAPER_PREFIX)


def is_supported(exchange: ExchangeId) -> bool:
    """Tell whether credentials of this exchange can be used here at all."""
    return venue_of(exchange) in _JUDGES


def uses_passphrase(exchange: ExchangeId) -> bool:
    """Tell whether keys of this exchange have a passphrase."""
    return venue_of(exchange) in _WITH_PASSPHRASE


def judge(exchange: ExchangeId, message: bytes, context: Context) -> Verdict:
    """Say whether these bytes are a request that this exchange's connector may have signed now."""
    judge_of_venue = _JUDGES.get(venue_of(exchange))
    if judge_of_venue is None:
        return Denied("endpoint", "no policy for this exchange")
    return judge_of_venue(message, context)
