"""Whatever a documented verb is given, it answers with a documented error or does it; nothing else comes out."""

from __future__ import annotations

import math
from typing import Any

from pycall.compat.codes import TUICallError
from pycall.compat.structs import CallParams, RoomId, VideoEncoderParams
from tests.compat.desk import Trtc, Tui, talk
from tests.compat.test_table import METHODS

JUNK: list[Any] = [
    None,
    True,
    -1,
    2**70,
    1.5,
    math.nan,
    math.inf,
    "",
    "b\nb",
    "\ud800",
    "x" * 5000,
    b"bytes",
    [],
    ["bob", 7],
    [[]],
    {"a": 1},
    {1, 2},
    object(),
    RoomId("seven", 7),  # type: ignore[arg-type]
    CallParams(timeout="soon"),  # type: ignore[arg-type]
    VideoEncoderParams(7, 7),  # type: ignore[arg-type]
]
NOT_VERBS = {"createInstance", "on", "off", "addObserver", "removeObserver", "getTRTCCloudInstance"}
CONSTANTS = {"EVENT", "CALL_TYPE"}
NAMES = ["userID", "userIDList", "type", "timeout", "roomID", "strRoomID", "userData", "groupID", "callId", "params"]
KEEP = {"logout", "unInit", "destroyInstance", "setLogLevel", "login", "init"}
"""What would end the session, or silence the other tests, if it succeeded; their arguments are tried elsewhere."""


def verbs(title: str) -> list[str]:
    left_out = NOT_VERBS | CONSTANTS | KEEP
    return [
        name
        for home, name, answer in METHODS
        if home == title and answer in ("yes", "differs") and name not in left_out
    ]


async def harmless(verb: Any, *args: Any, **named: Any) -> None:
    try:
        await verb(*args, **named)
    except TUICallError as error:
        assert error.code != 0 and error.message


async def test_an_engine_is_given_junk(alice: Tui) -> None:
    for name in verbs("TUICallEngine"):
        verb = getattr(alice.engine, name)
        for junk in JUNK:
            await harmless(verb, junk)
            await harmless(verb, junk, junk)
            await harmless(verb, dict.fromkeys(NAMES, junk))
            await harmless(verb, userID="bob", userIDList=["bob"], type=1, callId=junk, timeout=junk)
        assert alice.engine.is_ready, name


async def test_an_engine_in_a_call_is_given_junk(alice: Tui, bob: Tui) -> None:
    await talk(alice, bob)
    for name in set(verbs("TUICallEngine")) - {"hangup"}:
        for junk in JUNK:
            await harmless(getattr(alice.engine, name), junk)
            await harmless(getattr(alice.engine, name), {"userID": "bob", "userIDList": junk, "videoViewDomID": junk})
        assert alice.engine.status == "connected", name


async def test_the_old_component_is_given_junk(inviter: Trtc) -> None:
    for name in verbs("TRTCCalling"):
        verb = getattr(inviter.calling, name)
        for junk in JUNK:
            await harmless(verb, junk)
            await harmless(verb, {"userID": junk, "userIDList": junk, "profile": junk, "type": 1})
        assert inviter.calling.is_ready, name
