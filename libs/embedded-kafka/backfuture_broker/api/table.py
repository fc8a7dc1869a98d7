"""Which requests are served, in which versions, and by what.

The lower bounds are those of Apache Kafka 4, so a client that leans on a removed version fails here too; the upper ones
are the last versions without "flexible" fields.
"""

from collections.abc import Callable, Mapping

from backfuture_broker.api import commits, configs, fetch, membership, metadata, offsets, produce, topics, transacting
from backfuture_broker.api.serving import Serving
from backfuture_broker.connection import Request
from backfuture_broker.wire import Writer

# returns the answer, or None when it comes later or never
Handler = Callable[[Serving, Request], Writer | None]

API_VERSIONS = 18

_HANDLERS: Mapping[int, tuple[int, int, Handler]] = {
    0: (0, 8, produce.produce),
    1: (4, 11, fetch.fetch),
    2: (1, 5, offsets.list_offsets),
    3: (1, 8, metadata.metadata),
    8: (2, 7, commits.commit),
    9: (1, 5, commits.fetch_committed),
    10: (0, 2, metadata.find_coordinator),
    11: (2, 5, membership.join),
    12: (0, 3, membership.heartbeat),
    13: (0, 3, membership.leave),
    14: (0, 3, membership.sync),
    15: (0, 4, membership.describe),
    16: (0, 2, membership.list_groups),
    API_VERSIONS: (0, 3, lambda _, request: metadata.api_versions(request, OFFERED)),
    19: (2, 4, topics.create),
    20: (1, 3, topics.delete),
    21: (0, 1, offsets.delete_records),
    22: (0, 1, transacting.init_producer),
    23: (2, 3, offsets.leader_epochs),
    24: (0, 2, transacting.add_partitions),
    25: (0, 2, transacting.add_offsets),
    26: (0, 2, transacting.end),
    28: (0, 2, transacting.commit_offsets),
    32: (1, 2, configs.describe),
    33: (0, 1, configs.alter),
    37: (0, 1, topics.add_partitions),
    42: (0, 1, membership.delete),
    44: (0, 0, configs.alter_some),
}
OFFERED: Mapping[int, tuple[int, int]] = {key: (lowest, highest) for key, (lowest, highest, _) in _HANDLERS.items()}


class Api:
    """Finds the handler of a request and passes its answer on."""

    def __init__(self, serving: Serving, failed: Callable[[Exception], None]) -> None:
        self._serving, self.failed = serving, failed

    def serve(self, request: Request) -> bool:
        """Begin to serve a request. False if it is not offered; MalformedError if it cannot be read."""
        lowest, highest, handler = _HANDLERS.get(request.key, (0, -1, None))
        newer_versions_request = request.key == API_VERSIONS and request.version > highest
        if handler is None or not (lowest <= request.version <= highest or newer_versions_request):
            return False
        answer = handler(self._serving, request)
        if answer is not None:
            request.answer(answer)
        return True
