"""The facts of calls of many: invitations, joining, one who leaves, and who was in it to the end."""

from __future__ import annotations

from pycall.core.types import MediaType
from pycall.core.wire import Accept, Hangup, Invite, InviteMore, Join, Login, Reject
from signaling_server.switchboard import Switchboard

T0 = 1_700_000_000.0
CALL = "1" * 32
A, B, C, D = 1, 2, 3, 4


class Story:
    """A switchboard with a, b, c and d signed in, and the facts so far as short lines."""

    def __init__(self) -> None:
        self.board = Switchboard(now=T0)
        for session, user in enumerate("abcd", start=1):
            login = Login(version=1, app_id=1, user_id=user, user_sig="", device_id=f"d{session}")
            self.board.connect(session, login, T0)
        self.board.drain()
        self._requests = 0

    def say(self, session: int, kind: type, **fields: object) -> list[str]:
        """What follows from this command."""
        self._requests += 1
        self.board.receive(session, kind(req_id=self._requests, call_id=CALL, **fields), T0 + self._requests)
        facts = self.board.drain().facts
        return [
            " ".join([fact.kind.value, fact.user_id, fact.by, fact.reason.value if fact.reason else "-", *fact.users])
            for fact in facts
        ]

    def dial(self, *callees: str, group: str = "") -> list[str]:
        return self.say(A, Invite, callees=callees, media=MediaType.AUDIO, timeout=30, chat_group_id=group)


def test_one_refuses_and_the_other_talks() -> None:
    story = Story()
    assert story.dial("b", "c") == ["started a a - b c", "received b a -", "received c a -"]
    assert story.say(B, Reject) == ["rejected b b rejected"]
    assert story.say(C, Accept) == ["accepted c c -"]
    assert story.say(C, Hangup) == ["left c c hangup", "ended c c hangup a"]


def test_an_invitation_and_a_leaving_in_mid_call() -> None:
    story = Story()
    story.dial("b")
    story.say(B, Accept)
    invited = story.say(B, InviteMore, callees=("c", "d"), timeout=30)
    assert invited == ["invited b b - c d", "received c b -", "received d b -"]
    assert story.say(C, Accept) == ["accepted c c -"]
    assert story.say(A, Hangup) == ["left a a hangup"]
    assert story.say(C, Hangup) == ["left c c hangup"], "b waits for d"
    assert story.say(B, Hangup) == ["canceled d b hangup", "left b b hangup", "ended b b hangup"]


def test_joining_is_no_answer() -> None:
    story = Story()
    story.dial("b", group="team")
    story.say(B, Accept)
    assert story.say(C, Join) == ["joined c c -"]
    assert story.say(B, Hangup) == ["left b b hangup"]
    assert story.say(A, Hangup) == ["left a a hangup", "ended a a hangup c"]


def test_all_are_busy() -> None:
    story = Story()
    story.board.receive(
        C, Invite(req_id=1, call_id="2" * 32, callees=("d",), media=MediaType.AUDIO, timeout=30), T0 + 1
    )
    story.board.drain()
    assert story.dial("c", "d") == ["started a a - c d", "busy c c busy", "busy d d busy", "ended d d busy a"]
