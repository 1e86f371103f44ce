"""The facts of calls of two: which ones, about whom, in which order, and none of what was taken back."""

from __future__ import annotations

from typing import Any

import pytest

from pycall.core.types import EndReason, MediaType
from pycall.core.wire import Accept, ClientMessage, Hangup, Invite, Login, Logout, PeerReport, Reject
from signaling_server.facts import Fact
from signaling_server.rules import LOST_GRACE, SILENT_GRACE
from signaling_server.switchboard import Switchboard

T0 = 1_700_000_000.0
CALL, OTHER = "1" * 32, "2" * 32
A, B, C = 1, 2, 3


class Story:
    """A switchboard with a, b and c signed in, and the facts so far as short lines."""

    def __init__(self, users: str = "abc") -> None:
        self.board = Switchboard(now=T0, known_users=("a", "b", "c"))
        self.facts: list[Fact] = []
        for session, user in enumerate("abc", start=1):
            if user in users:
                self.sign_in(session, user)
        self.collect()

    def sign_in(self, session: int, user: str) -> None:
        login = Login(version=1, app_id=1, user_id=user, user_sig="", device_id=f"d{session}")
        self.board.connect(session, login, T0)

    def say(self, session: int, *messages: ClientMessage) -> None:
        for at, message in enumerate(messages, start=1):
            self.board.receive(session, message, T0 + at)
        self.collect()

    def collect(self) -> None:
        self.facts += self.board.drain().facts

    def lines(self) -> list[str]:
        return [
            " ".join([fact.kind.value, fact.user_id, fact.by, fact.reason.value if fact.reason else "-", *fact.users])
            for fact in self.facts
        ]


def invite(to: str = "b", call_id: str = CALL, **fields: Any) -> Invite:
    fields = {"media": MediaType.AUDIO, "timeout": 30, "req_id": 1} | fields
    return Invite(call_id=call_id, callees=(to,), **fields)


DIALED = ["started a a - b", "received b a -"]
TALKING = [*DIALED, "accepted b b -"]


def talking() -> Story:
    story = Story()
    story.say(A, invite())
    story.say(B, Accept(req_id=1, call_id=CALL))
    assert story.lines() == TALKING
    return story


@pytest.mark.parametrize(
    ("session", "message", "after"),
    [
        (B, Reject(req_id=1, call_id=CALL), ["rejected b b rejected", "ended b b rejected a"]),
        (B, Reject(req_id=1, call_id=CALL, busy=True), ["ignored b b busy", "ended b b busy a"]),
        (B, Logout(req_id=1), ["rejected b b rejected", "ended b b rejected a"]),
        (A, Hangup(req_id=2, call_id=CALL), ["canceled b a canceled", "ended a a canceled a"]),
    ],
)
def test_ringing_to_ended(session: int, message: ClientMessage, after: list[str]) -> None:
    story = Story()
    story.say(A, invite())
    story.say(session, message)
    assert story.lines() == [*DIALED, *after]


def test_no_answer_is_about_the_callee() -> None:
    story = Story()
    story.say(A, invite())
    story.board.handle_timer(T0 + 31)
    story.collect()
    assert story.lines() == [*DIALED, "no_answer b b no_answer", "ended b b no_answer a"]
    assert [fact.at for fact in story.facts[-2:]] == [T0 + 31] * 2


def test_busy_line_never_rings() -> None:
    story = talking()
    story.say(C, invite("a", OTHER))
    assert story.lines() == [*TALKING, "started c c - a", "busy a a busy", "ended a a busy c"]


def test_callee_who_signs_in_later_receives_then() -> None:
    story = Story("a")
    story.say(A, invite())
    assert story.lines() == ["started a a - b"]
    story.sign_in(B, "b")
    story.collect()
    story.sign_in(4, "b")
    story.collect()
    assert story.lines() == DIALED


def test_hanging_up_is_leaving_then_the_end_with_the_whole_record() -> None:
    story = talking()
    story.say(A, PeerReport(call_id=CALL, user_id="b", up=True), Hangup(req_id=2, call_id=CALL))
    assert story.lines() == [*TALKING, "left a a hangup", "ended a a hangup b"]
    record = story.facts[-1].call
    assert (record.ended_at, record.duration, record.reason) == (T0 + 2, 1.0, EndReason.HANGUP)


def test_lost_member_leaves() -> None:
    story = talking()
    story.board.disconnect(B, T0 + 2)
    story.board.handle_timer(T0 + 2 + LOST_GRACE)
    story.collect()
    assert story.lines() == [*TALKING, "left b b offline", "ended b b offline a"]


def test_lost_member_whose_line_fell_silent_has_longer_to_come_back() -> None:
    story = talking()
    story.say(A, *(PeerReport(call_id=CALL, user_id="b", up=up) for up in (True, False)))
    story.board.disconnect(B, T0 + 2, silent=True)
    story.board.handle_timer(T0 + 2 + LOST_GRACE)
    story.collect()
    assert story.lines() == TALKING
    story.board.handle_timer(T0 + 2 + LOST_GRACE + SILENT_GRACE)
    story.collect()
    assert story.lines() == [*TALKING, "left b b offline", "ended b b offline a"]


def test_dialing_each_other_is_one_call_with_an_answer() -> None:
    story = Story()
    story.say(A, invite())
    story.say(B, invite("a", OTHER))
    assert story.lines() == TALKING


def test_what_is_taken_back_was_no_fact() -> None:
    story = Story()
    story.board.receive(A, invite(), T0)
    story.board.drain()
    story.board.undo()
    story.collect()
    assert story.facts == []


def test_refused_and_repeated_commands_are_no_facts() -> None:
    story = Story()
    story.say(A, invite(), invite(), invite("b", OTHER, req_id=2))
    story.say(C, Reject(req_id=1, call_id=CALL))
    assert story.lines() == DIALED
