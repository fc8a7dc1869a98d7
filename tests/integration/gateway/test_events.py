"""The event stream over real HTTP: what changed, whose, in order, and on from where a client was."""

import asyncio
import json
import threading
from dataclasses import dataclass, field

import httpx

from tests.integration.gateway.conftest import Bench
from tests.integration.gateway.test_outbox import a_bot
from tests.support.gateway import eventually
from tests.support.gateway_bus import publish
from tests.support.gateway_records import BotStory, live_group, snapshot, spec, tick


@dataclass
class _Seen:
    kind: str
    id: int | None
    data: dict[str, object]


@dataclass
class _Client:
    """Reads a stream in a thread until it ends."""

    bench: Bench
    token: dict[str, str]
    seen: list[_Seen] = field(default_factory=list)
    connected: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def follow(self, last_id: int | None = None) -> None:
        threading.Thread(target=self._read, args=(last_id,), daemon=True).start()
        assert self.connected.wait(20)

    def _read(self, last_id: int | None) -> None:
        headers = self.token | ({"Last-Event-ID": str(last_id)} if last_id is not None else {})
        try:
            with httpx.stream("GET", f"{self.bench.gateway.base_url}/events", headers=headers, timeout=60) as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                self._parse(answer)
        except httpx.TransportError:
            pass
        finally:
            self.ended.set()

    def _parse(self, answer: httpx.Response) -> None:
        frame: dict[str, str] = {}
        for line in answer.iter_lines():
            self.connected.set()
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                frame[name] = value
            elif not line and "event" in frame:
                number = int(frame["id"]) if "id" in frame else None
                self.seen.append(_Seen(frame["event"], number, json.loads(frame["data"])))
                frame = {}

    async def sees(self, kind: str, **wanted: object) -> _Seen:
        def matching() -> list[_Seen]:
            return [
                one for one in self.seen if one.kind == kind and all(one.data.get(k) == v for k, v in wanted.items())
            ]

        async def there() -> bool:
            return bool(matching())

        await eventually(there)
        return matching()[0]


async def test_a_client_follows_its_things_and_resumes_where_it_was(bench: Bench) -> None:
    owner, bot = await a_bot(bench)
    bench.add_user("eve")
    with bench.client() as client, bench.client("eve") as eve:
        token = {"Authorization": client.headers["Authorization"]}
        stranger = _Client(bench, {"Authorization": eve.headers["Authorization"]})
    first = _Client(bench, token)
    first.follow()
    stranger.follow()
    story = BotStory(spec(bot, owner, f"con_{owner}"))
    group = f"{bot}-g1"

    await publish(bench.bootstrap, snapshot(story.spec, seq=2, running=True), story.record(story.decided(1)))
    await first.sees("bot", id=bot, status="stopping")  # nobody had asked for running
    decision = await first.sees("decision", verdict="OPEN")
    await publish(bench.bootstrap, tick("3100", "3101", observed_ms=2**41))
    await first.sees("price", bid="3100")

    assert decision.id is not None
    again = _Client(bench, token)
    again.follow(decision.id)
    await publish(bench.bootstrap, snapshot(story.spec, seq=3, groups=(live_group(group),)))
    shown = await again.sees("group", id=group, status="active")

    ids = [one.id for one in first.seen if one.id is not None]
    assert ids == sorted(set(ids))
    assert shown.data["average"] == "3000"
    assert shown.id is not None
    assert shown.id > decision.id
    assert not [one for one in again.seen if one.id is not None and one.id <= decision.id]
    assert {one.kind for one in stranger.seen} <= {"price"}

    bench.restart()
    assert await asyncio.to_thread(first.ended.wait, 10)
    after = _Client(bench, token)
    after.follow(shown.id)
    await after.sees("reset")


async def test_a_change_made_here_is_told_before_any_other_service_answers(bench: Bench) -> None:
    _, bot = await a_bot(bench)
    with bench.client() as client:
        listener = _Client(bench, {"Authorization": client.headers["Authorization"]})
        listener.follow()
        started = client.post(f"/bots/{bot}/start")

        assert started.status_code == 202, started.text
        await listener.sees("bot", id=bot, status="starting")


async def test_a_stream_ends_with_the_session_of_its_token(bench: Bench) -> None:
    with bench.client() as client:
        listener = _Client(bench, {"Authorization": client.headers["Authorization"]})
        listener.follow()
        client.post("/auth/logout")
        refused = client.get("/events")

    assert refused.status_code == 401
    assert await asyncio.to_thread(listener.ended.wait, 25)
