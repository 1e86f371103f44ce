"""Every code sample of the document "TUICallEvent" (mini programs), line by line in Python, against a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from pycall.compat.kit import TUICallEvent
from pycall.compat.kit import TUICallKit as Component
from tests.compat.desk import Log, options, refusal
from tests.switchroom import APP_ID, Switchroom


def listen(TUICallKit: Component, console: Log) -> None:
    """The samples; `console.log` is told apart by its first word."""

    def log(line: str) -> None:
        console.keeps(line.split()[0])(line)

    def onError(res: Any) -> None:
        log("onError code=" + str(res.code) + ",message=" + res.message)

    def onCallReceived(res: Any) -> None:
        log("onCallReceived callerId=" + res.callerId)

    def onCallCancelled(res: Any) -> None:
        log("onCallCancelled userId=" + res.callerId)

    def onCallBegin(res: Any) -> None:
        log(
            "onCallBegin strRoomId="
            + res.roomId.strRoomId
            + ", callMediaType="
            + str(int(res.callMediaType))
            + ",callRole="
            + str(int(res.callRole))
        )

    def onCallEnd(res: Any) -> None:
        log(
            "onCallEnd strRoomId="
            + res.roomId.strRoomId
            + ",callMediaType="
            + str(int(res.callMediaType))
            + ",callRole="
            + str(int(res.callRole))
            + ",totalTime="
            + str(res.totalTime)
        )

    def onUser(name: str) -> Any:
        return lambda res: log(name + " userId=" + res.userId)

    def onCallMediaTypeChanged(res: Any) -> None:
        log(
            "onCallMediaTypeChanged oldCallMediaType="
            + str(int(res.oldCallMediaType))
            + ",newCallMediaType="
            + str(int(res.newCallMediaType))
        )

    def onUserVideoAvailable(res: Any) -> None:
        log("onUserVideoAvailable userId=" + res.userId + "isVideoAvailable=" + str(res.isVideoAvailable))

    def onUserAudioAvailable(res: Any) -> None:
        log("onUserAudioAvailable userId=" + res.userId + "isAudioAvailable=" + str(res.isAudioAvailable))

    def onUserVoiceVolumeChanged(res: Any) -> None:
        log("onUserVoiceVolumeChanged " + str(res))

    def onUserNetworkQualityChanged(networkQuality: Any) -> None:
        for key, value in networkQuality.items():
            log(f"onUserNetworkQualityChanged userId: {key}, network quality: {value.name}")

    TUICallKit.on(TUICallEvent.onError, onError)
    TUICallKit.on(TUICallEvent.onCallReceived, onCallReceived)
    TUICallKit.on(TUICallEvent.onCallCancelled, onCallCancelled)
    TUICallKit.on(TUICallEvent.onCallBegin, onCallBegin)
    TUICallKit.on(TUICallEvent.onCallEnd, onCallEnd)
    TUICallKit.on(TUICallEvent.onUserReject, onUser("onUserReject"))
    TUICallKit.on(TUICallEvent.onUserNoResponse, onUser("onUserNoResponse"))
    TUICallKit.on(TUICallEvent.onUserLineBusy, onUser("onUserLineBusy"))
    TUICallKit.on(TUICallEvent.onUserJoin, onUser("onUserJoin"))
    TUICallKit.on(TUICallEvent.onUserLeave, onUser("onUserLeave"))
    TUICallKit.on(TUICallEvent.onCallMediaTypeChanged, onCallMediaTypeChanged)
    TUICallKit.on(TUICallEvent.onKickedOffline, lambda res: log("onKickedOffline"))
    TUICallKit.on(TUICallEvent.onUserSigExpired, lambda res: log("onUserSigExpired"))
    TUICallKit.on(TUICallEvent.onUserVideoAvailable, onUserVideoAvailable)
    TUICallKit.on(TUICallEvent.onUserAudioAvailable, onUserAudioAvailable)
    TUICallKit.on(TUICallEvent.onUserVoiceVolumeChanged, onUserVoiceVolumeChanged)
    TUICallKit.on(TUICallEvent.onUserNetworkQualityChanged, onUserNetworkQualityChanged)


class Side:
    """A component that listens as the document says."""

    def __init__(self, kit: Component, user: str) -> None:
        self.kit, self.user = kit, user
        self.console = Log()
        listen(kit, self.console)

    async def printed(self, line: str) -> None:
        """That very line comes."""
        first = line.split()[0]
        await self.console.until(lambda: line in self.console.all(first), 10, line)


async def side(server: Switchroom, user: str) -> AsyncIterator[Side]:
    kit = Component(options(server, audio_sink="null"))
    kit.enableMuteMode(True)
    await kit.init({"SDKAppID": APP_ID, "userID": user, "userSig": server.ticket(user)})
    yield Side(kit, user)
    await kit.getTUICallEngineInstance().destroyInstance()


@pytest_asyncio.fixture
async def alice(server: Switchroom) -> AsyncIterator[Side]:
    async for it in side(server, "alice"):
        yield it


@pytest_asyncio.fixture
async def bob(server: Switchroom) -> AsyncIterator[Side]:
    async for it in side(server, "bob"):
        yield it


async def call(alice: Side, bob: Side, kind: int = 1, timeout: int = 30) -> None:
    await alice.kit.call({"userID": "bob", "type": kind, "timeout": timeout})
    await bob.printed("onCallReceived callerId=alice")


async def test_a_call_that_is_answered(alice: Side, bob: Side) -> None:
    await call(alice, bob, kind=2)
    await bob.kit.accept()
    await alice.printed("onCallBegin strRoomId=, callMediaType=2,callRole=1")
    await bob.printed("onCallBegin strRoomId=, callMediaType=2,callRole=2")
    await alice.printed("onUserJoin userId=bob")
    await bob.printed("onUserJoin userId=alice")
    await bob.printed("onUserVideoAvailable userId=aliceisVideoAvailable=True")
    await bob.printed("onUserAudioAvailable userId=aliceisAudioAvailable=True")
    await bob.console.saw("onUserVoiceVolumeChanged")
    await bob.console.saw("onUserNetworkQualityChanged", count=2)
    rows = bob.console.all("onUserNetworkQualityChanged")
    assert {row.split(",")[0].split()[-1] for row in rows} == {"alice", "bob"}
    engine = alice.kit.getTUICallEngineInstance()
    await engine.closeMicrophone()
    await bob.printed("onUserAudioAvailable userId=aliceisAudioAvailable=False")
    await engine.switchCallMediaType(1)
    await bob.printed("onCallMediaTypeChanged oldCallMediaType=2,newCallMediaType=1")
    await alice.kit.hangup()
    await bob.printed("onUserLeave userId=alice")
    ended = await bob.console.saw("onCallEnd")
    assert ended.startswith("onCallEnd strRoomId=,callMediaType=1,callRole=2,totalTime=")
    assert ended.split("=")[-1].isdecimal()


async def test_a_call_that_is_rejected(alice: Side, bob: Side) -> None:
    await call(alice, bob)
    await bob.kit.reject()
    await alice.printed("onUserReject userId=bob")
    await alice.printed("onCallCancelled userId=alice")
    await bob.printed("onCallCancelled userId=bob")
    assert not bob.console.all("onUserReject"), "in a call between two, only the caller is told"


async def test_a_call_that_is_cancelled(alice: Side, bob: Side) -> None:
    await call(alice, bob)
    await alice.kit.hangup()
    await alice.printed("onCallCancelled userId=alice")
    await bob.printed("onCallCancelled userId=alice")


async def test_a_call_that_nobody_answers(alice: Side, bob: Side) -> None:
    await call(alice, bob, timeout=1)
    await alice.printed("onUserNoResponse userId=bob")
    await alice.printed("onCallCancelled userId=alice")
    await bob.printed("onCallCancelled userId=bob")


async def test_a_line_that_is_busy(alice: Side, bob: Side) -> None:
    await call(alice, bob)
    await bob.kit.getTUICallEngineInstance().ignore()
    await alice.printed("onUserLineBusy userId=bob")
    await alice.printed("onCallCancelled userId=alice")


async def test_kicked_offline(alice: Side, server: Switchroom) -> None:
    async for _ in side(server, "alice"):
        await alice.printed("onKickedOffline")


async def test_a_ticket_that_runs_out(server: Switchroom) -> None:
    kit = Component(options(server, audio_sink="null"))
    console, ready = Log(), Log()
    listen(kit, console)
    engine = kit.getTUICallEngineInstance()
    engine.on(TUICallEvent.SDK_READY, ready.keeps("ready"))
    engine.on(TUICallEvent.SDK_NOT_READY, ready.keeps("not ready"))
    await kit.init({"SDKAppID": APP_ID, "userID": "carol", "userSig": server.ticket("carol", expire=3)})
    assert await console.saw("onUserSigExpired") == "onUserSigExpired"
    assert (await refusal(kit.call({"userID": "bob", "type": 1}))).code == 6206
    await engine.init({"userID": "carol", "userSig": server.ticket("carol")})
    assert (await refusal(kit.call({"userID": "bob", "type": 1}))).code == 8021
    assert ready.names() == ["ready", "not ready", "ready"]
    await engine.destroyInstance()


async def test_an_error_is_told_with_its_number(bob: Side, server: Switchroom) -> None:
    from pycall import MediaError
    from pycall.core.errors import ErrorCode

    class Broken:
        """A camera that fails as soon as it is opened."""

        def start(self, intake: Any) -> None:
            raise MediaError(ErrorCode.NO_DEVICE, "the camera is gone")

        def stop(self) -> None: ...

    carol = Component(options(server, video_source=Broken(), audio_sink="null"))
    console = Log()
    listen(carol, console)
    await carol.init({"SDKAppID": APP_ID, "userID": "carol", "userSig": server.ticket("carol")})
    await carol.call({"userID": "bob", "type": 2})
    assert await console.saw("onError") == "onError code=60004,message=the camera is gone"
    assert (await refusal(carol.call({"userID": "bob", "type": 2}))).code == -1203
    await carol.getTUICallEngineInstance().destroyInstance()
