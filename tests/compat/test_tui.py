"""TUICallEngine by its documented names: calls between two, their events, and what is refused with which number."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pycall.compat.names import TUICallEvent
from pycall.compat.structs import CallParams
from pycall.compat.tui import CallEndReason, RoomId, TUICallEngine, TUICallError, TUICallObserver, TUICallType
from tests.compat.desk import Log, Tui, options, refusal, talk, tui
from tests.switchroom import APP_ID, Switchroom


async def test_a_call_from_the_ring_to_the_end(alice: Tui, bob: Tui) -> None:
    await alice.engine.call({"userID": "bob", "type": TUICallType.VIDEO_CALL, "userData": "hello"})
    assert alice.engine.status == "calling"
    received = await bob.saw(TUICallEvent.ON_CALL_RECEIVED)
    assert (received.callerId, received["sponsor"], received["caller_id"]) == ("alice",) * 3
    assert received["calleeIdList"] == received.userIDList == ["bob"]
    assert (received.callMediaType, received.callRole, received.userData) == (2, "invitee", "hello")
    assert (await bob.saw("onInvited")).inviteID == received.callId

    await bob.engine.accept()
    begun, heard = await alice.saw("onCallBegin"), await bob.saw("onCallBegin")
    assert (begun.callRole, heard.callRole) == ("inviter", "invitee")
    assert begun.callID == heard.callId == received["callID"]
    assert alice.engine.status == "connected"
    assert (await alice.saw("onUserAccept")).userID == "bob"
    assert (await alice.saw("onUserEnter")).userId == (await alice.saw("onUserJoin"))["user_id"] == "bob"
    assert (await bob.saw("onUserEnter")).userID == (await bob.saw("onUserJoin")).userID == "alice"
    assert "onUserAccept" not in bob.log.names()

    await alice.engine.hangup()
    for side in (alice, bob):
        ended = await side.saw("onCallEnd")
        assert (ended.userID, ended.reason, ended.callMediaType) == ("alice", CallEndReason.Hangup, 2)
        assert ended.totalTime == ended.callEnd == int(ended.totalTime)
        assert not side.log.names("onCallNotConnected")
    assert (await bob.saw("onUserLeave")).userID == "alice"
    assert alice.engine.status == "idle"


async def test_a_refusal_is_told_before_the_call_that_did_not_connect(alice: Tui, bob: Tui) -> None:
    await alice.engine.call(userID="bob", type=1)
    await bob.saw("onCallReceived")
    await bob.engine.reject()
    missed, refused = await alice.saw("onCallNotConnected"), await bob.saw("onCallNotConnected")
    order = alice.log.names("onReject", "onUserReject", "onCallingCancel", "onCallCancelled", "onCallNotConnected")
    assert order == ["onReject", "onUserReject", "onCallingCancel", "onCallCancelled", "onCallNotConnected"]
    assert (await alice.saw("onReject")).userID == "bob"
    assert (missed.userID, missed.reason, missed.callRole) == ("alice", 2, "inviter")
    assert (refused.userID, refused.reason, refused.callRole) == ("bob", 2, "invitee")
    assert (await alice.saw("onCallingCancel")).reason == "reject"
    assert not bob.log.names("onReject")


async def test_a_busy_line_and_an_ignored_ring_look_alike(alice: Tui, bob: Tui) -> None:
    await alice.engine.call("bob", TUICallType.AUDIO_CALL)
    await bob.saw("onCallReceived")
    await bob.engine.ignore()
    missed = await alice.saw("onCallNotConnected")
    assert (await alice.saw("onLineBusy")).userID == (await alice.saw("onUserLineBusy")).userID == "bob"
    assert (missed.userID, missed.reason) == ("alice", CallEndReason.LineBusy)


async def test_a_cancelled_call_names_the_caller_on_both_sides(alice: Tui, bob: Tui) -> None:
    await alice.engine.call({"userID": "bob", "type": 1})
    await bob.saw("onCallReceived")
    await alice.engine.hangup()
    for side in (alice, bob):
        missed = await side.saw("onCallNotConnected")
        assert (missed.userID, missed.reason) == ("alice", CallEndReason.Canceled)
        assert (await side.saw("onCallCancelled")).callerId == "alice"


async def test_nobody_answers(alice: Tui, bob: Tui) -> None:
    await alice.engine.call("bob", 1, CallParams(timeout=1))
    mine, theirs = await alice.saw("onCallNotConnected"), await bob.saw("onCallNotConnected")
    assert (mine.userID, mine.reason, theirs.userID, theirs.reason) == ("alice", 3, "bob", 3)
    quiet = await alice.saw("onNoResp")
    assert (quiet.sponsor, quiet.userIDList) == ("alice", ["bob"])
    assert (await bob.saw("onCallingTimeout")).sponsor == "alice"
    assert alice.log.names("onNoResp", "onCallNotConnected") == ["onNoResp", "onCallNotConnected"]


async def test_camera_microphone_volume_and_quality_are_told(alice: Tui, bob: Tui) -> None:
    await talk(alice, bob, TUICallType.VIDEO_CALL)
    await alice.engine.closeMicrophone()
    await alice.engine.close_camera()
    await bob.log.until(lambda: any(not p.isAudioAvailable for p in bob.log.all("onUserAudioAvailable")))
    await bob.log.until(lambda: any(not p.isVideoAvailable for p in bob.log.all("onUserVideoAvailable")))
    await bob.log.until(lambda: any(p.volumeMap.get("bob", 0) > 0 for p in bob.log.all("onUserVoiceVolume")))
    quality = (await bob.saw("onUserNetworkQualityChanged")).networkQualityList
    assert [one["userId"] for one in quality] == ["bob", "alice"]
    assert (await refusal(alice.engine.openCamera("no-such-view"))).code == -1202
    await alice.engine.openCamera()
    await alice.engine.setMicMute(False)
    await alice.engine.switchCallMediaType(1)
    changed = await bob.saw("onCallTypeChanged")
    assert (changed.oldCallType, changed.newCallType) == (2, 1)
    same = await refusal(alice.engine.switchCallMediaType(1))
    assert (same.code, (await alice.saw("onError")).code) == (-1203, 60001)


async def test_before_init_everything_is_refused() -> None:
    engine = TUICallEngine({"SDKAppID": APP_ID})
    for name in ["call", "calls", "accept", "hangup", "openCamera", "setVideoQuality", "switchCallMediaType"]:
        assert (await refusal(getattr(engine, name)())).code == -1201, name


async def test_verbs_in_the_wrong_state_are_refused(alice: Tui, bob: Tui) -> None:
    for name in ["accept", "reject", "ignore", "hangup", "openCamera", "closeMicrophone"]:
        error = await refusal(getattr(alice.engine, name)())
        assert (error.code, error["code"]) == (-1203, -1203), name
    await alice.engine.call({"userID": "bob", "type": 1})
    assert (await refusal(alice.engine.call({"userID": "bob", "type": 1}))).code == -1203
    assert (await refusal(alice.engine.accept())).code == -1203


async def test_the_same_verb_twice_at_once_is_refused(alice: Tui, bob: Tui) -> None:
    first = alice.engine.call({"userID": "bob", "type": 1})
    second = alice.engine.call({"userID": "bob", "type": 1})
    assert (await refusal(second)).code == -1204
    while alice.engine.line_state is None:  # noqa: ASYNC110 - no event tells that a dial has begun
        await asyncio.sleep(0)
    assert not first.done()
    third = alice.engine.call({"userID": "bob", "type": 1})
    assert (await refusal(third)).code == -1204, "dialed, and not answered by the server yet"
    await first


@pytest.mark.parametrize(
    ("arguments", "inner"),
    [
        ({}, -120200),
        ({"userID": "bob"}, -120200),
        ({"userID": 7, "type": 1}, -120201),
        ({"userID": "", "type": 1}, -120202),
        ({"userID": "bob", "type": 3}, -120203),
        ({"userID": "bob", "type": "video"}, -120201),
        ({"userID": "bob", "type": 1, "timeout": -1}, -120203),
        ({"userID": "bob", "type": 1, "timeout": 10**5000}, -120203),
        ({"userID": "alice", "type": 1}, -120202),
        ({"userID": "bob", "type": 1, "ringFor": 3}, -1202),
    ],
)
async def test_a_wrong_argument_has_an_inner_number(alice: Tui, arguments: dict[str, Any], inner: int) -> None:
    error = await refusal(alice.engine.call(arguments))
    assert (error.code, error.inner_code, error["innerCode"]) == (-1202, inner, inner)
    assert "-12" not in error.message and str(error) == f"{error.message} (-1202, {inner})"


async def test_bad_ids_and_strangers(alice: Tui) -> None:
    assert (await refusal(alice.engine.call({"userID": "b\nb", "type": 1}))).inner_code == -120203
    assert (await refusal(alice.engine.call({"userID": "nobody", "type": 1}))).code == 8021
    nine = [f"u{n}" for n in range(9)]
    assert (await refusal(alice.engine.calls({"userIDList": nine, "type": 1}))).inner_code == -120203
    assert (await refusal(alice.engine.calls({"userIDList": "bob", "type": 1}))).inner_code == -120201
    assert (await refusal(alice.engine.calls({"userIDList": [None], "type": 1}))).inner_code == -120202


async def test_native_order_a_callback_and_an_observer(alice: Tui, bob: Tui) -> None:
    log = Log()

    class Callback:
        def onSuccess(self) -> None:
            log.keeps("success")(None)

        def onError(self, code: int, message: str) -> None:
            log.keeps("error")((code, message))

    class Observer(TUICallObserver):
        def onCallReceived(self, callId: str, callerId: str, calleeIdList: Any, mediaType: Any, info: Any) -> None:
            log.keeps("received")((callerId, calleeIdList, int(mediaType), info.userData, int(info.role)))

        async def onCallNotConnected(self, callId: str, mediaType: Any, reason: Any, userId: str, info: Any) -> None:
            log.keeps("missed")((int(reason), userId))

    observer = Observer()
    bob.engine.addObserver(observer)
    bob.engine.addObserver(observer)
    params = CallParams(roomId=RoomId(), timeout=20, userData="native")
    alice.engine.call("bob", TUICallType.Audio, params, Callback())
    assert await log.saw("received") == ("alice", ["bob"], 1, "native", 2)
    await log.saw("success")
    bob.engine.reject(Callback())
    assert await log.saw("missed") == (2, "bob")
    bob.engine.accept(Callback())
    assert (await log.saw("error"))[0] == -1203
    assert log.names("received") == ["received"]
    bob.engine.removeObserver(observer)


async def test_off_ends_a_subscription_and_a_listener_that_raises_harms_nobody(
    alice: Tui, bob: Tui, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def loud(event: Any) -> None:
        raise RuntimeError("loud")

    def first(event: Any) -> None:
        heard.append("first")

    bob.engine.on(TUICallEvent.ON_CALL_RECEIVED, loud)
    bob.engine.on(TUICallEvent.ON_CALL_RECEIVED, first, bob)
    bob.engine.on(TUICallEvent.ON_CALL_RECEIVED, first, alice)
    bob.engine.on("onCallReceived", lambda: heard.append("second"))
    bob.engine.off("onCallReceived", first, alice)
    bob.engine.on("onCallReceived", lambda event: bob.engine.accept())
    await alice.engine.call({"userID": "bob", "type": 1})
    await alice.saw("onCallBegin")
    assert heard == ["first", "second"]
    bob.engine.off("onCallReceived", first)
    assert "a listener for onCallReceived raised" in caplog.text
    with pytest.raises(TUICallError, match="no event"):
        bob.engine.on("onCallRecieved", first)


async def test_there_is_one_instance_until_it_is_destroyed(server: Switchroom) -> None:
    engine = TUICallEngine.createInstance(options(server))
    assert TUICallEngine.create_instance() is TUICallEngine.createInstance(object()) is engine
    await engine.login({"userID": "carol", "userSig": server.ticket("carol")})
    assert engine.is_ready
    told = Log()
    engine.on(TUICallEvent.SDK_NOT_READY, told.keeps("not ready"))
    await engine.destroyInstance()
    assert told.names() == ["not ready"]
    other = TUICallEngine.createInstance(options(server))
    assert other is not engine
    await other.destroyInstance()
    assert (await refusal(engine.hangup())).code == -1201


async def test_init_in_native_order_and_again(server: Switchroom) -> None:
    engine = TUICallEngine({"server": server.url})
    ready: list[str] = []
    engine.on(TUICallEvent.SDK_READY, lambda: ready.append("ready"))
    await engine.init(APP_ID, "carol", server.ticket("carol"))
    await engine.init(APP_ID, "carol", server.ticket("carol"))
    assert ready == ["ready"]
    assert (await refusal(engine.init(APP_ID + 1, "carol", "x"))).code == -1203
    assert (await refusal(engine.init({"userID": "carol"}))).inner_code == -120200
    await engine.logout()
    expired = server.ticket("carol", expire=1, now=1_000_000)
    assert (await refusal(engine.login("carol", expired))).code == 6206
    await engine.destroyInstance()


async def test_the_server_comes_from_the_environment(server: Switchroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYCALL_URL", server.url)
    engine = TUICallEngine({"SDKAppID": APP_ID})
    await engine.login({"userID": "carol", "userSig": server.ticket("carol")})
    assert engine.getTRTCCloudInstance().config.server == server.url
    await engine.destroyInstance()


async def test_a_second_sign_in_kicks_the_first_out(alice: Tui, server: Switchroom) -> None:
    async with tui(server, "alice"):
        await alice.saw("onKickedOut")
        await alice.saw("onKickedOffline")
        assert (await refusal(alice.engine.call({"userID": "bob", "type": 1}))).code == -1201


async def test_a_verb_runs_without_being_awaited(alice: Tui, bob: Tui) -> None:
    alice.engine.call({"userID": "bob", "type": 1})
    await bob.saw("onCallReceived")
    bob.engine.accept()
    await alice.saw("onCallBegin")
    await bob.saw("onCallBegin")
    alice.engine.hangup()
    await asyncio.gather(alice.saw("onCallEnd"), bob.saw("onCallEnd"))
