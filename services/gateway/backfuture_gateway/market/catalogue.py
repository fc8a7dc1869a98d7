"""The exchanges the platform can speak to."""

from dataclasses import dataclass

from backfuture_common.domain.ids import ExchangeId

from backfuture_gateway.http.errors import Invalid


@dataclass(frozen=True, slots=True)
class Exchange:
    """A venue as users see it. ``needs_passphrase``: its keys consist of three parts."""

    id: ExchangeId
    name: str
    paper: bool
    needs_passphrase: bool


_VENUES = {"kucoin": ("KuCoin", True), "mexc": ("MEXC", False)}
KNOWN = {
    exchange.id: exchange
    for venue, (name, needs_passphrase) in _VENUES.items()
    for exchange in (
        Exchange(ExchangeId(venue), name, paper=False, needs_passphrase=needs_passphrase),
        Exchange(ExchangeId(f"paper-{venue}"), f"{name} (paper)", paper=True, needs_passphrase=needs_passphrase),
    )
}


class Catalogue:
    """The exchanges that this installation runs connectors for. ValueError for an id nobody knows."""

    def __init__(self, enabled: tuple[ExchangeId, ...]) -> None:
        if unknown := [one for one in enabled if one not in KNOWN]:
            raise ValueError(f"unknown exchanges {', '.join(unknown)}; known are {', '.join(sorted(KNOWN))}")
        self.exchanges = tuple(KNOWN[one] for one in enabled)
        self._by_id = {exchange.id: exchange for exchange in self.exchanges}

    def require(self, exchange_id: str) -> Exchange:
        """Return an enabled exchange; :class:`Invalid` names those there are."""
        found = self._by_id.get(ExchangeId(exchange_id))
        if found is None:
            raise Invalid(
                "exchange.not_enabled",
                "This exchange is not enabled here.",
                f"Enabled are {', '.join(self._by_id)}. Live exchanges have to be enabled by the operator.",
            )
        return found
