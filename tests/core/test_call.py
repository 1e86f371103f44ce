"""The table of the call, arrow by arrow: what is in it happens, what is not in it does not."""

from __future__ import annotations

import pytest

from pycall.core.call import TRANSITIONS, Call, CallState, Fact, Intent, allow
from pycall.core.errors import ErrorCode, LocalProtocolError
from pycall.core.types import CallId, MediaType, MemberState, Role
from pycall.core.wire import CallView, MemberView

ARROWS = """
    DIALING --JOINED--> CONNECTING
    DIALING --SET_MEDIA--> DIALING
    DIALING --INVITE--> DIALING
    DIALING --HANGUP--> LEAVING
    DIALING --DEADLINE--> LEAVING
    RINGING --ACCEPT--> CONNECTING
    RINGING --REJECT--> LEAVING
    RINGING --HANGUP--> LEAVING
    RINGING --DEADLINE--> LEAVING
    CONNECTING --JOINED--> CONNECTING
    CONNECTING --ACCEPT_REFUSED--> RINGING
    CONNECTING --PEER_UP--> CONNECTED
    CONNECTING --SET_MEDIA--> CONNECTING
    CONNECTING --SWITCH_MEDIA--> CONNECTING
    CONNECTING --INVITE--> CONNECTING
    CONNECTING --HANGUP--> LEAVING
    CONNECTING --DEADLINE--> LEAVING
    CONNECTED --JOINED--> CONNECTED
    CONNECTED --PEERS_LOST--> RECONNECTING
    CONNECTED --SET_MEDIA--> CONNECTED
    CONNECTED --SWITCH_MEDIA--> CONNECTED
    CONNECTED --INVITE--> CONNECTED
    CONNECTED --HANGUP--> LEAVING
    CONNECTED --DEADLINE--> LEAVING
    RECONNECTING --JOINED--> RECONNECTING
    RECONNECTING --PEER_UP--> CONNECTED
    RECONNECTING --SET_MEDIA--> RECONNECTING
    RECONNECTING --SWITCH_MEDIA--> RECONNECTING
    RECONNECTING --ALONE--> CONNECTED
    RECONNECTING --INVITE--> RECONNECTING
    RECONNECTING --HANGUP--> LEAVING
    RECONNECTING --DEADLINE--> LEAVING
    LEAVING --HANGUP--> LEAVING
"""

EXPECTED = {
    (before, cause): after
    for before, cause, after in (line.replace("-->", "--").split("--") for line in ARROWS.replace(" ", "").split())
}
CAUSES: list[Intent | Fact] = [*Intent, *Fact]


def call(state: CallState) -> Call:
    return Call(CallId("0" * 32), Role.CALLER, MediaType.AUDIO, state, "a", {})


@pytest.mark.parametrize("cause", CAUSES, ids=lambda c: c.name)
@pytest.mark.parametrize("state", CallState, ids=lambda s: s.name)
def test_the_table_and_nothing_else(state: CallState, cause: Intent | Fact) -> None:
    after = EXPECTED.get((state.name, cause.name))
    if isinstance(cause, Fact):
        it = call(state)
        assert it.observe(cause) == (after is not None)
        assert it.state.name == (after or state.name)
    elif after is not None:
        assert allow(state, cause).name == after
    else:
        with pytest.raises(LocalProtocolError) as caught:
            allow(state, cause)
        assert caught.value.code is ErrorCode.WRONG_STATE
        assert state.value in str(caught.value) and "\n" not in str(caught.value)


def test_every_arrow_is_in_the_table() -> None:
    assert {(s.name, c.name): t.name for (s, c), t in TRANSITIONS.items()} == EXPECTED


@pytest.mark.parametrize("intent", Intent, ids=lambda i: i.name)
def test_without_a_call_nothing_can_be_asked(intent: Intent) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        allow(None, intent)
    assert caught.value.code is ErrorCode.WRONG_STATE and "call" in str(caught.value)


def test_leaving_is_never_left_but_by_the_end() -> None:
    assert {after for (before, _), after in TRANSITIONS.items() if before is CallState.LEAVING} == {CallState.LEAVING}


def test_every_state_can_be_left_by_hanging_up() -> None:
    assert all(allow(state, Intent.HANGUP) is CallState.LEAVING for state in CallState)


def test_a_view_replaces_members_and_never_turns_time_back() -> None:
    it = call(CallState.RINGING)
    it.seq = 7
    members = (MemberView(user_id="a", state=MemberState.JOINED), MemberView(user_id="b", state=MemberState.RINGING))
    view = CallView(call_id="0" * 32, seq=5, caller="a", callees=("b",), media=MediaType.AUDIO, members=members)
    it.take_view(view)
    assert it.seq == 7 and list(it.members) == ["a", "b"]
    assert it.others_joined("b") == ["a"] and it.others_joined("a") == []
