"""What the documents want told with an event and the event itself does not carry: room, role, who called, user data.

An engine forgets its call before the last event about it is told, so what was known is kept here until the next call.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pycall import CallEngine
from pycall.compat.enums import role_number
from pycall.compat.structs import CallObserverExtraInfo, RoomId, room_id
from pycall.core.events import CallBegan, CallEnded, CallNotConnected, CallReceived, Event, UserJoined, UserLeft
from pycall.core.types import MemberState, Role, Scene


@dataclass(frozen=True, slots=True)
class CallFacts:
    """One call, as far as known."""

    call_id: str = ""
    caller: str = ""
    callees: tuple[str, ...] = ()
    role: Role | None = None
    room: RoomId = RoomId()
    chat_group_id: str = ""
    user_data: str = ""
    scene: Scene = Scene.NONE
    ringing: tuple[str, ...] = ()
    """For whom it rings."""
    began: bool = False
    """The conversation has begun for us."""

    @property
    def group(self) -> bool:
        """A call of many, or of a chat group."""
        return self.scene in (Scene.GROUP, Scene.MULTI)

    @property
    def info(self) -> CallObserverExtraInfo:
        """What native observers get beside the plain facts."""
        return CallObserverExtraInfo(self.room, role_number(self.role), self.user_data, self.chat_group_id)


class CallMemory:
    """The facts of the latest call. `see` is told of every event before it is passed on."""

    def __init__(self) -> None:
        self.facts = CallFacts()
        self._over = False
        self._present: set[str] = set()
        """Who is in the call, as our user was told."""

    def dialed(self, callees: tuple[str, ...], user_data: str) -> None:
        """Our user calls somebody."""
        self._over = False
        self.facts = CallFacts(callees=callees, role=Role.CALLER, user_data=user_data)

    def see(self, event: Event, engine: CallEngine) -> list[Event]:
        """Take in what this event says, and what the engine still knows of its call; gives what is to be told.

        The documents tell somebody who comes into a call who is there already, as if these joined just now.
        """
        self._note(event, engine)
        if isinstance(event, UserJoined):
            self._present.add(event.user_id)
        elif isinstance(event, UserLeft):
            self._present.discard(event.user_id)
        if not isinstance(event, CallBegan):
            return [event]
        there = [member.user_id for member in engine.members if member.state is MemberState.JOINED]
        new = [user for user in there if user != engine.user_id and user not in self._present]
        self._present.update(new)
        return [event, *(UserJoined(event.call_id, user) for user in new)]

    def _note(self, event: Event, engine: CallEngine) -> None:
        if self._over:
            self.facts, self._over = CallFacts(), False
        if isinstance(event, CallReceived):
            self.facts = _received(event)
        call_id = getattr(event, "call_id", None)
        if call_id is not None and call_id == engine.call_id:
            self._refresh(engine)
        if isinstance(event, CallBegan | CallEnded | CallNotConnected):
            began = self.facts.began or isinstance(event, CallBegan)
            self.facts = replace(self.facts, call_id=event.call_id, role=event.role, began=began)
        if isinstance(event, CallEnded | CallNotConnected):
            self._present.clear()
            self._over = True

    def _refresh(self, engine: CallEngine) -> None:
        caller = self.facts.caller
        if engine.role is Role.CALLER:
            caller = engine.user_id or ""
        self.facts = replace(
            self.facts,
            call_id=str(engine.call_id),
            role=engine.role,
            caller=caller,
            room=room_id(engine.room_id),
            chat_group_id=engine.chat_group_id,
            scene=engine.scene or Scene.NONE,
            ringing=tuple(one.user_id for one in engine.members if one.state is MemberState.RINGING),
        )


def _received(event: CallReceived) -> CallFacts:
    return CallFacts(
        event.call_id,
        event.caller,
        event.callees,
        Role.CALLEE,
        room_id(event.room_id),
        event.chat_group_id,
        event.user_data,
        event.scene,
    )
