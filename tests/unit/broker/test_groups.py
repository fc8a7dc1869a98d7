"""Consumer groups: who is in, who leads, who is late, who is thrown out."""

import pytest
from backfuture_broker.errors import Code
from backfuture_broker.groups import Group
from backfuture_broker.members import Joined, JoinRequest

from tests.unit.broker.build import FakeClock

SESSION_MS = 10_000
REBALANCE_MS = 30_000


class Client:
    """A member as its client sees it: what it was answered last."""

    def __init__(self, group: Group, name: str, instance_id: str | None = None, protocols: str = "range") -> None:
        self.group, self.name, self.instance_id = group, name, instance_id
        self.protocols = {each: name.encode() for each in protocols.split(",")}
        self.id = ""
        self.joined: Joined | None = None
        self.synced: tuple[Code, bytes] | None = None

    def join(self, *, two_steps: bool = False) -> "Client":
        self.joined = None
        request = JoinRequest(
            self.name,
            "host",
            SESSION_MS,
            REBALANCE_MS,
            "consumer",
            self.protocols,
            self.id,
            self.instance_id,
            two_steps,
        )
        self.group.join(request, self._on_joined)
        return self

    def _on_joined(self, joined: Joined) -> None:
        assert self.joined is None, "answered twice"
        self.joined = joined
        self.id = joined.member_id

    @property
    def generation(self) -> int:
        assert self.joined is not None
        assert self.joined.error == Code.NONE
        return self.joined.generation

    def sync(self, **shares: bytes) -> Code:
        self.synced = None
        error = self.group.sync(self.id, self.generation, self.instance_id, self._on_synced)
        if not error:
            self.group.assign(self.id, shares)
        return error

    def _on_synced(self, error: Code, share: bytes) -> None:
        assert self.synced is None, "answered twice"
        self.synced = (error, share)

    def beat(self) -> Code:
        return self.group.heartbeat(self.id, self.generation, self.instance_id)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def group(clock: FakeClock) -> Group:
    return Group(clock)


def stable(group: Group, *clients: Client) -> None:
    """Bring clients into one stable generation, the first as the leader."""
    for number, newcomer in enumerate(clients):
        newcomer.join()
        for client in clients[:number]:
            client.join()
    leader = next(client for client in clients if client.id == group.leader)
    shares = {client.id: f"share of {client.name}".encode() for client in clients}
    for client in clients:
        if client is not leader:
            assert client.sync() == Code.NONE
    assert leader.sync(**shares) == Code.NONE
    assert group.state == "Stable"


def test_the_first_member_leads_and_divides(group: Group) -> None:
    client = Client(group, "a").join()

    assert client.joined is not None
    assert client.joined.leader == client.id
    assert client.joined.members == ((client.id, None, b"a"),)
    assert client.sync(**{client.id: b"everything"}) == Code.NONE
    assert client.synced == (Code.NONE, b"everything")
    assert client.beat() == Code.NONE


def test_a_newcomer_makes_everybody_join_again_and_only_the_leader_learns_who_is_there(group: Group) -> None:
    a, b = Client(group, "a"), Client(group, "b")
    stable(group, a)

    b.join()
    assert b.joined is None
    assert a.beat() == Code.REBALANCE_IN_PROGRESS
    a.join()

    assert a.joined is not None
    assert b.joined is not None
    assert {member_id for member_id, _, _ in a.joined.members} == {a.id, b.id}
    assert b.joined.members == ()
    assert b.joined.leader == a.id
    assert b.sync() == Code.NONE
    assert b.synced is None, "it waits for the leader"
    a.sync(**{a.id: b"1", b.id: b"2"})
    assert (a.synced, b.synced) == ((Code.NONE, b"1"), (Code.NONE, b"2"))


def test_a_client_that_knows_both_steps_gets_its_id_first(group: Group) -> None:
    client = Client(group, "a").join(two_steps=True)
    assert client.joined is not None
    assert client.joined.error == Code.MEMBER_ID_REQUIRED
    assert group.members == {}

    client.join(two_steps=True)
    assert client.generation == 1


def test_an_id_given_out_and_never_used_holds_nobody_up_for_ever(group: Group, clock: FakeClock) -> None:
    ghost, client = Client(group, "ghost"), Client(group, "a")
    ghost.join(two_steps=True)
    client.join()
    assert client.joined is None

    clock.pass_ms(SESSION_MS + 1)
    group.sweep()

    assert client.generation == 1


