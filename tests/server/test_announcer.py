"""Which callbacks calls of many make, and those of endings that a test with sockets would wait long for."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from pycall.core.types import EndReason, MediaType, MemberState
from pycall.core.wire import Accept, ClientMessage, Hangup, Invite, InviteMore, Join, Login, Reject
from signaling_server import callbacks_v1, callbacks_v4
from signaling_server.announcer import platform_of
from signaling_server.callbacks import V1_COMMANDS, V4_COMMANDS
from signaling_server.callbacks_v1 import Event
from signaling_server.facts import Fact, FactKind
from signaling_server.ledger import StoredCall, StoredMember
from signaling_server.rules import LOST_GRACE
from signaling_server.switchboard import Switchboard

T0 = 1_700_000_000.0
CALL = "1" * 32
A, B, C, D = 1, 2, 3, 4


class Story:
    """A switchboard with a, b, c and d signed in, and the callbacks that each step makes, as short lines."""

    def __init__(self) -> None:
        self.board = Switchboard(now=T0)
        self.facts: list[Fact] = []
        self._number = 0
        for session, user in enumerate("abcd", start=1):
            login = Login(version=1, app_id=1, user_id=user, user_sig="", device_id=f"d{session}")
            self.board.connect(session, login, T0)
        self.board.drain()

    def say(self, session: int, kind: type[ClientMessage], **fields: object) -> list[str]:
        self._number += 1
        self.board.receive(session, kind(req_id=self._number, call_id=CALL, **fields), T0 + self._number)  # type: ignore[call-arg]
        return self.lines()

    def lines(self) -> list[str]:
        self.facts = self.board.drain().facts
        return [line for fact in self.facts for line in (*first(fact), *fourth(fact))]


def first(fact: Fact) -> Iterator[str]:
    for command, body in callbacks_v1.events_of(fact):
        assert command in V1_COMMANDS and len(msgspec.json.encode(body)) < 20_000
        yield f"{command} {body['UserId']} {body['CallResult']}".strip()


def fourth(fact: Fact) -> Iterator[str]:
    for command, body in callbacks_v4.events_of(fact):
        assert command in V4_COMMANDS
        changed = [f"{one['User_Account']}:{one['ActionType']}" for one in body.get("ChangedUserList", ())]
        users = [f"{one['User_Account']}={one['Status']}" for one in body.get("UserList", ())]
        yield " ".join(
            [command.removeprefix("Call.CallbackAfter"), *changed, *users, body.get("CallResult", "")]
        ).strip()


def dial(story: Story, *callees: str) -> list[str]:
    return story.say(A, Invite, callees=callees, media=MediaType.VIDEO, timeout=30)


def test_a_call_of_many_from_beginning_to_end() -> None:
    story = Story()
    assert dial(story, "b", "c") == [
        "caller_start_call a",
        "StartCall a=Calling b=Waiting c=Waiting",
        "callee_receive_call b",
        "callee_receive_call c",
    ]
    assert story.say(B, Accept) == [
        "callee_accept_call b",
        "caller_call_accepted a",
        "MemberChanged b:Accept a=Calling b=Calling c=Waiting",
    ]
    assert story.say(C, Reject) == [
        "callee_reject_call c",
        "caller_call_rejected a",
        "MemberChanged c:Reject a=Calling b=Calling",
    ]
    assert story.say(B, InviteMore, callees=("d",), timeout=30) == [
        "invite_user b",
        "MemberChanged d:Invite a=Calling b=Calling d=Waiting",
        "callee_receive_call d",
    ]
    assert story.say(D, Accept) == ["callee_accept_call d", "MemberChanged d:Accept a=Calling b=Calling d=Calling"]
    assert story.say(C, Join, video=True) == [
        "join_in_group_call c",
        "MemberChanged c:Join a=Calling b=Calling c=Calling d=Calling",
    ]
    assert story.say(A, Hangup) == [
        "caller_call_end a normal_end",
        "MemberChanged a:Hangup b=Calling c=Calling d=Calling",
    ]
    assert story.say(B, Hangup)[0] == "callee_call_end b normal_end"
    assert story.say(C, Hangup) == [
        "callee_call_end c normal_end",
        "MemberChanged c:Hangup",
        "callee_call_end d normal_end",
        "normal_end c normal_end",
        "EndCall NormalEnd",
    ]
    bodies = [body for fact in story.facts for _, body in callbacks_v1.events_of(fact)]
    assert all(body["CallType"] == "group" and body["TotalNum"] == 4 for body in bodies)


def test_groups_report_no_other_result() -> None:
    story = Story()
    dial(story, "b", "c")
    story.say(B, Reject)
    assert story.say(C, Reject)[:2] == ["callee_reject_call c", "caller_call_rejected a"]
    story = Story()
    dial(story, "b", "c")
    assert story.say(A, Hangup) == [
        "callee_call_canceled b",
        "MemberChanged b:Cancel_Invite",
        "callee_call_canceled c",
        "MemberChanged c:Cancel_Invite",
        "caller_cancel_call a",
        "EndCall Cancel",
    ]


def test_a_caller_who_vanishes_while_it_rings() -> None:
    story = Story()
    dial(story, "b")
    story.board.disconnect(A, T0 + 2)
    story.board.handle_timer(T0 + 2 + LOST_GRACE)
    assert story.lines() == [
        "callee_call_canceled b cancel",
        "MemberChanged b:Cancel_Invite",
        "caller_call_failed a interrupt",
        "interrupt a interrupt",
        "EndCall Offline",
    ]


def test_a_member_who_vanishes() -> None:
    story = Story()
    dial(story, "b")
    story.say(B, Accept)
    story.board.disconnect(B, T0 + 3)
    story.board.handle_timer(T0 + 3 + LOST_GRACE)
    assert story.lines() == [
        "callee_call_interrupted b interrupt",
        "MemberChanged b:Offline",
        "caller_call_interrupted a interrupt",
        "interrupt b interrupt",
        "EndCall Offline",
    ]


def test_sound_that_never_gets_through() -> None:
    story = Story()
    dial(story, "b")
    story.say(B, Accept)
    assert story.say(A, Hangup, reason="media_failed") == [
        "caller_call_failed a interrupt",
        "MemberChanged a:Offline",
        "callee_call_interrupted b interrupt",
        "interrupt a interrupt",
        "EndCall Interrupt",
    ]


@pytest.mark.parametrize("kind", FactKind)
@pytest.mark.parametrize("reason", EndReason)
@pytest.mark.parametrize("answered", [True, False])
def test_every_fact_makes_documented_callbacks_only(kind: FactKind, reason: EndReason, answered: bool) -> None:
    members = tuple(StoredMember(user_id=name, state=MemberState.GONE) for name in "ab")
    call = StoredCall(
        call_id=CALL,
        seq=1,
        caller="a",
        callees=("b",),
        media=MediaType.AUDIO,
        members=members,
        created_at=T0,
        accepted_at=T0 if answered else None,
        ended_at=T0,
        reason=reason,
        ended_by="a",
    )
    fact = Fact(kind=kind, call=call, user_id="b", by="b", reason=reason, at=T0, users=("a",))
    made: list[Event] = [*callbacks_v1.events_of(fact), *callbacks_v4.events_of(fact)]
    assert {event.command for event in made} <= V1_COMMANDS | V4_COMMANDS
    if kind is FactKind.ENDED:
        assert made[-1].command == "Call.CallbackAfterEndCall" and made[-2].command in callbacks_v1.RESULTS.values()


@pytest.mark.parametrize(
    ("agent", "platform"),
    [("Mozilla/5.0 (X11; Linux x86_64) Chrome/126", "Web"), ("Mozilla/5.0 (iPhone; CPU)", "iOS"), ("", "Unknown"),
     ("Mozilla/5.0 (Linux; Android 14)", "Android"), ("Python/3.11 aiohttp/3.14", "Unknown")],
)  # fmt: skip
def test_platforms(agent: str, platform: str) -> None:
    assert platform_of(agent) == platform
