"""What a user is told about a connection: a plain message, and what to do at this exchange with its own menu names."""

from typing import NamedTuple

from backfuture_common.domain.ids import ExchangeId
from backfuture_common.messages.connections import TestCode

from backfuture_connector.core.facts import Venue, venue_of


class Guidance(NamedTuple):
    message: str
    hint: str


class _Menu(NamedTuple):
    name: str
    page: str
    read: str
    trade: str
    withdraw: str
    transfer: str
    addresses: str


_MENUS: dict[Venue, _Menu] = {
    "kucoin": _Menu(
        name="KuCoin",
        page="Avatar > API Management",
        read="General",
        trade="Spot",
        withdraw="Withdrawal",
        transfer="FlexTransfers",
        addresses="API Restrictions > Restrict access to trusted IPs",
    ),
    "mexc": _Menu(
        name="MEXC",
        page="Profile > API Management",
        read="Spot: View Account Details and View Order Details",
        trade="Spot: Trade",
        withdraw="Withdraw",
        transfer="Transfer",
        addresses="Link IP Address",
    ),
}

_TEXTS: dict[TestCode, Guidance] = {
    "OK": Guidance("{name} confirms that the key can read and trade, and cannot withdraw.", ""),
    "OK_WARN_NO_IP_LIST": Guidance(
        "The key is trade-only, but it works from every address.",
        "At {name} open {page}, edit the key and enter this server's address under {addresses}.",
    ),
    "OK_WARN_EXPIRES_SOON": Guidance(
        "The key is trade-only, but it ends soon ({why}).",
        "At {name} open {page}, make a new key bound to this server's address (such keys do not end), replace it here.",
    ),
    "KEY_UNKNOWN": Guidance(
        "{name} does not know this API key.",
        "Copy the key again from {page}. A deleted key, or one of another {name} site, ends here too.",
    ),
    "SECRET_WRONG": Guidance(
        "{name} refuses the signature: the secret does not belong to the key, or the key was deleted or has ended.",
        "{name} shows a secret once. If it is lost, make a new key under {page} and enter both parts again.",
    ),
    "PASSPHRASE_WRONG": Guidance(
        "{name} refuses the passphrase.",
        "Enter the passphrase chosen when the key was made. It cannot be shown again: if it is lost, make a new key "
        "under {page}.",
    ),
    "CLOCK_SKEW": Guidance(
        "{name} refuses the request's time: this server's clock is off.",
        "Switch on time synchronisation on the server (for example systemd-timesyncd or chrony), then test again.",
    ),
    "IP_NOT_ALLOWED": Guidance(
        "{name} refuses this server's address: it is not on the key's list.",
        "At {name} open {page}, edit the key and add {address} under {addresses}.",
    ),
    "TRADE_RIGHT_MISSING": Guidance(
        "The key may not trade.",
        "At {name} open {page}, edit the key and tick {trade}. Leave {withdraw} empty.",
    ),
    "READ_RIGHT_MISSING": Guidance(
        "The key may not read balances and orders.",
        "At {name} open {page}, edit the key and tick {read}. Leave {withdraw} empty.",
    ),
    "WITHDRAW_ENABLED": Guidance(
        "The key can withdraw. It is refused and its stored secret is destroyed.",
        "Delete this key at {name} under {page}. Make a new one with {withdraw} left empty: "
        "{read} and {trade} suffice.",
    ),
    "TRANSFER_ENABLED": Guidance(
        "The key can move money between accounts.",
        "At {name} open {page}, edit the key and clear {transfer}, then test again.",
    ),
    "KEY_EXPIRED": Guidance(
        "The key has ended or is locked.",
        "At {name} open {page}, make a new key (bound to this server's address it does not end) and replace it here.",
    ),
    "ACCOUNT_RESTRICTED": Guidance(
        "{name} has restricted the account ({why}).",
        "Sign in at {name} and look for open identity checks, agreements or notices; its support can say more.",
    ),
    "PERMISSIONS_UNVERIFIABLE": Guidance(
        "{name} did not prove what the key may do ({why}). A key that is not proven trade-only is not used.",
        "Test again. If it stays, make a new key under {page} with only {read} and {trade} ticked.",
    ),
    "PAIR_NOT_API_TRADABLE": Guidance(
        "The key may not trade the pair used for the test ({why}).",
        "At {name} open {page}, edit the key and add the pairs the bots trade, or all pairs.",
    ),
    "ORDER_TYPE_DISABLED": Guidance(
        "{name} takes no limit orders from this key ({why}).",
        "Check at {name} whether API trading is enabled for the account; test again later.",
    ),
    "RATE_LIMITED": Guidance("{name} asks for fewer requests.", "Nothing to do: the test is repeated by itself."),
    "VENUE_DOWN": Guidance(
        "{name} does not work at the moment ({why}).", "Nothing to do: the test is repeated by itself."
    ),
    "NETWORK": Guidance(
        "{name} cannot be reached ({why}).",
        "The test is repeated by itself. If it stays, check the server's connection, name resolution and firewall.",
    ),
    "AMBIGUOUS_AUTH": Guidance(
        "{name} refuses the key without saying why ({why}).",
        "Check key, secret and address list under {page}; if all are right, make a new key.",
    ),
    "KEY_STORE_UNAVAILABLE": Guidance(
        "Nothing can be signed: the key store does not give the key ({why}).",
        "If the store is down, start or unseal it: the test is repeated by itself. If the key is gone, enter it again.",
    ),
    "INTERNAL": Guidance(
        "The test could not be finished ({why}).",
        "Test again; if it stays, show the connector's log to the operator.",
    ),
}  # fmt: skip

_TESTING = Guidance("The connection is being tested.", "")


def guidance(exchange: ExchangeId, code: TestCode | None, *, why: str = "", address: str | None = None) -> Guidance:
    """Return what to tell; ``code`` None while a test runs. ``why`` is a raw code or token, never a secret."""
    if code is None:
        return _TESTING
    menu = _MENUS[venue_of(exchange)]._asdict()
    words = {**menu, "why": why or "no reason given", "address": address or "this server's public address"}
    text = _TEXTS[code]
    return Guidance(text.message.format(**words), text.hint.format(**words))
