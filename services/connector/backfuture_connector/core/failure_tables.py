"""Raw codes and texts of the venues, as data. Codes are compared as text; a row's words decide between meanings."""

import re
from typing import NamedTuple

from backfuture_connector.core.facts import Venue
from backfuture_connector.core.failures import Answer, FailureKind


class Row(NamedTuple):
    """``code`` means ``kind`` when ``words`` (lower case) occur in the text; no words: always."""

    code: str
    kind: FailureKind
    words: str = ""


KUCOIN: tuple[Row, ...] = (
    Row("400001", "key_unknown"),
    Row("400003", "key_unknown"),
    Row("400004", "passphrase_wrong"),
    Row("400005", "secret_wrong"),
    Row("400006", "ip_not_allowed"),
    Row("400007", "no_permission"),
    Row("112010", "no_permission"),
    Row("400002", "clock_skew"),
    Row("411100", "account_restricted"),
    Row("400303", "account_restricted"),
    Row("400500", "account_restricted"),
    Row("600004", "account_restricted"),
    Row("400302", "account_restricted"),
    Row("126047", "account_restricted"),
    Row("126046", "account_restricted"),
    Row("400200", "account_restricted"),
    Row("429000", "rate_limited"),
    Row("500000", "venue_down"),
    Row("200004", "insufficient_funds"),
    Row("300003", "insufficient_funds"),
    Row("600101", "below_minimum"),
    Row("600100", "below_minimum"),
    Row("126044", "duplicate_order"),
    Row("400100", "order_not_found", "order_not_exist"),
    Row("400100", "order_not_found", "does not exist"),
    Row("400100", "duplicate_order", "clientoidduplicated"),
    Row("400100", "below_minimum", "minimum requirement"),
    Row("900001", "pair_not_tradable"),
    Row("100001", "order_not_found", "ordernotexist"),
)

MEXC: tuple[Row, ...] = (
    Row("10072", "key_unknown"),
    Row("400", "key_unknown", "api key"),
    Row("700001", "secret_wrong"),
    Row("700002", "secret_wrong"),
    Row("402", "key_expired", "expired"),
    Row("700006", "ip_not_allowed"),
    Row("10075", "ip_not_allowed"),
    Row("406", "ip_not_allowed", "whitelist"),
    Row("700007", "no_permission"),
    Row("30020", "pair_not_tradable"),
    Row("70011", "pair_not_tradable"),
    Row("10007", "pair_not_tradable"),
    Row("-1121", "pair_not_tradable"),
    Row("30041", "order_type_disabled"),
    Row("30018", "account_restricted"),
    Row("200010", "account_restricted"),
    Row("60005", "account_restricted"),
    Row("700003", "clock_skew"),
    Row("700005", "clock_skew"),
    Row("10073", "clock_skew"),
    Row("429", "rate_limited"),
    Row("510", "rate_limited"),
    Row("500", "venue_down"),
    Row("30004", "insufficient_funds"),
    Row("30005", "insufficient_funds"),
    Row("10101", "insufficient_funds"),
    Row("30002", "below_minimum"),
    Row("30029", "duplicate_order", "client order id"),
    Row("-2013", "order_not_found"),
    Row("-2011", "order_not_found"),
)

_TABLES: dict[Venue, tuple[Row, ...]] = {"kucoin": KUCOIN, "mexc": MEXC}

_ADDRESS = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\b(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}\b")


def by_code(venue: Venue, answer: Answer) -> FailureKind | None:
    """Return what the venue's own code means, None when the table does not know it."""
    if answer.code is None:
        return None
    text = (answer.text or "").lower()
    for row in _TABLES[venue]:
        if row.code == answer.code and row.words in text:
            return row.kind
    return None


def seen_address(text: str) -> str | None:
    """Return the address the venue says it saw, if its text holds one."""
    found = _ADDRESS.search(text)
    return found.group() if found else None
