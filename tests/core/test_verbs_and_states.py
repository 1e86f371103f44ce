"""Every verb of a line in every state and both roles: what goes out, or with which code it is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pycall.core.errors import CallError
from pycall.core.line import CallState
from pycall.core.outputs import Resolve
from pycall.core.types import MediaType
from tests.sim.stories import over
from tests.town import Phone, Town

VERBS: dict[str, Callable[[Phone], int]] = {
    "dial": lambda phone: phone.dial("d"),
    "join": lambda phone: phone.join("e" * 32),
    "join_room": lambda phone: phone.join_room(7, "nowhere"),
    "accept": lambda phone: phone.accept(),
    "reject": lambda phone: phone.reject(),
    "ignore": lambda phone: phone.reject(busy=True),
    "hangup": lambda phone: phone.hangup(),
    "invite": lambda phone: phone.invite("d"),
    "switch": lambda phone: phone.switch(MediaType.AUDIO),
    "open_microphone": lambda phone: phone.set_media(audio=True),
    "close_camera": lambda phone: phone.set_media(video=False),
    "several_devices": lambda phone: phone.several_devices(True),
    "show_as": lambda phone: phone.show_as("x"),
    "logout": lambda phone: phone.logout(),
}

# State -> what each verb in the order above comes to: + done, w WRONG_STATE, n NO_SUCH_CALL, s NOT_SUPPORTED.
EXPECTED = {
    "idle": "+nnwwwwwwww+++",
    "dialing": "wwwwww++w+++++",
    "dialing many": "wwwwww++s+++++",
    "ringing": "www++++wwww+++",
    "ringing many": "www++++wsww+++",
    "accepting": "wwwwww+ww+++++",
    "connecting": "wwwwww++++++++",
    "talking, caller": "wwwwww++++++++",
    "talking, callee": "wwwwww++++++++",
    "talking, many": "wwwwww++s+++++",
    "reconnecting": "wwwwww++++++++",
    "leaving": "wwwwww+wwww+++",
}
CODES = {"+": None, "w": "wrong_state", "n": "no_such_call", "s": "not_supported"}


def bring(state: str) -> tuple[Town, Phone]:
    """A world in which somebody's line is in this state, and that line's phone."""
    town = Town("a", "b", "c", "d")
    if state == "idle":
        return town, town["a"]
    many = "many" in state
    if state in ("connecting", "accepting"):
        town.cut = {(x, y) for x in "abcd" for y in "abcd"}
    town["a"].dial("b", *(["c"] if many else []))
    town.settle()
    if state.startswith("dialing"):
        return town, town["a"]
    if state.startswith("ringing"):
        return town, town["b"]
    town["b"].accept()
    if state == "accepting":
        return town, town["b"]
    town.settle()
    if state == "reconnecting":
        town.cut = {("a", "b"), ("b", "a")}
        town.advance(3.5)
    if state == "leaving":
        town["a"].hold_up = True
        town["a"].hangup()
    return town, town["b" if state == "talking, callee" else "a"]


STATES = {
    "idle": None,
    "dialing": CallState.DIALING,
    "ringing": CallState.RINGING,
    "accepting": CallState.CONNECTING,
    "connecting": CallState.CONNECTING,
    "talking": CallState.CONNECTED,
    "reconnecting": CallState.RECONNECTING,
    "leaving": CallState.LEAVING,
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", EXPECTED)
def test_every_verb_in_every_state(state: str, verb: str) -> None:
    town, phone = bring(state)
    before = phone.line.state
    assert before is STATES[state.replace(",", "").split()[0]]
    code: str | None
    try:
        req_id = VERBS[verb](phone)
    except CallError as error:
        code = error.code.value
        assert phone.line.state is before, "refused here: nothing has changed"
        assert "\n" not in error.message and len(error.message) > 10
    else:
        phone.hold_up = False
        town.settle()
        answers = [entry for entry in phone.log if isinstance(entry, Resolve) and entry.req_id == req_id]
        code = None if answers[0].error is None else answers[0].error.code.value
    assert code == CODES[EXPECTED[state][list(VERBS).index(verb)]]
    phone.hold_up = False
    if verb == "logout" and code is None:
        phone.connect()
    town.settle()
    over(town)
