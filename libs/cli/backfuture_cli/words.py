"""Decisions and their reasons in words, for whoever shows them to a person."""

from collections.abc import Mapping, Sequence

REASONS: Mapping[str, str] = {
    "BOT_OFF": "the bot is stopped",
    "CONN_OFFLINE": "the connection is not online",
    "CONN_MISMATCH": "the price is of another exchange than the bot's",
    "SYMBOL_UNKNOWN": "the exchange does not trade this market",
    "PRICE_STALE": "the newest price is too old to act on",
    "GROUP_LIMIT": "as many groups are open as the bot may have",
    "GROUP_BUSY": "an order of the group is under way",
    "COOLDOWN": "the pause after the last deal is not over",
    "OUT_OF_ZONE": "the price is in no zone for adding on",
    "ZONE_USED": "this zone has had its add-on",
    "AVG_WORSE": "buying here would worsen the average",
    "GAIN_TOO_SMALL": "buying here would hardly improve the average",
    "TOO_CLOSE": "the price is too close to the last fill",
    "ADDON_LIMIT": "all planned add-ons are done",
    "MARGIN_BOT": "the bot's margin limit would be passed",
    "MARGIN_GROUP": "the group's margin limit would be passed",
    "BALANCE": "there is not enough free money in the account",
    "MIN_SIZE": "the order would be smaller than the exchange allows",
    "DUST": "what is left is too little to be sold",
    "TAKE_PROFIT": "the target was reached",
    "MANUAL": "you asked for it",
}
"""Every reason code in words, as the end of a sentence."""

_VERDICTS: Mapping[str, str] = {
    "OPEN": "opens a group",
    "ADD_ON": "adds on",
    "EXIT": "closes the group",
    "BLOCK": "does not buy",
    "WAIT": "waits",
}


def decision_in_words(verdict: str, symbol: str, reasons: Sequence[str], numbers: Mapping[str, str]) -> str:
    """Return one sentence: ``BTC/USDT at 60000: does not buy: this zone has had its add-on``."""
    price = numbers.get("bid" if verdict == "EXIT" else "ask", "")
    place = f"{symbol} at {price}" if price else symbol
    why = "; ".join(REASONS.get(reason, reason) for reason in reasons)
    return f"{place}: {_VERDICTS.get(verdict, verdict)}{f': {why}' if why else ''}"
