"""Every documented verb in every state of the line that does not allow it, from either end."""

from __future__ import annotations

from typing import Any

import pytest

from pycall.compat.tui import TUICallEngine
from tests.compat.desk import Tui, refusal, talk
from tests.switchroom import APP_ID

BOB: dict[str, Any] = {"userID": "bob", "type": 1}
ARGUMENTS: dict[str, Any] = {
    "call": BOB,
    "calls": {"userIDList": ["bob"], "type": 1},
    "groupCall": {"userIDList": ["bob"], "type": 1, "groupID": "team"},
    "join": {"callId": "0" * 32},
    "joinInGroupCall": {"roomID": 1, "groupID": "team", "type": 1},
    "inviteUser": {"userIDList": ["carol"]},
    "switchCallMediaType": {"type": 1},
    "startRemoteView": {"userID": "bob", "videoViewDomID": "null"},
    "stopRemoteView": {"userID": "bob"},
    "setMicMute": {"isMute": True},
    "setVideoQuality": {"profile": "480p"},
    "setSelfInfo": {"nickName": "Al"},
    "enableMultiDeviceAbility": {"enable": False},
    "setBeautyLevel": {"level": 1},
    "setVideoRenderParams": {"userID": "bob"},
    "startLocalView": {"videoViewDomID": "null"},
}
BEGIN = ["call", "calls", "groupCall", "join", "joinInGroupCall"]
ANSWER = ["accept", "reject", "ignore"]
WATCH = ["startRemoteView", "stopRemoteView"]
SEND = ["openCamera", "closeCamera", "openMicrophone", "closeMicrophone", "setMicMute"]
IN_CALL = ["hangup", "inviteUser", "switchCallMediaType", *SEND]
ANY_TIME = ["setVideoQuality", "setSelfInfo", "enableMultiDeviceAbility", "setBeautyLevel", "setVideoRenderParams"]


async def all_refused(engine: TUICallEngine, names: list[str], code: int) -> None:
    for name in names:
        error = await refusal(getattr(engine, name)(ARGUMENTS.get(name, {})))
        assert error.code == code, f"{name}: {error}"


async def test_before_init() -> None:
    engine = TUICallEngine({"SDKAppID": APP_ID})
    await all_refused(engine, [*BEGIN, *ANSWER, *WATCH, *IN_CALL, *ANY_TIME, "startLocalView", "stopLocalView"], -1201)
    await engine.logout()
    await engine.destroyInstance()


async def test_without_a_call(alice: Tui) -> None:
    await all_refused(alice.engine, [*ANSWER, *WATCH, *IN_CALL], -1203)
    for name in ANY_TIME:
        await getattr(alice.engine, name)(ARGUMENTS[name])


async def test_while_it_rings(alice: Tui, bob: Tui) -> None:
    await alice.engine.call(BOB)
    await bob.saw("onCallReceived")
    await all_refused(alice.engine, [*BEGIN, *ANSWER, *WATCH, "switchCallMediaType"], -1203)
    await all_refused(bob.engine, [*BEGIN, *WATCH, "switchCallMediaType", "inviteUser", *SEND], -1203)
    for name in ["closeMicrophone", "openMicrophone"]:
        await getattr(alice.engine, name)()
    for side in (alice, bob):
        for name in ANY_TIME:
            await getattr(side.engine, name)(ARGUMENTS[name])


async def test_in_the_conversation(alice: Tui, bob: Tui) -> None:
    await talk(alice, bob)
    for side in (alice, bob):
        await all_refused(side.engine, [*BEGIN, *ANSWER], -1203)
        for name in [*ANY_TIME, "startRemoteView", "stopRemoteView", "closeMicrophone", "openMicrophone"]:
            await getattr(side.engine, name)(ARGUMENTS.get(name, {}))
    assert (await refusal(alice.engine.openCamera())).code == -1203, "a voice call has no picture"


@pytest.mark.parametrize("who", ["alice", "bob"])
async def test_after_the_call(alice: Tui, bob: Tui, who: str) -> None:
    await talk(alice, bob)
    ends = {"alice": alice, "bob": bob}[who]
    await ends.engine.hangup()
    for side in (alice, bob):
        await side.saw("onCallEnd")
        await all_refused(side.engine, [*ANSWER, *WATCH, *IN_CALL], -1203)
