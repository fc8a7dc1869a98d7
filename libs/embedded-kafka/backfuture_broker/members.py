"""Who asks to be in a consumer group, who is, and what they are answered."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from backfuture_broker.errors import Code

Protocols = dict[str, bytes]  # name -> what the member says about itself; in the member's order of preference


class JoinRequest(NamedTuple):
    client: str
    host: str
    session_ms: int
    rebalance_ms: int
    protocol_type: str
    protocols: Protocols
    member_id: str = ""
    instance_id: str | None = None
    two_steps: bool = False  # the client knows that it is first given an id, and has to come back with it


class Joined(NamedTuple):
    """The answer to a join. Only the leader learns who the members are: id, instance id, metadata."""

    error: Code
    member_id: str
    generation: int = -1
    protocol: str = ""
    leader: str = ""
    members: tuple[tuple[str, str | None, bytes], ...] = ()


JoinReply = Callable[[Joined], None]
SyncReply = Callable[[Code, bytes], None]


@dataclass(slots=True, eq=False)
class Member:
    id: str
    instance_id: str | None
    client: str
    host: str
    session_s: float
    rebalance_s: float
    protocols: Protocols
    deadline_s: float = 0.0
    assignment: bytes = b""
    join: JoinReply | None = field(default=None, repr=False)  # set while it waits for the others
    sync: SyncReply | None = field(default=None, repr=False)  # set while it waits for the leader

    def take(self, request: JoinRequest) -> None:
        """Believe what a member says about itself when it joins again."""
        self.client, self.host, self.protocols = request.client, request.host, request.protocols
        self.session_s, self.rebalance_s = request.session_ms / 1000, request.rebalance_ms / 1000

    def answer_join(self, joined: Joined) -> None:
        if self.join is not None:
            reply, self.join = self.join, None
            reply(joined)

    def answer_sync(self, error: Code, assignment: bytes = b"") -> None:
        if self.sync is not None:
            reply, self.sync = self.sync, None
            reply(error, assignment)


def new_member_id(request: JoinRequest) -> str:
    return f"{request.instance_id or request.client}-{os.urandom(8).hex()}"
