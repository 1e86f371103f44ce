"""What must be true of the simulated world: at every moment, whenever nothing is in flight, and once all is over.

one terminal event for each user and call; nothing before, nothing after        history
one live call on a line; the lines are the live calls; no ring outlives its time  _lines_are_the_live_calls
a conversation that began here began at the server; all have the same picture    check_quiet
once all are gone: no call, no timer, nothing that waits                         check_over
one record for each call, its times in order                                     check_always
what happened is told to the back office, all of it, once by its id              office.py
no packet before an answer is stored, none after hanging up; nobody else captures
                                    _packets_only_between_those_who_answered, _nothing_is_captured_unasked
what is delivered twice changes nothing                                          machine.Walk.deliver_twice
no secret and no user's words in a log or an error                               ears.py
"""

from __future__ import annotations

from pycall.core.events import CallBegan, CallEnded, CallNotConnected, CallReceived
from pycall.core.line import CallState
from pycall.core.outputs import Resolve
from pycall.core.types import MemberState, Role
from tests.town import Phone, Town

TERMINAL = (CallNotConnected, CallEnded)


def check_always(town: Town) -> None:
    """Holds after every single step."""
    _lines_are_the_live_calls(town)
    _nothing_is_held_for_long(town)
    for phone in town.phones.values():
        history(phone)
        _nothing_is_captured_unasked(phone)
        _packets_only_between_those_who_answered(town, phone)
    ended = [record.call_id for record in town.records]
    assert len(ended) == len(set(ended)), "one record per call"
    for record in town.records:
        times = [record.created_at, record.accepted_at, record.begun_at, record.ended_at]
        known = [time for time in times if time is not None]
        assert known == sorted(known) and record.reason is not None and record.ended_by


def check_quiet(town: Town) -> None:
    """Holds when no message is in flight and everybody is connected: all have the same picture."""
    book = town.switchboard._book
    for phone in town.phones.values():
        if phone.session is None:
            continue
        unanswered = phone.line._own.pending.all()
        assert phone.asked == set(phone.answers), f"{phone.name}: never answered: {unanswered}"
        call = book.call_of(phone.user_id)
        member = None if call is None else call.member(phone.user_id)
        assert phone.line.state is not CallState.LEAVING
        if call is None or member is None or member.device_id not in (None, phone.device_id):
            assert phone.line.call_id is None, f"{phone.user_id} is in a call that the server does not know"
            assert phone.capturing is None
            continue
        if member.state is MemberState.RINGING and (not member.told or _rings_elsewhere(town, phone)):
            continue
        assert phone.line.call_id == call.call_id, f"{phone.name} does not know of {call}"
        assert phone.line.media is call.media
        assert (phone.line.state is CallState.RINGING) == (member.state is MemberState.RINGING)
        assert phone.capturing is (None if member.state is MemberState.RINGING else call.media)
        if member.state is MemberState.RINGING:
            continue
        assert (phone.line.scene, phone.line.room_id) == (call.scene, call.room_id)
        assert set(phone.peers) == {other.user_id for other in call.joined() if other is not member}
        views = {view.user_id: view for view in phone.line.members if view.user_id != phone.user_id}
        for other in call.members:
            if other.user_id != phone.user_id:
                view = views[other.user_id]
                assert view.state is other.state
                if other.state is MemberState.JOINED:
                    assert (view.audio, view.video, view.since) == (other.audio, other.video, other.since)
        if member.state is MemberState.JOINED:
            assert (member.audio, member.video) == phone.line._own.wanted_media()


def _rings_elsewhere(town: Town, phone: Phone) -> bool:
    """This device came when the ring was as good as over; another one rings."""
    others = (other for other in town.phones.values() if other.user_id == phone.user_id and other is not phone)
    return phone.line.state is None and any(other.line.state is CallState.RINGING for other in others)


def check_began(town: Town) -> None:
    """Holds when media has had time to get through: the conversation has begun for everybody in a call, or nobody."""
    for call in town.switchboard._book.calls.values():
        inside = {(member.user_id, member.device_id) for member in call.joined()}
        lines = [phone.line._own.call for phone in town.phones.values() if (phone.user_id, phone.device_id) in inside]
        began = {line.began_at is not None for line in lines if line is not None and line.call_id == call.call_id}
        assert len(inside) < 2 or began <= {call.begun_at is not None}, f"not the same for all: {call}"


