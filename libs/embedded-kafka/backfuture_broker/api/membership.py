"""Consumer groups: JoinGroup, SyncGroup, Heartbeat, LeaveGroup, DescribeGroups, ListGroups, DeleteGroups."""

from backfuture_broker.api.serving import THROTTLE_MS, Serving
from backfuture_broker.connection import Request
from backfuture_broker.errors import Code, StorageFullError
from backfuture_broker.groups import Group
from backfuture_broker.members import Joined, JoinRequest, Member
from backfuture_broker.state import GroupDeleted
from backfuture_broker.wire import Writer

_LONGEST_SESSION_MS = 1_800_000
_LONGEST_REBALANCE_MS = 24 * 3_600_000
_NOT_ASKED_FOR = -(1 << 31)


def join(serving: Serving, request: Request) -> Writer | None:
    body, version = request.body, request.version
    group_id, session_ms = body.text(), body.i32()
    rebalance_ms = body.i32()
    member_id = body.text()
    instance_id = body.nullable_text() if version >= 5 else None
    protocol_type = body.text()
    protocols = body.array(lambda: (body.text(), bytes(body.blob())))
    error = Code.NONE
    if not group_id:
        error = Code.INVALID_GROUP_ID
    elif not serving.broker.options.min_session_ms <= session_ms <= _LONGEST_SESSION_MS:
        error = Code.INVALID_SESSION_TIMEOUT
    elif not protocols:
        error = Code.INCONSISTENT_GROUP_PROTOCOL
    if error:
        return _joined(version, Joined(error, member_id))
    asked = JoinRequest(
        request.client[:100], request.host, session_ms, max(0, min(rebalance_ms, _LONGEST_REBALANCE_MS)), protocol_type,
        dict(protocols), member_id, instance_id, two_steps=version >= 4,
    )  # fmt: skip
    serving.broker.group(group_id).join(asked, lambda joined: request.answer(_joined(version, joined)))
    return None


def _joined(version: int, joined: Joined) -> Writer:
    answer = Writer()
    if version >= 2:
        answer.i32(THROTTLE_MS)
    answer.i16(joined.error).i32(joined.generation).text(joined.protocol).text(joined.leader).text(joined.member_id)

    def member(each: tuple[str, str | None, bytes]) -> None:
        answer.text(each[0])
        if version >= 5:
            answer.text(each[1])
        answer.blob(each[2])

    return answer.array(joined.members, member)


def sync(serving: Serving, request: Request) -> Writer | None:
    body, version = request.body, request.version
    group_id, generation, member_id = body.text(), body.i32(), body.text()
    instance_id = body.nullable_text() if version >= 3 else None
    assignments = body.array(lambda: (body.text(), bytes(body.blob())))

    def synced(error: Code, assignment: bytes) -> Writer:
        answer = Writer()
        if version >= 1:
            answer.i32(THROTTLE_MS)
        return answer.i16(error).blob(assignment)

    group = serving.broker.groups.get(group_id)
    if group is None:
        return synced(Code.UNKNOWN_MEMBER_ID, b"")
    error = group.sync(member_id, generation, instance_id, lambda *result: request.answer(synced(*result)))
    if error:
        return synced(error, b"")
    group.assign(member_id, dict(assignments))
    return None


def heartbeat(serving: Serving, request: Request) -> Writer:
    body, version = request.body, request.version
    group_id, generation, member_id = body.text(), body.i32(), body.text()
    instance_id = body.nullable_text() if version >= 3 else None
    group = serving.broker.groups.get(group_id)
    error = Code.UNKNOWN_MEMBER_ID if group is None else group.heartbeat(member_id, generation, instance_id)
    answer = Writer()
    if version >= 1:
        answer.i32(THROTTLE_MS)
    return answer.i16(error)


def leave(serving: Serving, request: Request) -> Writer:
    body, version = request.body, request.version
    group_id = body.text()
    members = body.array(lambda: (body.text(), body.nullable_text())) if version >= 3 else [(body.text(), None)]
    group = serving.broker.groups.get(group_id)
    error = Code.NONE if group else Code.UNKNOWN_MEMBER_ID
    for member_id, instance_id in members:
        if group:
            group.leave(member_id, instance_id)
    answer = Writer()
    if version >= 1:
        answer.i32(THROTTLE_MS)
    if version < 3:
        return answer.i16(error)
    return answer.i16(Code.NONE).array(members, lambda each: answer.text(each[0]).text(each[1]).i16(error))


def describe(serving: Serving, request: Request) -> Writer:
    body, version = request.body, request.version
    ids = body.array(body.text)
    known = serving.broker.group_ids()
    answer = Writer()
    if version >= 1:
        answer.i32(THROTTLE_MS)

    def member(group: Group, each: Member) -> None:
        answer.text(each.id)
        if version >= 4:
            answer.text(each.instance_id)
        answer.text(each.client).text(f"/{each.host}").blob(group.metadata(each)).blob(each.assignment)

    def one(id_: str) -> None:
        group = serving.broker.groups.get(id_)
        state = group.state if group else "Empty" if id_ in known else "Dead"
        answer.i16(Code.NONE).text(id_).text(state)
        answer.text(group.protocol_type if group else "").text(group.protocol if group else "")
        answer.array(group.members.values() if group else (), lambda each: member(group, each) if group else None)
        if version >= 3:
            answer.i32(_NOT_ASKED_FOR)

    return answer.array(ids, one)


def list_groups(serving: Serving, request: Request) -> Writer:
    answer = Writer()
    if request.version >= 1:
        answer.i32(THROTTLE_MS)

    def one(id_: str) -> None:
        group = serving.broker.groups.get(id_)
        answer.text(id_).text(group.protocol_type if group else "")

    return answer.i16(Code.NONE).array(sorted(serving.broker.group_ids()), one)


def delete(serving: Serving, request: Request) -> Writer:
    ids = request.body.array(request.body.text)
    answer = Writer().i32(THROTTLE_MS)
    return answer.array(ids, lambda id_: answer.text(id_).i16(_delete(serving, id_)))


def _delete(serving: Serving, id_: str) -> Code:
    group = serving.broker.groups.get(id_)
    if group is not None and not group.is_unused:
        return Code.NON_EMPTY_GROUP
    if id_ not in serving.broker.group_ids():
        return Code.GROUP_ID_NOT_FOUND
    try:
        serving.broker.store.record(GroupDeleted(id_))
    except StorageFullError:
        return Code.COORDINATOR_NOT_AVAILABLE
    serving.broker.groups.pop(id_, None)
    return Code.NONE
