"""Named points at which chaos tests let the process die, as the power would."""

import os
import signal
from typing import Any

from backfuture_common.bus import Committer, KafkaSettings


class CrashPoints:
    """Kills the process at the n-th pass of one point. ``spec`` is ``name`` or ``name:n``; empty: never."""

    def __init__(self, spec: str = "") -> None:
        name, _, count = spec.partition(":")
        self._name = name
        self._left = int(count or 1)

    def reach(self, name: str) -> None:
        """Pass the point; does not return if it is the one to die at."""
        if name != self._name:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class MortalCommitter(Committer):
    """A committer that passes the point ``before_commit``: everything is with the broker, nothing is decided."""

    def __init__(self, kafka: KafkaSettings, transactional_id: str, points: CrashPoints) -> None:
        super().__init__(kafka, transactional_id)
        producer: Any = self._producer  # the client has no types
        decide = producer.commit_transaction

        async def die_or_decide() -> None:
            points.reach("before_commit")
            await decide()

        producer.commit_transaction = die_or_decide