def check_over(town: Town) -> None:
    """Holds once everybody has hung up and gone, ten minutes later: nothing is left."""
    assert town.switchboard.live_calls == 0 and town.switchboard.deadline() is None
    book = town.switchboard._book
    assert not book.lines and not book.bursts and not book.held
    for phone in town.phones.values():
        assert phone.line.state is None and phone.line.deadline() is None
        assert phone.capturing is None and not phone.peers
        known, terminal = history(phone)
        assert known == terminal, f"{phone.user_id}: no terminal event for {known - terminal}"


def history(phone: Phone) -> tuple[set[str], set[str]]:
    """The calls this user came to know, and those that ended for them; each once, nothing before, nothing after."""
    known: set[str] = set()
    terminal: set[str] = set()
    began: set[str] = set()
    for entry in phone.log:
        if isinstance(entry, Resolve):
            if entry.req_id in phone.dialed and entry.error is None:
                assert entry.call_id is not None
                begins = _begins(entry.call_id, known, terminal, began)
                assert begins or entry.req_id in phone.joined_ringing
            continue
        if isinstance(entry, CallReceived):
            assert _begins(entry.call_id, known, terminal, began), "a ring is told once"
        if isinstance(entry, CallBegan):
            assert entry.call_id not in began, "a call begins once"
            began.add(entry.call_id)
        call_id = getattr(entry, "call_id", None)
        if call_id is not None:
            assert call_id in known, f"{entry} before the call was known"
            assert call_id not in terminal, f"{entry} after the end"
        if isinstance(entry, TERMINAL):
            terminal.add(entry.call_id)
            assert isinstance(entry, CallEnded) == (entry.call_id in began)
    assert len(known - terminal) <= 1, "at most one call on a line"
    return known, terminal


def _begins(call_id: str, known: set[str], terminal: set[str], began: set[str]) -> bool:
    """The user comes to know of a call; of one that was over for them, when they are invited or join anew."""
    again = call_id in terminal
    if call_id in known and not again:
        return False
    known.add(call_id)
    terminal.discard(call_id)
    began.discard(call_id)
    return True


def _nothing_is_captured_unasked(phone: Phone) -> None:
    line, call = phone.line, phone.line._own.call
    if phone.capturing is not None:
        assert call is not None and line.state not in (None, CallState.RINGING, CallState.LEAVING)
        assert call.role is Role.CALLER or call.committed
        assert phone.capturing is line.media
    else:
        assert not phone.peers
        assert call is None or line.state in (CallState.RINGING, CallState.LEAVING) or not call.committed


def _packets_only_between_those_who_answered(town: Town, phone: Phone) -> None:
    """Whatever the line believes: whoever captures has dialed, or has answered as the server has stored it; and so has
    everybody to whom a connection is open."""
    call = phone.line._own.call
    if phone.capturing is None or call is None:
        assert phone.capturing is None and not phone.peers
        return
    assert call.role is Role.CALLER or (call.call_id, phone.user_id, phone.device_id) in town.answered
    there = {user for call_id, user, _ in town.answered if call_id == call.call_id} if phone.peers else set()
    assert set(phone.peers) <= there


def _nothing_is_held_for_long(town: Town) -> None:
    """Of a burst of mutes the last is told within a second, to those who are in the call."""
    book = town.switchboard._book
    assert set(book.held) <= set(book.bursts) <= set(book.lines)
    assert town.disk_full or all(at <= town.unix + 1.0 for at in book.held.values())


def _lines_are_the_live_calls(town: Town) -> None:
    book = town.switchboard._book
    expected = {
        member.user_id: call.call_id
        for call in book.calls.values()
        for member in call.members
        if member.state is not MemberState.GONE
    }
    assert book.lines == expected
    assert sum(1 for call in book.calls.values() for member in (*call.joined(), *call.ringing())) == len(expected)
    for call in book.calls.values():
        assert call.ended_at is None and any(call.joined())
        for member in call.ringing():
            end = call.ring_end(member)
            assert end is None or town.disk_full or town.unix <= end + 1, "no ring outlives its time"
        assert not call.is_lonely, "nobody is left alone in a call"
        assert call.seats_taken <= 9
