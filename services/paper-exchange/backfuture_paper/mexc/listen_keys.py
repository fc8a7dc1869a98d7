"""MEXC's listen keys: permission to open a private stream, for an hour at a time."""

from backfuture_paper.mexc import codes
from backfuture_paper.records import Session
from backfuture_paper.sessions import Sessions
from backfuture_paper.web.call import Call, Json
from backfuture_paper.web.endpoints import Endpoint, Handler

_LIFE_MS = 3_600_000
_KEYS_MAX = 60
_PATH = "/api/v3/userDataStream"


class ListenKeyEndpoints:
    """Open, renew, list and close."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def table(self) -> list[Endpoint]:
        def on(method: str, handler: Handler) -> Endpoint:
            return Endpoint(method=method, path=_PATH, handler=handler, right="read", pool="uid")

        return [on("POST", self.open), on("PUT", self.renew), on("GET", self.list), on("DELETE", self.close)]

    def open(self, call: Call) -> Json:
        mine = self._sessions.of_account("mexc", call.account, call.now_ms)
        for oldest in mine[: len(mine) - _KEYS_MAX + 1]:
            self._sessions.close(oldest)
        return {"listenKey": self._sessions.open("mexc", call.account, call.now_ms, _LIFE_MS).token}

    def renew(self, call: Call) -> Json:
        session = self._mine(call)
        self._sessions.renew(session, call.now_ms, _LIFE_MS)
        return {"listenKey": session.token}

    def list(self, call: Call) -> Json:
        return {"listenKey": [s.token for s in self._sessions.of_account("mexc", call.account, call.now_ms)]}

    def close(self, call: Call) -> Json:
        session = self._mine(call)
        self._sessions.close(session)
        return {"listenKey": session.token}

    def _mine(self, call: Call) -> Session:
        session = self._sessions.find("mexc", call.need("listenKey"), call.now_ms)
        if session is None or session.account != call.account:
            raise codes.listen_key_unknown()
        return session
