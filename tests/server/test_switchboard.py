"""The switchboard by itself: replies, refusals, memory, going back, and starting again from what was stored."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from pycall.core.errors import ErrorCode
from pycall.core.types import EndReason, MediaType, MemberState
from pycall.core.wire import (
    Accept,
    ClientMessage,
    Declined,
    Ended,
    Goodbye,
    Hangup,
    Invite,
    Invited,
    Joined,
    Login,
    Logout,
    MediaSet,
    MediaSwitched,
    PeerReport,
    Ping,
    Pong,
    Reject,
    Reply,
    Ringing,
    SetMedia,
    Signal,
    Signaled,
    SwitchMedia,
    Welcome,
)
from signaling_server.switchboard import Batch, Close, StoredCall, Switchboard, Tell

T0 = 1_700_000_000.0
CALL = "1" * 32
OTHER = "2" * 32
A, B, C = 1, 2, 3
VIDEO, AUDIO = MediaType.VIDEO, MediaType.AUDIO


def login(user: str, device: str = "", call_id: str | None = None) -> Login:
    return Login(version=1, app_id=1, user_id=user, user_sig="", device_id=device or f"d-{user}", call_id=call_id)


def board(users: str = "abc") -> Switchboard:
    it = Switchboard(now=T0)
    for session, user in enumerate(users, start=1):
        it.connect(session, login(user), T0)
    it.drain()
    return it


def invite(req_id: int = 1, call_id: str = CALL, to: str = "b", **fields: Any) -> Invite:
    fields = {"media": VIDEO, "timeout": 30} | fields
    return Invite(req_id=req_id, call_id=call_id, callees=(to,), **fields)


def told(batch: Batch, session: int) -> list[Any]:
    """What this session is told, in order."""
    return [i.goodbye if isinstance(i, Close) else i.message for i in batch.tell if i.session == session]


def say(it: Switchboard, session: int, message: ClientMessage, at: float = 1.0) -> Batch:
    it.receive(session, message, T0 + at)
    return it.drain()


def ask(it: Switchboard, session: int, message: ClientMessage, at: float = 1.0) -> Reply:
    reply = told(say(it, session, message, at), session)[0]
    assert isinstance(reply, Reply)
    return reply


def ringing(**fields: Any) -> Switchboard:
    it = board()
    say(it, A, invite(**fields))
    return it


def talking() -> Switchboard:
    it = ringing()
    say(it, B, Accept(req_id=1, call_id=CALL), 2.0)
    say(it, A, PeerReport(call_id=CALL, user_id="b", up=True), 3.0)
    return it


def memory(it: Switchboard) -> dict[str, Any]:
    """Everything the switchboard knows."""
    book = it._book
    names = [n for n in vars(book) if isinstance(getattr(book, n), dict)]
    return {name: copy.deepcopy(getattr(book, name)) for name in names}


# --- who is told what, in which order ---------------------------------------------------------------------------


def test_an_invitation() -> None:
    it = board()
    batch = say(it, A, invite(user_data="hi"))
    reply, rings = told(batch, A)
    assert isinstance(reply, Reply) and reply.ok and reply.call is not None and reply.call.seq == 1
    assert rings == Ringing(call_id=CALL, seq=2, user_id="b")
    (invited,) = told(batch, B)
    assert isinstance(invited, Invited) and invited.call.seq == 2
    assert (invited.call.caller, invited.call.callees, invited.call.user_data) == ("a", ("b",), "hi")
    assert invited.call.remaining == 30 and told(batch, C) == []
    assert [call.call_id for call in batch.saved] == [CALL] and it.deadline() == T0 + 31


def test_an_answer() -> None:
    batch = say(ringing(), B, Accept(req_id=1, call_id=CALL), 2.0)
    (reply,) = told(batch, B)
    assert reply.ok and [m.state for m in reply.call.members] == [MemberState.JOINED] * 2
    assert told(batch, A) == [Joined(call_id=CALL, seq=3, user_id="b", audio=True, video=True)]
    assert batch.saved[0].accepted_at == T0 + 2 and batch.saved[0].ring_until is None


def test_a_refusal_and_its_record() -> None:
    batch = say(ringing(), B, Reject(req_id=1, call_id=CALL), 5.0)
    declined, ended = told(batch, A)
    assert declined == Declined(call_id=CALL, seq=3, user_id="b", reason=EndReason.REJECTED)
    assert ended == Ended(call_id=CALL, seq=4, reason=EndReason.REJECTED, user_id="b", media=VIDEO)
    assert [type(m) for m in told(batch, B)] == [Reply, Ended]
    (record,) = batch.saved
    assert (record.ended_at, record.reason, record.ended_by, record.duration) == (T0 + 5, EndReason.REJECTED, "b", 0)
    assert {member.state for member in record.members} == {MemberState.GONE}


def test_the_duration_counts_from_the_first_report() -> None:
    batch = say(talking(), B, Hangup(req_id=2, call_id=CALL), 13.5)
    assert told(batch, A)[0].duration == 10.5 and batch.saved[0].duration == 10.5


def test_switching_and_muting_reach_the_others() -> None:
    it = talking()
    batch = say(it, A, SwitchMedia(req_id=5, call_id=CALL, media=AUDIO))
    switched = MediaSwitched(call_id=CALL, seq=4, old=VIDEO, new=AUDIO, user_id="a")
    assert told(batch, B) == [switched] and told(batch, A)[1:] == [switched]
    batch = say(it, A, SetMedia(req_id=6, call_id=CALL, audio=False, video=True))
    assert told(batch, B) == [MediaSet(call_id=CALL, seq=5, user_id="a", audio=False, video=False)]
    assert told(batch, A)[0].ok and not told(batch, A)[0].call.members[0].video, "no camera in a voice call"
    assert told(say(it, A, SetMedia(req_id=7, call_id=CALL, audio=False, video=False)), B) == []


def test_signals_pass_between_members_only() -> None:
    it = ringing()
    offer = Signal(call_id=CALL, to="b", kind="offer", generation=1, sdp="v=0")
    assert say(it, A, offer).tell == [], "nobody is heard before they accept"
    say(it, B, Accept(req_id=1, call_id=CALL))
    batch = say(it, A, offer)
    assert told(batch, B) == [Signaled(call_id=CALL, sender="a", kind="offer", generation=1, sdp="v=0")]
    assert batch.saved == []
    assert say(it, C, offer).tell == [] and it.dropped["signal"] == 2


def test_a_ping() -> None:
    batch = say(board(), A, Ping(id=7))
    assert batch.tell == [Tell(A, Pong(id=7))] and batch.saved == []


def test_signing_out() -> None:
    it = talking()
    batch = say(it, A, Logout(req_id=9), 9.0)
    assert [type(m) for m in told(batch, A)] == [Ended, Reply, Goodbye]
    assert told(batch, B)[0].reason is EndReason.HANGUP and it.online == 2
    assert say(it, A, Ping(id=1)).tell == [] and it.dropped["stale session"] == 1


def test_a_new_program_does_not_inherit_the_call_of_a_dead_one() -> None:
    it = talking()
    it.disconnect(A, T0 + 5)
    it.connect(9, login("a", "d-new", CALL), T0 + 6)
    (welcome,) = told(it.drain(), 9)
    assert welcome.call is None and it.deadline() == T0 + 20
    assert welcome.ended is not None and welcome.ended.reason is EndReason.OTHER_DEVICE_ACCEPTED
    assert ask(it, 9, SetMedia(req_id=1, call_id=CALL, audio=True, video=True)).code is ErrorCode.NO_SUCH_CALL
    assert ask(it, 9, Hangup(req_id=2, call_id=CALL)).ok and it.live_calls == 1


# --- refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad, code",
    [
        ({"call_id": "x"}, ErrorCode.BAD_ARGUMENT),
        ({"to": "a"}, ErrorCode.BAD_ARGUMENT),
        ({"to": "no spaces"}, ErrorCode.BAD_ARGUMENT),
        ({"to": "x" * 33}, ErrorCode.BAD_ARGUMENT),
        ({"timeout": -1}, ErrorCode.BAD_ARGUMENT),
        ({"timeout": 86401}, ErrorCode.BAD_ARGUMENT),
        ({"user_data": "ä" * 2049}, ErrorCode.BAD_ARGUMENT),
        ({"to": "nobody"}, ErrorCode.UNKNOWN_USER),
    ],
)
def test_a_bad_invitation_changes_nothing(bad: dict[str, Any], code: ErrorCode) -> None:
    it = board()
    before = memory(it)
    reply = ask(it, A, invite(**bad))
    assert not reply.ok and reply.code is code and reply.message and "\n" not in reply.message
    assert it.live_calls == 0 and {**memory(it), "replies": None} == {**before, "replies": None}


@pytest.mark.parametrize(
    "callees, code",
    [
        ((), ErrorCode.BAD_ARGUMENT),
        (("b", "b"), ErrorCode.BAD_ARGUMENT),
        (tuple(f"u{i}" for i in range(9)), ErrorCode.BAD_ARGUMENT),
        (("b", "stranger"), ErrorCode.UNKNOWN_USER),
    ],
)
def test_how_many_can_be_called(callees: tuple[str, ...], code: ErrorCode) -> None:
    reply = ask(board(), A, Invite(req_id=1, call_id=CALL, callees=callees, media=AUDIO, timeout=30))
    assert reply.code is code


def test_a_taken_line_and_a_used_id() -> None:
    it = ringing()
    taken = ask(it, A, invite(2, OTHER, "c"))
    assert taken.code is ErrorCode.WRONG_STATE and taken.call is not None and taken.call.call_id == CALL
    assert ask(it, A, invite(3)).code is ErrorCode.REPEATED
    say(it, A, Hangup(req_id=4, call_id=CALL))
    assert ask(it, A, invite(5)).code is ErrorCode.REPEATED
    assert ask(it, A, invite(6, OTHER)).ok


def test_reject_after_accept_and_switch_before_it() -> None:
    it = ringing()
    assert ask(it, A, SwitchMedia(req_id=2, call_id=CALL, media=AUDIO)).code is ErrorCode.WRONG_STATE
    assert ask(it, B, SetMedia(req_id=2, call_id=CALL, audio=True, video=False)).code is ErrorCode.WRONG_STATE
    say(it, B, Accept(req_id=3, call_id=CALL))
    refused = ask(it, B, Reject(req_id=4, call_id=CALL))
    assert refused.code is ErrorCode.WRONG_STATE and refused.call is not None
    assert ask(it, B, Accept(req_id=5, call_id=CALL)).code is ErrorCode.REPEATED


def test_a_second_login_on_a_session_is_dropped() -> None:
    it = board()
    assert say(it, A, login("c")).tell == [] and it.dropped["second login"] == 1


# --- the same request has no second effect ----------------------------------------------------------------------


def test_the_same_request_gets_the_same_reply() -> None:
    it = board()
    first = say(it, A, invite())
    again = say(it, A, invite(), 5.0)
    assert again.tell == [first.tell[0]] and again.saved == []


def test_requests_of_another_device_are_others() -> None:
    it = ringing()
    it.connect(9, login("c", "d-new"), T0 + 1)
    it.drain()
    assert ask(it, 9, invite(1, OTHER, "a")).ok


def test_replies_are_kept_for_a_thousand_requests() -> None:
    it = board()
    for req_id in range(1100):
        say(it, A, Hangup(req_id=req_id, call_id=CALL))
    assert [len(replies) for replies in it._book.replies.values()] == [1000]
    assert len(it._book.tombstones) == 1


def test_tombstones_are_few_and_short_lived() -> None:
    it = board()
    for index in range(1100):
        say(it, A, Hangup(req_id=index, call_id=f"{index:032x}"), 1.0)
    assert len(it._book.tombstones) == 1000
    assert ask(it, A, invite(5000, f"{1099:032x}"), 2.0).code is ErrorCode.WRONG_STATE
    it.receive(A, Ping(id=1), T0 + 62)
    it.drain()
    assert it._book.tombstones == {}


def test_the_ends_of_calls_are_remembered_for_ten_minutes() -> None:
    it = ringing()
    say(it, A, Hangup(req_id=2, call_id=CALL), 10.0)
    for at, known in ((609, True), (612, False)):
        say(it, C, Ping(id=1), at)
        it.connect(at, login("a", call_id=CALL), T0 + at)
        welcome = told(it.drain(), at)[0]
        assert isinstance(welcome, Welcome) and (welcome.ended is not None) == known


def test_how_a_call_ended_is_no_business_of_strangers() -> None:
    it = ringing()
    say(it, A, Hangup(req_id=2, call_id=CALL))
    it.connect(9, login("c", "d-new", CALL), T0 + 2)
    assert told(it.drain(), 9)[0].ended is None


# --- going back -------------------------------------------------------------------------------------------------


INPUTS: list[Any] = [
    (A, invite(1, OTHER, "c")),
    (B, Accept(req_id=5, call_id=CALL)),
    (B, Reject(req_id=5, call_id=CALL)),
    (A, Hangup(req_id=5, call_id=CALL)),
    (C, Hangup(req_id=5, call_id=OTHER)),
    (C, invite(5, OTHER, "b")),
    (B, invite(5, OTHER, "a", media=AUDIO)),
    (A, SetMedia(req_id=5, call_id=CALL, audio=False, video=False)),
    (A, SwitchMedia(req_id=5, call_id=CALL, media=AUDIO)),
    (A, PeerReport(call_id=CALL, user_id="b", up=True)),
    (B, Logout(req_id=5)),
    "newcomer",
    "other device",
    "timer",
]


@pytest.mark.parametrize("state", [ringing, talking, board], ids=lambda s: s.__name__)
@pytest.mark.parametrize("what", INPUTS, ids=lambda w: w if isinstance(w, str) else type(w[1]).__name__)
def test_undo_is_exact(state: Any, what: Any) -> None:
    it, twin = state(), state()
    before, deadline = memory(it), it.deadline()

    def happens(board: Switchboard) -> None:
        if what == "newcomer":
            board.connect(9, login("new"), T0 + 4)
        elif what == "other device":
            board.connect(9, login("a", "d-new"), T0 + 4)
        elif what == "timer":
            board.handle_timer(T0 + 100)
        else:
            board.receive(what[0], what[1], T0 + 4)

    happens(it)
    it.drain()
    it.undo()
    assert memory(it) == before
    assert it.deadline() == (None if deadline is None else max(deadline, it._now + 1))
    empty = it.drain()
    assert (empty.tell, empty.saved, empty.users) == ([], [], [])
    happens(it)
    happens(twin)
    again, first = it.drain(), twin.drain()
    assert (again.tell, again.saved, again.users) == (first.tell, first.saved, first.users)


def test_undo_does_not_bring_a_dead_socket_back() -> None:
    it = talking()
    it.disconnect(B, T0 + 5)
    it.receive(A, SwitchMedia(req_id=5, call_id=CALL, media=AUDIO), T0 + 5)
    it.drain()
    it.undo()
    assert it.online == 2 and it.deadline() == T0 + 5 + 60
    it.disconnect(B, T0 + 7)
    it.drain()
    it.handle_timer(T0 + 65)
    assert told(it.drain(), A)[0].reason is EndReason.OFFLINE


def test_the_batch_before_stays() -> None:
    it = ringing()
    say(it, B, Accept(req_id=1, call_id=CALL))
    it.receive(A, Hangup(req_id=2, call_id=CALL), T0 + 5)
    it.drain()
    it.undo()
    assert it.live_calls == 1 and it._book.calls[CALL].accepted_at is not None


# --- starting again ---------------------------------------------------------------------------------------------


def stored(it: Switchboard) -> list[StoredCall]:
    return [*it._book.calls.values(), *it._book.ended.values()]


def restarted(it: Switchboard, at: float) -> Switchboard:
    """From what was stored, through JSON."""
    text = msgspec.json.encode(stored(it))
    return Switchboard(known_users=it._book.known, calls=msgspec.json.decode(text, type=list[StoredCall]), now=T0 + at)


@pytest.mark.parametrize("state", [ringing, talking], ids=lambda s: s.__name__)
def test_a_stored_call_survives_json(state: Any) -> None:
    it = state()
    assert stored(restarted(it, 5)) == stored(it)
    say(it, A, Hangup(req_id=9, call_id=CALL), 9.0)
    assert stored(restarted(it, 10)) == stored(it)


def test_nothing_is_written_or_told_by_starting() -> None:
    batch = restarted(ringing(), 5).drain()
    assert (batch.tell, batch.saved, batch.users) == ([], [], [])


def test_a_ring_goes_on_with_the_time_that_is_left() -> None:
    it = restarted(ringing(), 11)
    it.connect(B, login("b", call_id=CALL), T0 + 12)
    welcome = told(it.drain(), B)[0]
    assert welcome.call is not None and welcome.call.remaining == 19
    assert it.deadline() == T0 + 31
    it.connect(A, login("a", call_id=CALL), T0 + 13)
    it.handle_timer(T0 + 31)
    assert [type(m) for m in told(it.drain(), A)] == [Welcome, Declined, Ended]


def test_nobody_is_given_up_before_they_could_come_back() -> None:
    it = restarted(talking(), 100)
    assert it.deadline() == T0 + 130
    it.connect(A, login("a"), T0 + 110)
    it.connect(B, login("b"), T0 + 129)
    assert it.deadline() is None
    it.disconnect(B, T0 + 200)
    assert it.deadline() == T0 + 215


def test_a_talker_is_waited_for_longer_while_heard() -> None:
    it = talking()
    it.disconnect(B, T0 + 10)
    assert it.deadline() == T0 + 70
    say(it, A, PeerReport(call_id=CALL, user_id="b", up=False), 12.0)
    assert it.deadline() == T0 + 25
    it.connect(9, login("b"), T0 + 24)
    assert it.deadline() is None


def test_answered_but_never_connected() -> None:
    it = ringing()
    say(it, B, Accept(req_id=1, call_id=CALL), 5.0)
    assert it.deadline() == T0 + 35
    it.handle_timer(T0 + 35)
    assert told(it.drain(), B)[-1].reason is EndReason.MEDIA_FAILED and it.deadline() is None


def test_a_wall_clock_that_jumps_back_makes_no_negative_duration() -> None:
    batch = say(talking(), A, Hangup(req_id=9, call_id=CALL), -500.0)
    assert batch.saved[0].duration == 0 and batch.saved[0].ended_at == batch.saved[0].begun_at


def test_two_thousand_calls_at_once() -> None:
    it = Switchboard(known_users=[f"{side}{i}" for side in "ab" for i in range(2000)], now=T0)
    for i in range(2000):
        it.connect(i, login(f"a{i}"), T0)
        it.receive(i, invite(1, f"{i:032x}", f"b{i}", timeout=30 + i % 7), T0)
        it.drain()
    assert it.live_calls == 2000 and it.deadline() == T0 + 30
    it.handle_timer(T0 + 36)
    batch = it.drain()
    assert it.live_calls == 0 and len(batch.saved) == 2000 and it.deadline() is None
