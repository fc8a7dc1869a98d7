"""The exchange's own book against what the platform says: the judge of "never lost, never doubled"."""

from collections import Counter
from decimal import Decimal
from typing import Any

from tests.support.platform import Api

Book = dict[str, Any]


def all_orders(api: Api) -> list[dict[str, Any]]:
    """Return every order the gateway knows."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = api.get("/orders", limit=500, **({"cursor": cursor} if cursor else {}))
        found += page["items"]
        cursor = page["next_cursor"] or ""
        if not cursor:
            return found


def journal(api: Api, bot_id: str) -> list[dict[str, Any]]:
    """Return a bot's whole journal, oldest first."""
    found: list[dict[str, Any]] = []
    before: dict[str, str | int] = {}
    while page := api.items(f"/bots/{bot_id}/journal", limit=500, **before):
        found += page
        before = {"before_seq": min(entry["seq"] for entry in page)}
        if before["before_seq"] == 1:
            break
    return sorted(found, key=lambda entry: int(entry["seq"]))


def facts(entries: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return the facts of one kind, in order."""
    return [fact for entry in entries for fact in entry["facts"] if fact["fact"] == kind]


def judge(api: Api, bot_id: str, book: Book) -> None:
    """Fail unless book, journal and API tell the same story of one bot that owns its account alone.

    Every intent is resolved; no client order id stands twice at the exchange; nothing stands there that was not
    intended; every order names a decision of the journal; amounts, costs and fees agree to the last digit.
    """
    entries = journal(api, bot_id)
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1)), "the journal has a gap"
    intended = {fact["command"]["client_order_id"]: fact["command"] for fact in facts(entries, "order_intended")}
    decided = {fact["decision"]["decision_id"] for fact in facts(entries, "decided")}
    known = {order["client_order_id"]: order for order in all_orders(api) if order["bot_id"] == bot_id}
    at_exchange = Counter(order["request"]["client_id"] for order in book["orders"])

    assert known.keys() == intended.keys(), "an intent has no order, or an order no intent"
    assert max(at_exchange.values(), default=0) <= 1, f"doubled: {at_exchange.most_common(3)}"
    assert at_exchange.keys() <= intended.keys(), "the exchange has an order that nobody intended"
    for client_order_id, order in known.items():
        assert order["status"] in {"filled", "canceled", "rejected", "expired"}, f"unresolved: {order}"
        assert order["decision_id"] in decided, f"unexplained: {order}"
        if order["status"] in {"filled", "canceled"}:
            assert at_exchange[client_order_id] == 1, f"lost: {order}"
    _compare_fills(known, book)


def _compare_fills(known: dict[str, dict[str, Any]], book: Book) -> None:
    sums: dict[str, dict[str, Decimal]] = {}
    for fill in book["fills"]:
        mine = sums.setdefault(fill["client_id"], _nothing(fill["symbol"]))
        mine["amount"] += Decimal(fill["amount"])
        mine["cost"] += Decimal(fill["cost"])
        mine[fill["fee_coin"]] += Decimal(fill["fee"])
    for client_order_id, order in known.items():
        base, quote = str(order["symbol"]).split("/")
        truth = sums.get(client_order_id, _nothing(order["symbol"]))
        said = {
            "amount": Decimal(order["filled_amount"]),
            "cost": Decimal(order["filled_cost"]),
            base: Decimal(order["fee_base"]),
            quote: Decimal(order["fee_quote"]),
        }
        assert said == truth, f"{client_order_id}: the platform says {said}, the exchange {truth}"


def _nothing(symbol: str) -> dict[str, Decimal]:
    return dict.fromkeys(("amount", "cost", *symbol.split("/")), Decimal(0))


def realised(api: Api, bot_id: str) -> Decimal:
    """Return the result of the bot's closed groups as the API tells it."""
    return Decimal(api.get(f"/bots/{bot_id}")["realised_quote"])
