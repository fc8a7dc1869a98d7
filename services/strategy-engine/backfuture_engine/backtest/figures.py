"""A run in numbers."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from backfuture_common.contracts.backtest import BotFigures, Figures, SimGroup
from backfuture_common.domain.ids import BotId
from backfuture_common.domain.money import HUNDRED, ZERO, divide
from backfuture_common.messages.bots import BotSpec

from backfuture_engine.backtest.books import Books
from backfuture_engine.backtest.equity import Equity


def figures(
    books: Books, groups: Sequence[SimGroup], equity: Equity, opening: Decimal, span: tuple[int, int]
) -> Figures:
    """Return the whole run's numbers. ``opening``: all accounts together at the beginning, > 0; ``span``: its times."""
    closed = [group for group in groups if group.closed_ms is not None]
    results = [group.result_quote for group in closed]
    gains, losses = _sum(r for r in results if r > 0), -_sum(r for r in results if r < 0)
    wins, profit = sum(result > 0 for result in results), _sum(results)
    drawdown = equity.drawdown()
    bound = _Bound(groups, span)
    return Figures(
        groups_closed=len(closed),
        groups_open=len(groups) - len(closed),
        wins=wins,
        win_rate_percent=_ratio(Decimal(wins) * HUNDRED, Decimal(len(closed))),
        entries=len(groups),
        add_ons=sum(group.add_ons for group in groups),
        orders=books.orders,
        orders_unfilled=books.unfilled,
        decisions=books.decisions,
        profit_quote=profit,
        profit_percent=divide(profit * HUNDRED, opening),
        unrealised_quote=_sum(group.result_quote for group in groups if group.closed_ms is None),
        gross_profit_quote=gains,
        gross_loss_quote=losses,
        profit_factor=_ratio(gains, losses),
        best_group_quote=max(results, default=None),
        worst_group_quote=min(results, default=None),
        average_group_quote=_ratio(profit, Decimal(len(closed))),
        fees_quote=_sum(fill.fee_quote + fill.fee_base * fill.price for group in groups for fill in group.fills),
        final_equity_quote=equity.final(),
        max_drawdown_quote=drawdown.quote,
        max_drawdown_percent=drawdown.percent,
        max_bound_quote=bound.most,
        mean_bound_quote=bound.mean,
        time_in_market_percent=bound.time_percent,
        longest_group_ms=max(((group.closed_ms or span[1]) - group.opened_ms for group in groups), default=0),
    )


def bot_figures(
    specs: Sequence[BotSpec], groups: Sequence[SimGroup], faults: Mapping[BotId, str]
) -> tuple[BotFigures, ...]:
    """Return each bot's share, in the order in which they were given."""
    return tuple(
        BotFigures(
            bot_id=spec.bot_id,
            name=spec.name,
            groups_closed=sum(group.closed_ms is not None for group in mine),
            groups_open=sum(group.closed_ms is None for group in mine),
            add_ons=sum(group.add_ons for group in mine),
            profit_quote=_sum(group.result_quote for group in mine if group.closed_ms is not None),
            unrealised_quote=_sum(group.result_quote for group in mine if group.closed_ms is None),
            fault=faults.get(spec.bot_id),
        )
        for spec in specs
        for mine in [[group for group in groups if group.bot_id == spec.bot_id]]
    )


class _Bound:
    """How much money was bound in coins, at what they had cost."""

    def __init__(self, groups: Sequence[SimGroup], span: tuple[int, int]) -> None:
        start_ms, end_ms = span
        changes: list[tuple[int, Decimal]] = []
        for group in groups:
            for fill in group.fills:
                if fill.side == "buy":
                    changes += [(fill.at_ms, fill.cost), (group.closed_ms or end_ms, -fill.cost)]
        changes.sort()
        now, before_ms, in_market_ms, weighted = ZERO, start_ms, 0, ZERO
        self.most = ZERO
        for at_ms, change in changes:
            passed_ms = at_ms - before_ms
            weighted += now * passed_ms
            in_market_ms += passed_ms if now else 0
            now, before_ms = now + change, at_ms
            self.most = max(self.most, now)
        whole_ms = Decimal(max(end_ms - start_ms, 1))
        self.mean = divide(weighted, whole_ms)
        self.time_percent = divide(Decimal(in_market_ms) * HUNDRED, whole_ms)


def _ratio(part: Decimal, whole: Decimal) -> Decimal | None:
    return divide(part, whole) if whole else None


def _sum(values: Iterable[Decimal]) -> Decimal:
    return sum(values, ZERO)
