"""Decisions, orders and states in words."""

from typing import Any

from backfuture_common.messages import decisions

from backfuture_dashboard.figures import number, price

REASONS = {str(code): reason.words for code, reason in decisions.REASONS.items()} | {
    "BOT_OFF": "the bot is stopped",
    "CONN_OFFLINE": "the connection is not online",
    "CONN_MISMATCH": "the connection does not belong to this bot",
    "SYMBOL_UNKNOWN": "the exchange does not list the pair",
    "PRICE_STALE": "the newest price is too old",
    "GROUP_LIMIT": "as many groups are open as allowed",
    "GROUP_BUSY": "an order of the group is under way",
    "COOLDOWN": "the pair rests for a while",
    "OUT_OF_ZONE": "the price is in no zone",
    "ZONE_USED": "this zone was used already",
    "AVG_WORSE": "it would worsen the average",
    "GAIN_TOO_SMALL": "it would improve the average too little",
    "TOO_CLOSE": "it is too close to the last fill",
    "ADDON_LIMIT": "all add-ons are done",
    "MARGIN_BOT": "the bot's limit would be passed",
    "MARGIN_GROUP": "the group's limit would be passed",
    "BALANCE": "the account lacks the money",
    "MIN_SIZE": "the order is below the exchange's minimum",
    "DUST": "what is left is too little to sell",
    "TAKE_PROFIT": "the target is reached",
    "MANUAL": "you asked for it",
}
VERDICTS = {
    "OPEN": ("Opened", "add_circle", "positive"),
    "ADD_ON": ("Add-on", "south_east", "info"),
    "EXIT": ("Exit", "flag_circle", "positive"),
    "BLOCK": ("Blocked", "block", "warning"),
    "WAIT": ("Waiting", "hourglass_empty", "grey"),
}
STATUSES = {
    "entry_pending": "buying the entry",
    "active": "active",
    "add_on_pending": "adding on",
    "exit_pending": "selling",
    "closed": "closed",
    "canceled": "not opened",
}
STEPS = {
    "reachable": "Exchange reachable",
    "key": "Key accepted",
    "rights": "Rights read",
    "no_withdrawal": "Cannot withdraw",
    "trade_right": "May trade",
    "ip_list": "Bound to addresses",
    "balance": "Balance readable",
    "orders": "Orders readable",
}


def reasons(decision: dict[str, Any]) -> str:
    """Return why, in words; codes that are new to this page as they are."""
    return ", ".join(REASONS.get(code, code) for code in decision.get("reasons") or [])


def order_line(order: dict[str, Any]) -> str:
    """Say what an order did."""
    verb = "Bought" if order["side"] == "buy" else "Sold"
    base, _, quote = str(order["symbol"]).partition("/")
    filled = str(order.get("filled_amount") or "0")
    if filled not in {"0", "0.0"} and any(digit in filled for digit in "123456789"):
        return f"{verb} {number(filled)} {base} for {number(order['filled_cost'])} {quote}"
    intent = "Buy" if order["side"] == "buy" else "Sell"
    limit = price(order["limit_price"]) if order.get("limit_price") else "market"
    return f"{intent} {number(order.get('amount'))} {base} at {limit}: {order['status']}"


def exchange_name(exchange: str) -> str:
    """Return how people call an exchange."""
    names = {"kucoin": "KuCoin", "mexc": "MEXC"}
    return names.get(exchange.removeprefix("paper-"), exchange)
