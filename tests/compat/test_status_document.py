"""The code samples of "Call State Callbacks in Your Calling Website" and "Monitor call status", in Python."""

from __future__ import annotations

from typing import Any

import pytest

from pycall.compat.kit import STATUS, TUICallEvent, TUICallKit, VideoDisplayMode, VideoResolution
from tests.compat.desk import Log, Tui, options
from tests.switchroom import APP_ID, Switchroom


def ready(kit: TUICallKit) -> Log:
    """What the component's `on` tells."""
    log = Log()
    for name in TUICallEvent:
        kit.on(name, log.keeps(str(name)))
    return log


async def test_the_callbacks_of_the_component(server: Switchroom, bob: Tui, capsys: pytest.CaptureFixture[str]) -> None:
    def beforeCalling(type: str, error: Any) -> None:
        print("[Callkit Demo] beforeCalling:", type, error)

    def afterCalling() -> None:
        print("[Callkit Demo] afterCalling")

    def onMinimized(oldStatus: Any, newStatus: Any) -> None:
        print("[Callkit Demo] onMinimized: " + str(oldStatus) + " -> " + str(newStatus))

    def handleKickedOut() -> None:
        print("[Callkit Demo] handleKickedOut")

    def handleStatusChanged(args: Any) -> None:
        oldStatus, newStatus = args["oldStatus"], args["newStatus"]
        if newStatus == STATUS.CALLING_C2C_VIDEO:
            print(f"[Callkit Demo] handleStatusChanged: {oldStatus} -> {newStatus}")

    kit = TUICallKit(
        options(server),
        beforeCalling=beforeCalling,
        afterCalling=afterCalling,
        onMinimized=onMinimized,
        allowedMinimized=True,
        allowedFullScreen=True,
        videoDisplayMode=VideoDisplayMode.CONTAIN,
        videoResolution=VideoResolution.RESOLUTION_1080P,
        kickedOut=handleKickedOut,
        statusChanged=handleStatusChanged,
    )
    log = ready(kit)
    await kit.init({"SDKAppID": APP_ID, "userID": "alice", "userSig": server.ticket("alice")})
    await kit.calls({"userIDList": ["bob"], "type": 2})
    await bob.saw("onCallReceived")
    await bob.engine.accept()
    await log.saw("onCallBegin")
    kit.setMinimized(True)
    await kit.hangup()
    await log.saw("onCallEnd")
    assert capsys.readouterr().out.splitlines() == [
        "[Callkit Demo] beforeCalling: call None",
        "[Callkit Demo] handleStatusChanged: dialing-c2c -> calling-c2c-video",
        "[Callkit Demo] onMinimized: False -> True",
        "[Callkit Demo] onMinimized: True -> False",
        "[Callkit Demo] afterCalling",
    ]
    other = TUICallKit(options(server))
    await other.init({"userID": "alice", "userSig": server.ticket("alice")})
    await log.saw("onKickedOffline")
    assert capsys.readouterr().out == "[Callkit Demo] handleKickedOut\n"
    await kit.destroyed()
    await other.destroyed()


async def test_listening_to_the_engine_of_the_component(
    server: Switchroom, bob: Tui, capsys: pytest.CaptureFixture[str]
) -> None:
    from pycall.compat.kit import TUICallKitServer

    def handleUserEnter(event: Any) -> None:
        print("TUICallEvent.USER_ENTER: ", event)

    TUICallKit.createInstance(options(server))
    TUICallKitServer.getTUICallEngineInstance().on(TUICallEvent.USER_ENTER, handleUserEnter)
    log = ready(TUICallKitServer)
    await TUICallKitServer.init({"SDKAppID": APP_ID, "userID": "alice", "userSig": server.ticket("alice")})
    for expected in ["TUICallEvent.USER_ENTER:  {'userID': 'bob'}\n", ""]:
        await TUICallKitServer.calls({"userIDList": ["bob"], "type": 1})
        await bob.saw("onCallReceived", count=1 if expected else 2)
        await bob.engine.accept()
        await log.saw("onCallBegin", count=1 if expected else 2)
        await TUICallKitServer.hangup()
        await log.saw("onCallEnd", count=1 if expected else 2)
        assert capsys.readouterr().out == expected
        TUICallKitServer.getTUICallEngineInstance().off(TUICallEvent.USER_ENTER, handleUserEnter)
    await TUICallKitServer.destroyed()


async def test_before_and_after_a_call(server: Switchroom, bob: Tui, capsys: pytest.CaptureFixture[str]) -> None:
    def App() -> TUICallKit:
        def handleBeforeCalling() -> None:
            print("[TUICallKit Demo] beforeCalling")

        def handleAfterCalling() -> None:
            print("[TUICallKit Demo] afterCalling")

        return TUICallKit(options(server), beforeCalling=handleBeforeCalling, afterCalling=handleAfterCalling)

    kit = App()
    log = ready(kit)
    await kit.init({"SDKAppID": APP_ID, "userID": "alice", "userSig": server.ticket("alice")})
    await kit.calls({"userIDList": ["bob"], "type": 1})
    assert capsys.readouterr().out == "[TUICallKit Demo] beforeCalling\n"
    await bob.saw("onCallReceived")
    await bob.engine.reject()
    await log.saw("onCallNotConnected")
    assert capsys.readouterr().out == "[TUICallKit Demo] afterCalling\n"
    await kit.destroyed()
