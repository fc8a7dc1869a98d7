"""Consumer groups (the classic protocol): members come, go and fall silent; the leader divides the partitions."""

from typing import Literal

from backfuture_broker.clock import Clock
from backfuture_broker.errors import Code
from backfuture_broker.members import Joined, JoinReply, JoinRequest, Member, SyncReply, new_member_id

GroupState = Literal["Empty", "PreparingRebalance", "CompletingRebalance", "Stable"]


class Group:
    """One group. ``sweep`` has to be called a few times a second; it is what notices silence."""

    def __init__(self, clock: Clock, join_delay_s: float = 0.0) -> None:
        """Begin empty. The first rebalance of an empty group waits ``join_delay_s`` for further members."""
        self._clock, self._join_delay_s = clock, join_delay_s
        self.members: dict[str, Member] = {}  # in the order in which they came
        self.state: GroupState = "Empty"
        self.generation = 0
        self.leader = self.protocol = self.protocol_type = ""
        self._instances: dict[str, str] = {}  # instance id -> member id
        self._promised: dict[str, float] = {}  # ids given out, to come back before this time
        self._deadline_s: float | None = None  # of the phase of a rebalance
        self._hold_until_s = 0.0

    @property
    def is_unused(self) -> bool:
        return not self.members and not self._promised

    def metadata(self, member: Member) -> bytes:
        return member.protocols.get(self.protocol, b"")

    # -- requests

    def join(self, request: JoinRequest, reply: JoinReply) -> None:
        """Let a member in, or in again. ``reply`` is called once, now or when the rebalance has its members."""
        if self.members and not self._agrees(request):
            reply(Joined(Code.INCONSISTENT_GROUP_PROTOCOL, request.member_id))
        elif request.member_id:
            self._join_known(request, reply)
        elif request.instance_id is not None and request.instance_id in self._instances:
            self._replace_instance(request.instance_id, request, reply)
        elif request.two_steps and request.instance_id is None:
            promised = new_member_id(request)
            self._promised[promised] = self._clock.monotonic_s() + request.session_ms / 1000
            reply(Joined(Code.MEMBER_ID_REQUIRED, promised))
        else:
            self._admit(new_member_id(request), request, reply)

    def sync(self, member_id: str, generation: int, instance_id: str | None, reply: SyncReply) -> Code:
        """Wait for the assignment; ``reply`` is called once, unless an error is returned."""
        member, error = self._check(member_id, generation, instance_id)
        if not error and self.state == "PreparingRebalance":
            error = Code.REBALANCE_IN_PROGRESS
        if member is None or error:
            return error or Code.UNKNOWN_MEMBER_ID
        self._touch(member)
        if self.state == "Stable":
            reply(Code.NONE, member.assignment)
        else:
            member.sync = reply
        return Code.NONE

    def assign(self, member_id: str, assignments: dict[str, bytes]) -> None:
        """Give everybody the share that the leader has decided on; from anybody else it means nothing."""
        if member_id != self.leader or self.state != "CompletingRebalance":
            return
        self.state, self._deadline_s = "Stable", None
        for member in list(self.members.values()):
            member.assignment = assignments.get(member.id, b"")
            self._touch(member)
            member.answer_sync(Code.NONE, member.assignment)

    def heartbeat(self, member_id: str, generation: int, instance_id: str | None) -> Code:
        member, error = self._check(member_id, generation, instance_id)
        if member is not None:
            self._touch(member)
        return Code.REBALANCE_IN_PROGRESS if not error and self.state == "PreparingRebalance" else error

    def may_commit(self, member_id: str, generation: int, instance_id: str | None) -> Code:
        """Judge a commit of offsets: the members' own, or from outside while there are none."""
        if generation < 0 and not member_id:
            return Code.UNKNOWN_MEMBER_ID if self.members else Code.NONE
        member, error = self._check(member_id, generation, instance_id)
        if member is None or error:
            return error
        self._touch(member)
        return Code.REBALANCE_IN_PROGRESS if self.state == "CompletingRebalance" else Code.NONE

    def leave(self, member_id: str, instance_id: str | None) -> None:
        """Let a member go, by its id or its instance id. One that is not there has left."""
        member_id = member_id or self._instances.get(instance_id or "", "")
        member = self.members.get(member_id)
        if member is not None:
            self._remove(member)
        elif self._promised.pop(member_id, None) is not None:
            self._try_complete()

    def sweep(self) -> None:
        """Remove who is silent, and go on without who does not join in time."""
        now_s = self._clock.monotonic_s()
        for promised in [each for each, deadline_s in self._promised.items() if deadline_s < now_s]:
            del self._promised[promised]
        for member in list(self.members.values()):
            if member.join is None and member.deadline_s < now_s:
                self._remove(member)
        late = self._deadline_s is not None and self._deadline_s < now_s
        if self.state == "PreparingRebalance":
            self._try_complete(without_late=late)
        elif late:
            self._prepare()

    # -- membership

    def _agrees(self, request: JoinRequest) -> bool:
        """Whether the newcomer has a protocol in common with each member."""
        return request.protocol_type == self.protocol_type and all(
            request.protocols.keys() & member.protocols.keys() for member in self.members.values()
        )

    def _join_known(self, request: JoinRequest, reply: JoinReply) -> None:
        """Handle who comes with a member id."""
        member_id, instance_id = request.member_id, request.instance_id
        holder = self._instances.get(instance_id) if instance_id is not None else None
        if self._promised.pop(member_id, None) is not None:
            self._admit(member_id, request, reply)
        elif member_id not in self.members:
            reply(Joined(Code.FENCED_INSTANCE_ID if holder else Code.UNKNOWN_MEMBER_ID, member_id))
        elif instance_id is not None and holder != member_id:
            reply(Joined(Code.FENCED_INSTANCE_ID, member_id))
        else:
            self._rejoin(self.members[member_id], request, reply)

    def _admit(self, member_id: str, request: JoinRequest, reply: JoinReply) -> None:
        member = Member(
            member_id, request.instance_id, request.client, request.host, request.session_ms / 1000,
            request.rebalance_ms / 1000, request.protocols, join=reply,
        )  # fmt: skip
        self.members[member_id] = member
        self.protocol_type = request.protocol_type
        if request.instance_id is not None:
            self._instances[request.instance_id] = member_id
        self._rebalance(member)

    def _rejoin(self, member: Member, request: JoinRequest, reply: JoinReply) -> None:
        changed = list(member.protocols.items()) != list(request.protocols.items())
        member.take(request)
        member.join = reply
        repeats = self.state == "CompletingRebalance" or (self.state == "Stable" and member.id != self.leader)
        if repeats and not changed:
            self._touch(member)
            member.answer_join(self._joined(member))
        else:
            self._rebalance(member)

    def _replace_instance(self, instance_id: str, request: JoinRequest, reply: JoinReply) -> None:
        """Let a static member's new process take the place of its old one."""
        member = self.members.pop(self._instances[instance_id])
        old_id, same = member.id, list(member.protocols.items()) == list(request.protocols.items())
        member.answer_join(Joined(Code.FENCED_INSTANCE_ID, old_id))
        member.answer_sync(Code.FENCED_INSTANCE_ID)
        member.id = self._instances[instance_id] = new_member_id(request)
        self.members[member.id] = member
        member.take(request)
        member.join = reply
        led = self.leader == old_id
        if led:
            self.leader = member.id
        if self.state == "Stable" and same:
            # it gets its share back without a rebalance; if it led, it is told that another leads
            self._touch(member)
            joined = self._joined(member)
            member.answer_join(joined._replace(leader=old_id, members=()) if led else joined)
        else:
            self._rebalance(member)

    def _check(self, member_id: str, generation: int, instance_id: str | None) -> tuple[Member | None, Code]:
        """Find who says to be a member of a generation. With the wrong generation, both are returned."""
        if instance_id is not None and self._instances.get(instance_id, member_id) != member_id:
            return None, Code.FENCED_INSTANCE_ID
        member = self.members.get(member_id)
        if member is None:
            return None, Code.UNKNOWN_MEMBER_ID
        return member, Code.NONE if generation == self.generation else Code.ILLEGAL_GENERATION

    def _touch(self, member: Member) -> None:
        member.deadline_s = self._clock.monotonic_s() + member.session_s

    def _drop(self, member: Member) -> None:
        del self.members[member.id]
        if member.instance_id is not None and self._instances.get(member.instance_id) == member.id:
            del self._instances[member.instance_id]
        member.answer_join(Joined(Code.UNKNOWN_MEMBER_ID, member.id))
        member.answer_sync(Code.UNKNOWN_MEMBER_ID)

    def _remove(self, member: Member) -> None:
        self._drop(member)
        if self.leader == member.id:
            self.leader = next(iter(self.members), "")
        if self.state in ("Stable", "CompletingRebalance"):
            self._prepare()
        else:
            self._try_complete()

    # -- rebalance

    def _rebalance(self, member: Member) -> None:
        """Go on with a rebalance, or begin one, because of a member that now waits in it."""
        self._touch(member)
        if self.state == "PreparingRebalance":
            self._try_complete()
        else:
            self._prepare()

    def _prepare(self) -> None:
        """Ask everybody to join again."""
        for member in list(self.members.values()):
            member.answer_sync(Code.REBALANCE_IN_PROGRESS)
        now_s = self._clock.monotonic_s()
        self._hold_until_s = now_s + (self._join_delay_s if self.state == "Empty" else 0)
        self._deadline_s = now_s + max((member.rebalance_s for member in self.members.values()), default=0)
        self.state = "PreparingRebalance"
        self._try_complete()

    def _try_complete(self, *, without_late: bool = False) -> None:
        """Begin the next generation if everybody has joined, or with those who have if the others are late."""
        if self.state != "PreparingRebalance" or self._clock.monotonic_s() < self._hold_until_s:
            return
        missing = [member for member in self.members.values() if member.join is None]
        if (missing or self._promised) and not without_late:
            return
        for member in missing:
            if member.instance_id is None:  # a static member keeps its place until its session ends
                self._drop(member)
        self._promised.clear()
        self.generation += 1
        if self.members:
            self._complete()
        else:
            self.state, self._deadline_s, self.protocol, self.leader = "Empty", None, "", ""

    def _complete(self) -> None:
        leader = self.members.get(self.leader)
        if leader is None or leader.join is None:
            waiting = (member for member in self.members.values() if member.join is not None)
            leader = next(waiting, next(iter(self.members.values())))
        self.leader = leader.id
        common = set.intersection(*(set(member.protocols) for member in self.members.values()))
        self.protocol = next((name for name in leader.protocols if name in common), "")
        self.state = "CompletingRebalance"
        longest_s = max(member.rebalance_s for member in self.members.values())
        self._deadline_s = self._clock.monotonic_s() + longest_s
        for member in list(self.members.values()):
            member.assignment = b""
            self._touch(member)
            member.answer_join(self._joined(member))

    def _joined(self, member: Member) -> Joined:
        members: tuple[tuple[str, str | None, bytes], ...] = ()
        if member.id == self.leader:
            members = tuple((each.id, each.instance_id, self.metadata(each)) for each in self.members.values())
        return Joined(Code.NONE, member.id, self.generation, self.protocol, self.leader, members)
