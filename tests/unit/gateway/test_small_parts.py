"""Throttle, key files, settings, noted changes, pages."""

import stat
from pathlib import Path

import pytest
from backfuture_common.errors import Fatal
from backfuture_common.runtime.clock import ManualClock
from backfuture_gateway.auth.passwords import Passwords
from backfuture_gateway.auth.throttle import MAX_PER_ADDRESS, MAX_PER_NAME, WINDOW_S, LoginThrottle
from backfuture_gateway.events.changes import Change, Changes
from backfuture_gateway.fingerprints import Fingerprints
from backfuture_gateway.http.errors import Invalid, TooMany
from backfuture_gateway.http.pages import Position
from backfuture_gateway.market.catalogue import Catalogue
from backfuture_gateway.secret_files import load_or_create_key, read_secret
from backfuture_gateway.settings import GatewaySettings
from pydantic import ValidationError
from sqlalchemy import text

from tests.support.gateway import CHEAP, gateway_in_process


class TestThrottle:
    def test_a_name_is_refused_after_too_many_failures_from_anywhere(self) -> None:
        throttle = LoginThrottle(ManualClock())
        for number in range(MAX_PER_NAME):
            throttle.begin("ana", f"10.0.0.{number}")

        with pytest.raises(TooMany) as refused:
            throttle.begin("ana", "10.0.0.99")
        throttle.begin("bob", "10.0.0.1")
        assert refused.value.retry_after_s == WINDOW_S + 1

    def test_an_address_is_refused_after_too_many_failures_for_anybody(self) -> None:
        throttle = LoginThrottle(ManualClock())
        for number in range(MAX_PER_ADDRESS):
            throttle.begin(f"user{number}", "10.0.0.1")

        with pytest.raises(TooMany):
            throttle.begin("fresh", "10.0.0.1")
        throttle.begin("fresh", "10.0.0.2")

    def test_successes_do_not_count(self) -> None:
        throttle = LoginThrottle(ManualClock())

        for _ in range(MAX_PER_ADDRESS * 2):
            throttle.begin("ana", "10.0.0.1")
            throttle.succeeded("ana", "10.0.0.1")

    def test_it_forgets_after_its_window(self) -> None:
        clock = ManualClock()
        throttle = LoginThrottle(clock)
        for _ in range(MAX_PER_NAME):
            throttle.begin("ana", "10.0.0.1")

        clock.advance(WINDOW_S)

        throttle.begin("ana", "10.0.0.1")


class TestPasswords:
    async def test_an_unknown_user_costs_a_check_and_gets_a_no(self) -> None:
        passwords = Passwords(CHEAP)

        assert await passwords.matches(await passwords.hash("one"), "one")
        assert not await passwords.matches(await passwords.hash("one"), "two")
        assert not await passwords.matches(None, "nobody has this password")
        assert not await passwords.matches("not a hash", "one")

    async def test_a_cheaper_hash_is_outdated(self) -> None:
        assert Passwords().is_outdated(CHEAP.hash("one"))
        assert not Passwords(CHEAP).is_outdated(CHEAP.hash("one"))


