"""Leases: bound to caller and connection, ended in time, wiped when they end."""

import pytest
from backfuture_common.domain.ids import ConnectionId, ExchangeId, UserId
from backfuture_common.runtime import metrics
from backfuture_common.runtime.clock import ManualClock
from backfuture_key_vault.buffers import SecretBuffer
from backfuture_key_vault.leases import LEASE_S, SIGN_BURST, SIGN_RATE_PER_S, UNSEEN_LIMIT_S, Lease, LeaseBook
from backfuture_key_vault.rate import TokenBucket
from backfuture_key_vault.vault.credentials import Credential

USER, CONNECTION, OTHER = UserId("u1"), ConnectionId("c1"), ConnectionId("c2")


def credential(version: int = 1) -> Credential:
    return Credential(
        ExchangeId("paper-kucoin"), "key", SecretBuffer(bytearray(b"secret")), SecretBuffer(bytearray(b"pass")), version
    )


def is_wiped(held: Credential) -> bool:
    assert held.passphrase is not None
    for buffer in (held.secret, held.passphrase):
        try:
            buffer.mac(b"")
        except ValueError:
            continue
        return False
    return True


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def book(clock: ManualClock) -> LeaseBook:
    return LeaseBook(clock.monotonic_s)


def held(book: LeaseBook, token: str) -> Lease:
    lease = book.find(token)
    assert lease is not None
    return lease


def test_a_lease_is_found_by_its_token_alone(book: LeaseBook) -> None:
    token = book.open("a", USER, CONNECTION, credential())

    assert held(book, token).connection == CONNECTION
    for wrong in ("", "c1", token[:-1], token + "x"):
        assert book.find(wrong) is None
    assert token not in repr(vars(book))


def test_a_lease_ends_in_time_unless_it_is_renewed(book: LeaseBook, clock: ManualClock) -> None:
    token = book.open("a", USER, CONNECTION, credential())
    secret = held(book, token).credential
    clock.advance(LEASE_S - 1)
    book.renew(held(book, token), vault_seen=True)
    clock.advance(LEASE_S - 1)
    assert book.find(token)
    clock.advance(1)
    assert book.find(token) is None
    assert not is_wiped(secret)

    assert book.drop_expired() == 1
    assert is_wiped(secret)


def test_a_new_lease_ends_the_callers_older_one_for_that_connection_only(book: LeaseBook) -> None:
    older = book.open("a", USER, CONNECTION, credential())
    elsewhere = book.open("a", USER, OTHER, credential())
    somebody = book.open("b", USER, CONNECTION, credential())
    old = held(book, older)

    newer = book.open("a", USER, CONNECTION, credential(2))

    assert book.find(older) is None
    assert is_wiped(old.credential)
    assert not old.live
    assert all(book.find(token) for token in (newer, elsewhere, somebody))


def test_dropping_a_connection_ends_everybodys_leases_on_it_and_wipes(book: LeaseBook) -> None:
    tokens = [book.open(caller, USER, CONNECTION, credential()) for caller in ("a", "b")]
    other = book.open("a", USER, OTHER, credential())
    secrets = [held(book, token).credential for token in tokens]

    assert book.drop_connection(CONNECTION) == 2
    assert book.drop_connection(CONNECTION) == 0

    assert all(is_wiped(secret) for secret in secrets)
    assert [book.find(token) for token in tokens] == [None, None]
    assert book.find(other)
    last = held(book, other).credential
    assert book.drop_all() == 1
    assert is_wiped(last)


def test_a_newer_version_takes_over_and_the_old_one_is_wiped(book: LeaseBook) -> None:
    lease = held(book, book.open("a", USER, CONNECTION, credential()))
    old, new = lease.credential, credential(2)

    book.replace(lease, new)

    assert is_wiped(old)
    assert not is_wiped(lease.credential)
    assert lease.credential.version == 2


def test_without_the_vault_orders_end_after_a_day_and_come_back_with_it(book: LeaseBook, clock: ManualClock) -> None:
    lease = held(book, book.open("a", USER, CONNECTION, credential()))
    for _ in range(UNSEEN_LIMIT_S // 3000):
        clock.advance(3000)
        book.renew(lease, vault_seen=False)
    assert book.orders_allowed(lease)
    clock.advance(2500)
    assert not book.orders_allowed(lease)
    assert lease.live, "reading and cancelling go on"

    book.renew(lease, vault_seen=True)
    assert book.orders_allowed(lease)


def test_the_rate_is_the_connections_and_survives_a_new_lease(book: LeaseBook, clock: ManualClock) -> None:
    book.open("a", USER, CONNECTION, credential())
    granted = sum(book.within_rate(CONNECTION) for _ in range(SIGN_BURST + 20))
    book.drop_connection(CONNECTION)
    book.drop_expired()
    book.open("a", USER, CONNECTION, credential())

    assert granted == SIGN_BURST
    assert not book.within_rate(CONNECTION)
    assert book.within_rate(OTHER)
    clock.advance(1)
    assert sum(book.within_rate(CONNECTION) for _ in range(100)) == SIGN_RATE_PER_S


def test_idle_rates_are_forgotten(book: LeaseBook, clock: ManualClock) -> None:
    for number in range(100):
        book.within_rate(ConnectionId(f"c{number}"))
    clock.advance(10)
    book.drop_expired()

    assert not book._buckets


def test_the_gauge_counts_what_is_there(book: LeaseBook) -> None:
    gauge = metrics.LEASES.labels(exchange="paper-kucoin")
    before = gauge._value.get()
    book.open("a", USER, CONNECTION, credential())
    book.open("a", USER, CONNECTION, credential())
    assert gauge._value.get() == before + 1
    book.drop_all()
    assert gauge._value.get() == before


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    clock = ManualClock()
    bucket = TokenBucket(20, 3, clock.monotonic_s)
    clock.advance(1000)

    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    clock.advance(0.06)
    assert bucket.take()
    assert not bucket.take()
