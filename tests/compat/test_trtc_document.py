"""Every code sample of the document "TRTCCalling API (Web)", line by line in Python, against a real server."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from pycall.compat.trtc import TRTCCalling, TUICallError
from tests.compat.desk import Log, Trtc, View, config, trtc
from tests.switchroom import APP_ID, Switchroom


async def talk(inviter: Trtc, invitee: Trtc, kind: int = 1) -> None:
    await inviter.calling.call({"userID": "bob", "type": kind, "timeout": 30})
    invited = await invitee.saw("onInvited")
    inviteID, roomID, callType = invited.inviteID, invited.inviteData.roomID, invited.inviteData.callType
    await invitee.calling.accept({"inviteID": inviteID, "roomID": roomID, "callType": callType})
    await invitee.saw("onUserEnter")
    await inviter.saw("onUserEnter")


async def test_creating_an_instance_and_signing_in(server: Switchroom) -> None:
    tim = object()
    options: dict[str, Any] = {
        "SDKAppID": 0,  # Replace 0 with the SDKAppID of your application when connecting.
        "tim": tim,
    }
    with pytest.raises(TUICallError):
        await TRTCCalling(options).login({"userID": "alice", "userSig": "x"})
    options["SDKAppID"] = APP_ID
    trtcCalling = TRTCCalling(options, server=server.url, config=config())
    userID, userSig = "alice", server.ticket("alice")
    await trtcCalling.login({"userID": userID, "userSig": userSig})
    await trtcCalling.logout()
    with pytest.raises(TUICallError) as refused:  # "No calls can be made after logout."
        await trtcCalling.call({"userID": "bob", "type": 1, "timeout": 30})
    assert refused.value.code == -1201


async def test_subscribing_to_an_invitation_and_unsubscribing(
    inviter: Trtc, invitee: Trtc, capsys: pytest.CaptureFixture[str]
) -> None:
    trtcCalling = invitee.calling

    def handleInvite(event: Any) -> None:
        inviteID, sponsor, inviteData = event.inviteID, event.sponsor, event.inviteData
        print(f"inviteID: {inviteID}, sponsor: {sponsor}, inviteData: {json.dumps(inviteData)}")

    trtcCalling.on("onInvited", handleInvite, invitee)
    await inviter.calling.call({"userID": "bob", "type": 2, "timeout": 0})
    invited = await invitee.saw("onInvited")
    printed = capsys.readouterr().out
    assert printed.startswith(f"inviteID: {invited.inviteID}, sponsor: alice, inviteData: {{")
    assert json.loads(printed.split("inviteData: ")[1])["callType"] == 2

    trtcCalling.off("onInvited", handleInvite, invitee)
    await inviter.calling.hangup()
    await invitee.saw("onCallingCancel")
    await inviter.calling.call({"userID": "bob", "type": 1, "timeout": 30})
    await invitee.saw("onInvited", 2)
    assert not capsys.readouterr().out


async def test_accepting_and_who_is_told_what(inviter: Trtc, invitee: Trtc, capsys: pytest.CaptureFixture[str]) -> None:
    trtcCalling = invitee.calling

    async def handleInvited(event: Any) -> None:
        inviteID, roomID, callType = event.inviteID, event.inviteData.roomID, event.inviteData.callType
        await trtcCalling.accept({"inviteID": inviteID, "roomID": roomID, "callType": callType})

    def handleNewInvitationReceived(e: Any) -> None:
        print(e.sponsor, e.userIDList, e.isFromGroup, e.inviteData.callType, e.inviteID)

    def handleUserEnter(event: Any) -> None:
        print(event.userID)

    def handleUserLeave(event: Any) -> None:
        print(event.userID)

    def handleCallingEnd(event: Any) -> None:
        print(event)

    trtcCalling.on(TRTCCalling.EVENT.INVITED, handleNewInvitationReceived)
    trtcCalling.on(TRTCCalling.EVENT.INVITED, handleInvited)
    trtcCalling.on(TRTCCalling.EVENT.USER_ENTER, handleUserEnter)
    trtcCalling.on(TRTCCalling.EVENT.USER_LEAVE, handleUserLeave)
    trtcCalling.on(TRTCCalling.EVENT.CALL_END, handleCallingEnd)
    inviter.calling.on(TRTCCalling.EVENT.CALL_END, handleCallingEnd)
    await inviter.calling.call({"userID": "bob", "type": 1, "timeout": 30})
    invited = await invitee.saw("onInvited")
    await inviter.saw("onUserEnter")
    await invitee.saw("onUserEnter")
    await invitee.log.until(lambda: invitee.calling.status == "connected", 10, "the conversation")
    await inviter.log.until(lambda: inviter.calling.status == "connected", 10, "the conversation")
    await inviter.calling.hangup()
    await invitee.saw("onCallEnd")
    await inviter.saw("onCallEnd")
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"alice ['bob'] False 1 {invited.inviteID}"
    assert printed[1] == "alice"
    assert "alice" in printed[2:4]
    assert sum("totalTime" in line for line in printed) == 2


@pytest.mark.parametrize(("isBusy", "told"), [(False, "onReject"), (True, "onLineBusy")])
async def test_rejecting(
    inviter: Trtc, invitee: Trtc, capsys: pytest.CaptureFixture[str], isBusy: bool, told: str
) -> None:
    trtcCalling = inviter.calling

    def handleInviteeReject(event: Any) -> None:
        print("rejected by", event.userID)

    def handleLineBusy(event: Any) -> None:
        print("busy is", event.userID)

    trtcCalling.on(TRTCCalling.EVENT.REJECT, handleInviteeReject)
    trtcCalling.on(TRTCCalling.EVENT.LINE_BUSY, handleLineBusy)
    await trtcCalling.call({"userID": "bob", "type": 1, "timeout": 30})
    invited = await invitee.saw("onInvited")
    inviteID, callType = invited.inviteID, invited.inviteData.callType
    await invitee.calling.reject({"inviteID": inviteID, "isBusy": isBusy, "callType": callType})
    assert (await inviter.saw(told)).userID == "bob"
    assert capsys.readouterr().out == ("busy is bob\n" if isBusy else "rejected by bob\n")
    assert not invitee.log.names("onCallingCancel", "onCallingTimeout", "onReject")


async def test_nobody_answers(inviter: Trtc, invitee: Trtc, capsys: pytest.CaptureFixture[str]) -> None:
    def handleNoResponse(event: Any) -> None:
        print(event.userID, event.userIDList)

    def handleCallingTimeout(event: Any) -> None:
        print(event)

    inviter.calling.on(TRTCCalling.EVENT.NO_RESP, handleNoResponse)
    invitee.calling.on(TRTCCalling.EVENT.CALLING_TIMEOUT, handleCallingTimeout)
    await inviter.calling.call({"userID": "bob", "type": 1, "timeout": 1})
    await inviter.saw("onNoResp")
    await invitee.saw("onCallingTimeout")
    printed = capsys.readouterr().out
    assert "bob ['bob']" in printed
    assert "'sponsor': 'alice'" in printed
    assert not invitee.log.names("onCallingCancel")


async def test_cancelling(inviter: Trtc, invitee: Trtc) -> None:
    cancelled = Log()
    invitee.calling.on(TRTCCalling.EVENT.CALLING_CANCEL, cancelled.keeps("cancel"))
    await inviter.calling.call({"userID": "bob", "type": 1, "timeout": 30})
    await invitee.saw("onInvited")
    await inviter.calling.hangup()  # "If your call is not answered yet, you can use this API to cancel the call."
    assert (await cancelled.saw("cancel")).userID == "alice"
    assert not inviter.log.names("onCallingCancel")


async def test_camera_microphone_and_quality(inviter: Trtc, invitee: Trtc, capsys: pytest.CaptureFixture[str]) -> None:
    trtcCalling = inviter.calling

    def handleUserVideoChange(event: Any) -> None:
        print("video", event.userID, event.isVideoAvailable)

    def handleUserAudioChange(event: Any) -> None:
        print("audio", event.userID, event.isAudioAvailable)

    invitee.calling.on(TRTCCalling.EVENT.USER_VIDEO_AVAILABLE, handleUserVideoChange)
    invitee.calling.on(TRTCCalling.EVENT.USER_AUDIO_AVAILABLE, handleUserAudioChange)
    await trtcCalling.setVideoQuality("720p")  # Set video quality to `720p`.
    await talk(inviter, invitee, kind=2)
    await trtcCalling.closeCamera()
    await trtcCalling.setMicMute(True)  # Turn the mic off.
    await invitee.log.until(lambda: any(not p.isAudioAvailable for p in invitee.log.all("onUserAudioAvailable")))
    await trtcCalling.openCamera()
    await trtcCalling.setMicMute(False)
    await invitee.log.until(lambda: invitee.log.all("onUserAudioAvailable")[-1].isAudioAvailable)
    printed = capsys.readouterr().out.splitlines()
    for line in ["video alice False", "video alice True", "audio alice False", "audio alice True"]:
        assert line in printed
    with pytest.raises(TUICallError) as refused:
        await trtcCalling.setVideoQuality("721p")
    assert refused.value.code == -1202


async def test_views(inviter: Trtc, invitee: Trtc) -> None:
    trtcCalling, userID = inviter.calling, "bob"
    await invitee.calling.setVideoQuality("360p")
    await talk(inviter, invitee, kind=2)
    await inviter.log.until(lambda: trtcCalling.status == "connected", 10, "the conversation")
    videoViewDomID, own = View(), View()
    await trtcCalling.startRemoteView({"userID": userID, "videoViewDomID": videoViewDomID})
    await videoViewDomID.saw("640x360", 3)
    await trtcCalling.startLocalView({"userID": "alice", "videoViewDomID": own})
    await own.saw("640x360")
    await trtcCalling.stopRemoteView({"userID": userID, "videoViewDomID": videoViewDomID})
    shown = len(videoViewDomID.entries)
    await own.saw("640x360", len(own.entries) + 5)
    assert len(videoViewDomID.entries) == shown, "nothing is shown any more"
    await trtcCalling.stopLocalView({"userID": "alice", "videoViewDomID": own})


async def test_switching_and_its_error_codes(inviter: Trtc, invitee: Trtc, capsys: pytest.CaptureFixture[str]) -> None:
    trtcCalling = inviter.calling

    def onError(error: Any) -> None:
        print(error.code)

    trtcCalling.on(TRTCCalling.EVENT.ERROR, onError)
    for switch, code in [(trtcCalling.switchToAudioCall, 60001), (trtcCalling.switchToVideoCall, 60002)]:
        with pytest.raises(TUICallError) as refused:
            await switch()
        assert refused.value.code == code
    assert capsys.readouterr().out.split() == ["60001", "60002"]
    await talk(inviter, invitee, kind=2)
    await trtcCalling.switchToAudioCall()  # Switch from video call to audio call.
    assert (await invitee.saw("onCallTypeChanged")).newCallType == 1
    await trtcCalling.switchToVideoCall()  # Switch from audio call to video call.
    assert (await invitee.saw("onCallTypeChanged", 2)).newCallType == 2


async def test_kicked_out(inviter: Trtc, server: Switchroom, capsys: pytest.CaptureFixture[str]) -> None:
    def handleKickedOut(event: Any) -> None:
        print("kicked out", event)

    inviter.calling.on(TRTCCalling.EVENT.KICKED_OUT, handleKickedOut)
    async with trtc(server, "alice"):
        await inviter.saw("onKickedOut")
    assert capsys.readouterr().out == "kicked out {}\n"


async def test_an_invitation_while_one_is_unprocessed_is_answered_busy(
    inviter: Trtc, invitee: Trtc, server: Switchroom
) -> None:
    async with trtc(server, "carol") as carol:
        await inviter.calling.call({"userID": "bob", "type": 1, "timeout": 30})
        await invitee.saw("onInvited")
        await carol.calling.call({"userID": "bob", "type": 1, "timeout": 30})
        assert (await carol.saw("onLineBusy")).userID == "bob"
        assert len(invitee.log.all("onInvited")) == 1


async def test_an_invitation_that_is_not_the_ringing_one_is_not_accepted(inviter: Trtc, invitee: Trtc) -> None:
    await inviter.calling.call({"userID": "bob", "type": 1, "timeout": 30})
    invited = await invitee.saw("onInvited")
    for wrong, code in [
        ({"inviteID": "another"}, 8010),
        ({"inviteID": invited.inviteID, "roomID": 77}, -1202),
        ({"inviteID": invited.inviteID, "callType": 2}, -1202),
    ]:
        with pytest.raises(TUICallError) as refused:
            await invitee.calling.accept(wrong)
        assert refused.value.code == code, wrong
    await invitee.calling.accept()
    await inviter.saw("onUserEnter")


async def test_logging_out_ends_every_task(server: Switchroom) -> None:
    before = set(asyncio.all_tasks())
    async with trtc(server, "alice") as it:
        assert it.calling.is_ready
    await asyncio.sleep(0)
    assert {task for task in asyncio.all_tasks() if not task.done()} <= before
