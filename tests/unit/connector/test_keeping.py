"""A connection's standing over its life: tested, checked again, its lease kept, its key exchanged."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from backfuture_common.messages.connections import AccountBalances, ConnectionState, TestCode
from backfuture_connector.core.facts import Top
from backfuture_connector.core.failures import FailureKind
from backfuture_connector.core.key_verdict import KeyVerdict
from backfuture_connector.core.report import Subject
from backfuture_connector.shell.agenda import Agenda
from backfuture_connector.shell.connection_test import Bench
from backfuture_connector.shell.keeping import Standing, StandingKeeper, Times
from backfuture_connector.shell.telling import Teller

from tests.property.connector.virtual_time import VirtualClock, run_virtual
from tests.unit.connector.build import BTC, CONNECTION, EXCHANGE, OWNER, connection, instrument
from tests.unit.connector.fakes import GOOD, FakeKeys, FakePublic, FakePublisher, FakeVenue

RECHECK_S = 100.0


@dataclass
class Scene:
    """One connection with its keeper; ``venue`` is what every opened account becomes."""

    state: ConnectionState | None = None
    keys: FakeKeys = field(default_factory=FakeKeys)
    venue: FakeVenue = field(default_factory=FakeVenue)
    public: FakePublic = field(default_factory=FakePublic)
    published: FakePublisher = field(default_factory=FakePublisher)
    offsets: list[int] = field(default_factory=list)

    def build(self) -> None:
        clock = VirtualClock()

        def open_account(_lease: object, offset_ms: int) -> FakeVenue:
            self.offsets.append(offset_ms)
            return self.venue

        bench = Bench(
            public=self.public,
            keys=self.keys,
            open_account=open_account,
            clock=clock,
            trial_market=instrument,
            newest_price=lambda _symbol: None,
        )
        self.agenda: Agenda[Any] = Agenda(clock)
        self.standing = Standing(self.state)
        self.keeper = StandingKeeper(
            standing=self.standing,
            bench=bench,
            teller=Teller(self.published),  # type: ignore[arg-type]  # the two methods it needs
            times=Times(reconcile_s=60, recheck_s=RECHECK_S),
            agenda=self.agenda,
            on_push=lambda _order, _gap: None,
        )

    async def pass_time(self, group: asyncio.TaskGroup, for_s: float) -> None:
        """Do what falls due, as the worker does."""
        clock = VirtualClock()
        until_s = clock.monotonic_s() + for_s
        while (left_s := until_s - clock.monotonic_s()) > 0:
            try:
                async with asyncio.timeout(left_s):
                    name = await self.agenda.next()
            except TimeoutError:
                return
            await self.keeper.on_date(name, group)

    @property
    def newest(self) -> ConnectionState:
        return self.published.states()[-1]


def subject(version: int = 1, test_id: str = "test_1") -> Subject:
    return Subject(
        connection_id=CONNECTION, owner=OWNER, exchange=EXCHANGE, test_id=test_id, credential_version=version
    )


def play(scene: Scene, story: Callable[[asyncio.TaskGroup], Awaitable[None]]) -> Scene:
    async def whole() -> None:
        scene.build()
        async with asyncio.TaskGroup() as group:
            await story(group)
            await scene.keeper.close()

    run_virtual(whole())
    return scene


def after_test(scene: Scene) -> Scene:
    return play(scene, lambda group: scene.keeper.test(subject(), group))


def test_a_good_key_goes_online_and_its_balances_are_told() -> None:
    scene = after_test(Scene())
    assert (scene.newest.status, scene.newest.code) == ("online", "OK")
    assert scene.venue.asked == ["key", "trial", "balances", "orders of BTC/USDT"]
    assert any(isinstance(one, AccountBalances) for one in scene.published.messages())
    assert [step.status for step in scene.newest.steps].count("passed") == 8


@pytest.mark.parametrize(
    ("verdict", "status", "code"),
    [
        (KeyVerdict(code="WITHDRAW_ENABLED", why="Transfer"), "refused", "WITHDRAW_ENABLED"),
        (KeyVerdict(code="TRANSFER_ENABLED"), "attention", "TRANSFER_ENABLED"),
        (KeyVerdict(code="TRADE_RIGHT_MISSING"), "attention", "TRADE_RIGHT_MISSING"),
        (KeyVerdict(code="READ_RIGHT_MISSING"), "attention", "READ_RIGHT_MISSING"),
        (KeyVerdict(code="PERMISSIONS_UNVERIFIABLE"), "attention", "PERMISSIONS_UNVERIFIABLE"),
        (KeyVerdict(code="KEY_EXPIRED"), "attention", "KEY_EXPIRED"),
        ("key_unknown", "attention", "KEY_UNKNOWN"),
        ("secret_wrong", "attention", "SECRET_WRONG"),
        ("passphrase_wrong", "attention", "PASSPHRASE_WRONG"),
        ("no_permission", "attention", "READ_RIGHT_MISSING"),
        ("unrecognised", "attention", "PERMISSIONS_UNVERIFIABLE"),
        ("signer_refused", "attention", "INTERNAL"),
    ],
)
def test_whatever_is_wrong_with_the_key_ends_the_test_at_once_and_gives_the_lease_back(
    verdict: KeyVerdict | FailureKind, status: str, code: TestCode
) -> None:
    scene = after_test(Scene(venue=FakeVenue(verdict=verdict)))
    assert (scene.newest.status, scene.newest.code, scene.newest.trade_allowed) == (status, code, False)
    assert scene.venue.asked == ["key"], "nothing else is asked with such a key"
    assert scene.keys.dropped == ["handle-1"]
    assert scene.venue.closed
    assert [step.status for step in scene.newest.steps].count("failed") == 1


def test_the_test_order_obeys_the_markets_rules_and_lies_below_the_price() -> None:
    scene = Scene(public=FakePublic(tops={BTC: Top(Decimal("60000.017"), Decimal(60001), 0)}))
    after_test(scene)
    ((symbol, amount, price),) = scene.venue.trials
    market = instrument()
    assert (symbol, price) == (BTC, Decimal("60000.01"))
    assert amount % market.amount_step == 0
    assert amount >= market.amount_min
    assert amount * price >= market.cost_min


def test_a_test_order_that_is_not_permitted_ends_the_test() -> None:
    scene = after_test(Scene(venue=FakeVenue(trial="no_permission")))
    assert (scene.newest.status, scene.newest.code) == ("attention", "TRADE_RIGHT_MISSING")


def test_a_test_order_refused_for_its_contents_is_a_warning() -> None:
    scene = after_test(Scene(venue=FakeVenue(trial="bad_request")))
    assert scene.newest.status == "online"
    assert [step.name for step in scene.newest.steps if step.status == "warned"] == ["trade_right"]


def test_a_test_that_hangs_ends_within_its_deadline_without_a_lease() -> None:
    scene = after_test(Scene(venue=FakeVenue(hangs=True)))
    assert (scene.newest.status, scene.newest.code) == ("attention", "NETWORK")
    assert scene.keys.dropped == ["handle-1"]


def test_a_wrong_clock_is_measured_warned_about_and_made_up_for() -> None:
    scene = after_test(Scene(public=FakePublic(ahead_ms=4_000)))
    assert scene.newest.status == "online"
    assert scene.newest.steps[0].status == "warned"
    assert scene.offsets == [4_000]


def test_a_refused_key_is_not_leased_again_until_another_is_stored() -> None:
    scene = Scene(state=connection("refused"))

    async def story(group: asyncio.TaskGroup) -> None:
        await scene.keeper.test(subject(version=1), group)
        assert scene.keys.leased == 0
        assert scene.newest.status == "refused"
        scene.keys.version = 2
        await scene.keeper.test(subject(version=2), group)

    play(scene, story)
    assert scene.newest.status == "online"


def test_an_exchange_that_is_away_is_asked_again_until_it_is_back_and_the_steps_are_not_told_again() -> None:
    scene = Scene(public=FakePublic(down="network"))

    async def story(group: asyncio.TaskGroup) -> None:
        await scene.keeper.test(subject(), group)
        assert scene.newest.code == "NETWORK"
        told = len(scene.published.records)
        await scene.pass_time(group, 300)
        assert len(scene.published.records) == told
        scene.public.down = None
        await scene.pass_time(group, 700)

    play(scene, story)
    assert scene.newest.status == "online"
    assert [state.status for state in scene.published.states()][-2:] == ["attention", "online"]


def online(**changes: object) -> Scene:
    """Return a scene whose connection was online before this process started."""
    return Scene(state=msgspec.structs.replace(connection(), rights=GOOD.rights, **changes))


def resumed(scene: Scene, story: Callable[[asyncio.TaskGroup], Awaitable[None]]) -> Scene:
    async def whole(group: asyncio.TaskGroup) -> None:
        await scene.keeper.resume(group)
        await story(group)

    return play(scene, whole)


async def nothing(_group: asyncio.TaskGroup) -> None:
    return


def test_after_a_restart_an_online_connection_is_checked_and_goes_on_without_a_word() -> None:
    scene = online()
    resumed(scene, nothing)
    assert scene.venue.asked == ["key"]
    assert scene.published.records == []
    assert scene.standing.state is not None
    assert scene.standing.state.trade_allowed


def test_after_a_restart_without_a_key_store_the_connection_says_so_and_comes_back() -> None:
    scene = online()
    scene.keys.down = "signer_unavailable"

    async def story(group: asyncio.TaskGroup) -> None:
        assert (scene.newest.status, scene.newest.code) == ("attention", "KEY_STORE_UNAVAILABLE")
        scene.keys.down = None
        await scene.pass_time(group, 30)

    resumed(scene, story)
    assert scene.newest.status == "online"


def test_a_key_exchanged_while_we_were_away_is_tested_before_it_is_used() -> None:
    scene = online()
    scene.keys.version = 2
    scene.venue.verdict = KeyVerdict(code="WITHDRAW_ENABLED")
    resumed(scene, nothing)
    assert (scene.newest.status, scene.newest.credential_version) == ("refused", 2)


def test_the_version_that_was_really_tested_is_told() -> None:
    scene = Scene()
    scene.keys.version = 5
    assert after_test(scene).newest.credential_version == 5


def test_a_right_that_appears_later_refuses_the_key_at_the_next_check() -> None:
    scene = online()

    async def story(group: asyncio.TaskGroup) -> None:
        scene.venue.verdict = KeyVerdict(code="WITHDRAW_ENABLED", why="Transfer")
        await scene.pass_time(group, RECHECK_S + 1)

    resumed(scene, story)
    assert (scene.newest.status, scene.newest.trade_allowed) == ("refused", False)
    assert scene.keys.dropped == ["handle-1"]


@pytest.mark.parametrize("kind", ["network", "venue_down", "rate_limited", "signer_unavailable"])
def test_a_check_that_gets_no_answer_changes_nothing(kind: FailureKind) -> None:
    scene = online()

    async def story(group: asyncio.TaskGroup) -> None:
        scene.venue.verdict = kind
        await scene.pass_time(group, 5 * RECHECK_S)
        scene.venue.verdict = GOOD
        await scene.pass_time(group, RECHECK_S)

    resumed(scene, story)
    assert scene.published.records == []


@pytest.mark.parametrize("kind", ["key_unknown", "ip_not_allowed", "no_permission", "unrecognised"])
def test_a_check_that_is_refused_takes_the_connection_off(kind: FailureKind) -> None:
    scene = online()

    async def story(group: asyncio.TaskGroup) -> None:
        scene.venue.verdict = kind
        await scene.pass_time(group, RECHECK_S + 1)

    resumed(scene, story)
    assert (scene.newest.status, scene.newest.trade_allowed) == ("attention", False)


def test_a_wrong_clock_takes_the_connection_off_until_it_is_measured_anew() -> None:
    scene = online()

    async def story(group: asyncio.TaskGroup) -> None:
        scene.venue.verdict = "clock_skew"
        await scene.pass_time(group, RECHECK_S + 1)
        assert scene.newest.code == "CLOCK_SKEW"
        scene.venue.verdict, scene.public.ahead_ms = GOOD, 9_000
        await scene.pass_time(group, 60)

    resumed(scene, story)
    assert scene.newest.status == "online"
    assert scene.offsets[-1] == 9_000


def test_leases_are_renewed_in_time_for_ever() -> None:
    scene = online()
    resumed(scene, lambda group: scene.pass_time(group, 7_200))
    assert scene.keys.renewed >= 10
    assert scene.keys.leased == 1


def test_a_lease_the_signer_has_forgotten_is_taken_anew() -> None:
    scene = online()

    async def story(group: asyncio.TaskGroup) -> None:
        scene.keys.renew_down = "lease_gone"
        await scene.pass_time(group, 700)

    resumed(scene, story)
    assert scene.venue.leases[0] == "handle-2"
    assert scene.published.records == []


def test_a_credential_that_is_gone_takes_the_connection_off() -> None:
    scene = online()

    async def story(group: asyncio.TaskGroup) -> None:
        scene.keys.renew_down = scene.keys.down = "lease_gone"
        await scene.pass_time(group, 700)

    resumed(scene, story)
    assert (scene.newest.status, scene.newest.code) == ("attention", "KEY_STORE_UNAVAILABLE")


def test_a_key_rotated_while_leased_is_tested_before_it_is_used() -> None:
    scene = online()

    async def story(group: asyncio.TaskGroup) -> None:
        scene.keys.version = 2
        await scene.pass_time(group, 700)

    resumed(scene, story)
    assert (scene.newest.status, scene.newest.credential_version) == ("online", 2)
    assert "trial" in scene.venue.asked


@pytest.mark.parametrize("status", ["refused", "removed"])
def test_connections_that_are_over_stay_over_after_a_restart(status: Any) -> None:
    scene = Scene(state=connection(status))
    resumed(scene, lambda group: scene.pass_time(group, 1_000))
    assert scene.keys.leased == 0
    assert scene.published.records == []