def test_who_is_silent_is_removed_and_the_others_rebalance(group: Group, clock: FakeClock) -> None:
    a, b = Client(group, "a"), Client(group, "b")
    stable(group, a, b)

    clock.pass_ms(SESSION_MS - 1)
    assert a.beat() == Code.NONE
    clock.pass_ms(2)
    group.sweep()

    assert list(group.members) == [a.id]
    assert a.beat() == Code.REBALANCE_IN_PROGRESS
    assert b.beat() == Code.UNKNOWN_MEMBER_ID
    assert a.join().generation == 3


def test_the_only_member_silent_leaves_an_empty_group_that_others_can_join(group: Group, clock: FakeClock) -> None:
    stable(group, Client(group, "a"))
    clock.pass_ms(SESSION_MS + 1)
    group.sweep()
    assert group.is_unused
    assert group.state == "Empty"

    assert Client(group, "b").join().generation > 1


def test_who_does_not_join_again_in_time_is_left_behind(group: Group, clock: FakeClock) -> None:
    a, b, c = (Client(group, name) for name in "abc")
    stable(group, a, b)
    c.join()
    a.join()

    for _ in range(REBALANCE_MS // 5000 + 1):
        clock.pass_ms(5000)
        b.beat()
        group.sweep()

    assert set(group.members) == {a.id, c.id}
    assert a.generation == c.generation == group.generation


def test_a_leader_that_never_divides_is_replaced(group: Group, clock: FakeClock) -> None:
    a, b = Client(group, "a"), Client(group, "b")
    stable(group, a)
    b.join()
    a.join()
    b.sync()

    clock.pass_ms(SESSION_MS + 1)
    group.sweep()
    assert group.members == {}, "b was not heard of either"
    assert b.synced is not None
    assert b.synced[0] == Code.REBALANCE_IN_PROGRESS


def test_leaving_hands_the_partitions_on_at_once(group: Group) -> None:
    a, b = Client(group, "a"), Client(group, "b")
    stable(group, a, b)

    group.leave(b.id, None)

    assert a.beat() == Code.REBALANCE_IN_PROGRESS
    a.join()
    assert a.joined is not None
    assert [member_id for member_id, _, _ in a.joined.members] == [a.id]


def test_protocols_must_have_one_in_common_and_the_leaders_order_decides(group: Group) -> None:
    a = Client(group, "a", protocols="sticky,range")
    b = Client(group, "b", protocols="range,sticky")
    stable(group, a, b)
    assert group.protocol == "sticky"

    stranger = Client(group, "c", protocols="other").join()
    assert stranger.joined is not None
    assert stranger.joined.error == Code.INCONSISTENT_GROUP_PROTOCOL


def test_commits_are_taken_from_the_current_generation_only(group: Group) -> None:
    assert group.may_commit("", -1, None) == Code.NONE, "nobody is in the group"
    a = Client(group, "a")
    stable(group, a)

    assert group.may_commit(a.id, a.generation, None) == Code.NONE
    assert group.may_commit(a.id, a.generation - 1, None) == Code.ILLEGAL_GENERATION
    assert group.may_commit("nobody", a.generation, None) == Code.UNKNOWN_MEMBER_ID
    assert group.may_commit("", -1, None) == Code.UNKNOWN_MEMBER_ID


def test_a_static_member_that_returns_has_its_share_without_a_rebalance(group: Group) -> None:
    a, b = Client(group, "a", "i-a"), Client(group, "b", "i-b")
    stable(group, a, b)
    generation, share = group.generation, b.synced

    returned = Client(group, "b", "i-b").join()

    assert returned.generation == generation
    assert returned.id != b.id
    returned.sync()
    assert returned.synced == share
    assert a.beat() == Code.NONE
    assert b.beat() == Code.FENCED_INSTANCE_ID


def test_a_static_leader_that_returns_does_not_divide_anew(group: Group) -> None:
    a = Client(group, "a", "i-a")
    stable(group, a)

    returned = Client(group, "a", "i-a").join()

    assert returned.joined is not None
    assert returned.joined.leader != returned.id
    assert returned.joined.members == ()
    returned.sync()
    assert returned.synced == a.synced


def test_a_static_member_keeps_its_place_in_a_rebalance_until_its_session_ends(group: Group, clock: FakeClock) -> None:
    a, b, c = Client(group, "a"), Client(group, "b", "i-b"), Client(group, "c")
    stable(group, a, b)
    c.join()
    a.join()

    clock.pass_ms(SESSION_MS + 1)
    group.sweep()

    assert b.id not in group.members


def test_the_first_rebalance_waits_for_further_members_if_it_is_told_to(clock: FakeClock) -> None:
    group = Group(clock, join_delay_s=3.0)
    a, b = Client(group, "a").join(), Client(group, "b").join()
    assert (a.joined, b.joined) == (None, None)

    clock.pass_ms(3001)
    group.sweep()

    assert a.generation == b.generation == 1