class TestKeyFiles:
    def test_a_key_is_made_once_for_its_owner_only(self, tmp_path: Path) -> None:
        path = tmp_path / "secrets" / "a.key"

        first = load_or_create_key(path)

        assert load_or_create_key(path) == first
        assert len(first) == 32
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [file.name for file in path.parent.iterdir()] == ["a.key"]

    def test_a_file_that_others_can_read_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "token"
        path.write_text("secret")
        path.chmod(0o640)

        with pytest.raises(Fatal, match=r"secret_file\.open"):
            read_secret(path)

    @pytest.mark.parametrize("content", ["abcd", "", "z" * 64])
    def test_a_damaged_key_is_refused(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "a.key"
        path.write_text(content)
        path.chmod(0o600)

        with pytest.raises(Fatal, match="key_file"):
            load_or_create_key(path)

    def test_a_missing_secret_is_told_by_its_path(self, tmp_path: Path) -> None:
        with pytest.raises(Fatal, match=r"secret_file\.unreadable"):
            read_secret(tmp_path / "none")


class TestSettings:
    def test_the_defaults_are_for_this_machine_only(self) -> None:
        settings = GatewaySettings()

        assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8700)
        assert settings.exchange_ids == ("paper-kucoin", "paper-mexc")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("database_url", "postgresql+asyncpg://user:secret@db/x"),
            ("database_url", "mysql://db/x"),
            ("database_url", "no url"),
            ("parts", "engine=127.0.0.1:8714"),
            ("exchanges", " , "),
            ("access_ttl_s", 5),
        ],
    )
    def test_what_cannot_be_is_refused_without_being_shown(self, name: str, value: object) -> None:
        with pytest.raises(ValidationError) as refused:
            GatewaySettings.model_validate({name: value})

        assert "secret" not in str(refused.value)

    def test_the_database_password_comes_from_its_file_and_hides(self, tmp_path: Path) -> None:
        file = tmp_path / "password"
        file.write_text("pa/ss word\n")
        file.chmod(0o600)
        settings = GatewaySettings.model_validate(
            {"database_url": "postgresql+asyncpg://user@db/x", "database_password_file": file}
        )

        url = settings.database_address()

        assert url.password == "pa/ss word"
        assert "pa/ss" not in str(url)

    def test_parts_are_names_with_addresses(self) -> None:
        settings = GatewaySettings.model_validate(
            {"parts": "engine=http://127.0.0.1:8714, intake=http://127.0.0.1:8710/"}
        )

        assert settings.part_addresses == (("engine", "http://127.0.0.1:8714"), ("intake", "http://127.0.0.1:8710"))

    def test_an_exchange_nobody_knows_is_refused(self) -> None:
        with pytest.raises(ValueError, match="mtgox"):
            Catalogue(GatewaySettings.model_validate({"exchanges": "paper-mexc,mtgox"}).exchange_ids)


class TestChanges:
    async def test_changes_are_told_after_their_commit_and_once(self, tmp_path: Path) -> None:
        changes = Changes()
        async with gateway_in_process(tmp_path) as running:
            async with running.gateway.db.write() as session:
                await session.execute(text("SELECT 1"))
                changes.note(session, Change("bot", "1"), Change("bot", "1"), Change("order", "2"))

            assert await changes.next() == [Change("bot", "1"), Change("order", "2")]

    async def test_changes_of_a_failed_write_are_not_told(self, tmp_path: Path) -> None:
        changes = Changes()

        async def fail() -> None:
            async with running.gateway.db.write() as session:
                await session.execute(text("SELECT 1"))
                changes.note(session, Change("bot", "1"))
                raise Invalid("x", "y")

        async with gateway_in_process(tmp_path) as running:
            with pytest.raises(Invalid):
                await fail()
            async with running.gateway.db.write() as session:
                await session.execute(text("SELECT 1"))
                changes.note(session, Change("bot", "2"))

            assert await changes.next() == [Change("bot", "2")]

    async def test_too_many_changes_become_a_request_to_look(self, tmp_path: Path) -> None:
        changes = Changes()
        async with gateway_in_process(tmp_path) as running, running.gateway.db.write() as session:
            await session.execute(text("SELECT 1"))
            changes.note(session, *(Change("order", str(number)) for number in range(6_000)))

        assert await changes.next() is None


def test_fingerprints_tell_apart_and_depend_on_the_key() -> None:
    one, other = Fingerprints(b"1" * 32), Fingerprints(b"2" * 32)
    exchange = Catalogue(GatewaySettings().exchange_ids).exchanges[0].id

    assert one.of_api_key(exchange, "a") == one.of_api_key(exchange, "a")
    assert one.of_api_key(exchange, "a") != other.of_api_key(exchange, "a")
    assert one.of_request("POST", "/a", "", b"x") != one.of_request("POST", "/a", "x", b"")


def test_a_cursor_says_where_the_next_page_begins() -> None:
    position = Position(at_ms=12, row_id="bot_1-g1")

    assert Position.parse(position.write()) == position
    assert Position.parse(None) is None
