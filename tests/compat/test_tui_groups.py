"""Calls of many by their documented names: groups, rooms, invitations, joining, several devices, self info."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from pycall.compat.enums import TUICallResultType, TUICallScene
from pycall.compat.kit import STATUS, TUICallEvent, TUICallKit
from pycall.compat.structs import CallParams, RecentCallsFilter, RoomId
from pycall.compat.tui import TUICallObserver
from tests.compat.desk import Log, Trtc, Tui, options, refusal, trtc, tui
from tests.switchroom import APP_ID, Switchroom

Four = dict[str, Tui]
PEOPLE = ("alice", "bob", "carol", "dave")


@pytest_asyncio.fixture
async def four(server: Switchroom) -> AsyncIterator[Four]:
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(tui(server, name, video_source="null")) for name in PEOPLE}


async def answered(four: Four, *callees: str, **more: Any) -> str:
    """Alice calls them and all accept; gives the call's id."""
    await four["alice"].engine.calls({"userIDList": list(callees), "type": 1, **more})
    for name in callees:
        await four[name].saw("onCallReceived")
        await four[name].engine.accept()
    for name in callees:
        await four[name].saw("onCallBegin")
    return str((await four["alice"].saw("onCallBegin")).callId)


async def test_a_room_by_name_is_told_to_everybody(four: Four) -> None:
    params = CallParams(RoomId(strRoomId="standup"), userData="daily", chatGroupId="team", timeout=20)
    await four["alice"].engine.calls(["bob", "bob", "alice", None, "carol"], 1, params)
    for name in ("bob", "carol"):
        received = await four[name].saw("onCallReceived")
        assert (received.calleeIdList, received.userData, received.chatGroupId) == (["bob", "carol"], "daily", "team")
        assert (received.strRoomID, received.roomID, received.roomId) == (
            "standup",
            0,
            {"intRoomId": 0, "strRoomId": "standup"},
        )
        assert json.loads(json.dumps(received))["calleeIdList"] == ["bob", "carol"], "plain data all through"
        assert received.isFromGroup is True
        assert received.inviteData.roomID == "standup"
    await four["bob"].engine.accept()
    begun = await four["alice"].saw("onCallBegin")
    assert (begun.strRoomID, begun.groupID) == ("standup", "team")
    await four["carol"].engine.reject()
    for name in ("alice", "bob"):
        assert (await four[name].saw("onReject")).userID == "carol"
    missed = await four["carol"].saw("onCallNotConnected")
    assert (missed.userID, missed.reason, missed.strRoomID) == ("carol", 2, "standup")
    assert not four["alice"].log.names("onCallNotConnected"), "the call goes on while anybody is left"


@pytest.mark.parametrize(
    ("room", "inner"),
    [({"roomID": 2**31}, -120203), ({"roomID": "77", "strRoomID": 5}, None), ({"roomID": True}, -120201)],
)
async def test_a_room_that_cannot_be(four: Four, room: dict[str, Any], inner: int | None) -> None:
    request = four["alice"].engine.calls({"userIDList": ["bob"], "type": 1, **room})
    if inner is None:
        await request
        return
    assert (await refusal(request)).inner_code == inner


async def test_inviting_and_joining(four: Four) -> None:
    alice, bob, carol, dave = (four[name] for name in PEOPLE)
    call_id = await answered(four, "bob", roomID=4711)
    assert (await bob.saw("onCallBegin")).roomID == 4711
    assert await bob.engine.inviteUser(["carol", "alice"], CallParams(timeout=20)) == ["carol"]
    for side in (alice, bob):
        assert (await side.saw("onUserInviting")).userID == "carol"
        assert (await side.saw("onGroupCallInviteeListUpdate")).userIDList == ["carol"]
    await carol.saw("onCallReceived")
    await carol.engine.accept()
    await carol.saw("onCallBegin")
    await carol.log.until(lambda: {p.userID for p in carol.log.all("onUserEnter")} == {"alice", "bob"})
    assert len(carol.log.all("onUserEnter")) == 2
    assert not carol.log.names("onUserAccept"), "nobody has accepted since carol came"
    assert [p.userID for p in bob.log.all("onUserAccept")] == ["carol"]
    assert (await refusal(alice.engine.switchCallMediaType(2))).code == -1205
    assert (await refusal(dave.engine.join({"callId": call_id}))).code == 101004, "no stranger comes in"
    await alice.engine.hangup()
    assert (await bob.saw("onUserLeave")).userID == "alice"
    await alice.engine.join(call_id)
    begun = await alice.saw("onCallBegin", 2)
    assert (begun.callRole, begun.roomID) == ("invitee", 4711)
    await alice.log.until(
        lambda: [p.userID for p in alice.log.all("onUserEnter")[-2:]] in (["bob", "carol"], ["carol", "bob"])
    )
    assert [p.userID for p in alice.log.all("onUserAccept")] == ["bob", "carol"]


async def test_joining_a_chat_groups_call(four: Four) -> None:
    alice, bob, carol, dave = (four[name] for name in PEOPLE)
    await alice.engine.groupCall("team", ["bob"], 2, CallParams(RoomId(9)))
    await bob.saw("onCallReceived")
    await bob.engine.accept()
    await alice.saw("onCallBegin")
    await carol.engine.joinInGroupCall({"type": 2, "groupID": "team", "roomID": 9})
    await dave.engine.joinInGroupCall(RoomId(intRoomId=9), "team", 1)
    await dave.saw("onCallBegin")
    await dave.engine.hangup()
    await dave.engine.joinInGroupCall({"roomID": (await dave.saw("onCallBegin")).roomId, "groupID": "team", "type": 1})
    for side in (carol, dave):
        assert (await side.saw("onCallBegin")).chatGroupID == "team"
    await alice.log.until(lambda: {p.userID for p in alice.log.all("onUserEnter")} == {"bob", "carol", "dave"})
    assert alice.engine.engine.scene == TUICallScene.GROUP_CALL
    assert (await refusal(alice.engine.join("0" * 32))).code == -1203
    await dave.engine.hangup()
    assert (await refusal(dave.engine.joinInGroupCall({"type": 1, "groupID": "team"}))).inner_code == -120200
    assert (await refusal(dave.engine.join({"callId": "0" * 32}))).code == 101004


async def test_recent_calls(four: Four) -> None:
    alice, bob = four["alice"], four["bob"]
    await answered(four, "bob", chatGroupID="team")
    await alice.engine.hangup()
    await bob.saw("onCallEnd")
    await alice.engine.call("bob", 2)
    await bob.saw("onCallReceived", 2)
    await alice.engine.hangup()
    await bob.saw("onCallNotConnected")
    missed, incoming = await bob.engine.queryRecentCalls(RecentCallsFilter())
    assert (missed.inviter, missed.inviteList, missed.result, missed.mediaType) == ("alice", ["bob"], 1, 2)
    assert (incoming.result, incoming.role, incoming.groupId) == (2, 2, "team")
    assert (incoming.scene, incoming.callId) == (TUICallScene.GROUP_CALL, (await bob.saw("onCallEnd")).callId)
    assert 0 <= incoming.beginTime - time.time() + 60 <= 60
    outgoing = await alice.engine.query_recent_calls({"resultType": TUICallResultType.Outgoing})
    assert [one.callId for one in outgoing] == [missed.callId, incoming.callId]
    assert await bob.engine.queryRecentCalls({"result": 1, "begin": time.time() + 60}) == []
    assert await bob.engine.deleteRecordCalls([missed.callId, "0" * 32]) == [missed.callId]
    assert await bob.engine.queryRecentCalls() == [incoming]
    assert (await refusal(bob.engine.queryRecentCalls(result=4))).inner_code == -120203


async def test_how_one_is_shown(four: Four) -> None:
    alice, bob = four["alice"], four["bob"]
    await alice.engine.setSelfInfo({"nickName": "Alice Liddell", "avatar": "https://example.test/a.png"})
    await alice.engine.setSelfInfo({"nickName": "Alice L."})
    await answered(four, "bob")
    member = next(one for one in bob.engine.engine.members if one.user_id == "alice")
    assert (member.nickname, member.avatar) == ("Alice L.", "https://example.test/a.png")
    assert (await refusal(alice.engine.setSelfInfo("x" * 501, ""))).code == -1202


async def test_all_devices_ring_and_the_first_answer_counts(four: Four, server: Switchroom) -> None:
    alice, bob = four["alice"], four["bob"]
    await bob.engine.enableMultiDeviceAbility(True)
    log = Log()

    class Observer(TUICallObserver):
        def onCallNotConnected(self, callId: str, mediaType: Any, reason: Any, userId: str, info: Any) -> None:
            log.keeps("missed")(int(reason))

    async with tui(server, "bob") as tablet:
        tablet.engine.addObserver(Observer())
        assert not bob.log.names("onKickedOut")
        await alice.engine.call("bob", 1)
        await tablet.saw("onCallReceived")
        await bob.saw("onCallReceived")
        await bob.engine.accept()
        assert await log.saw("missed") == 7
        await alice.saw("onCallBegin")


async def test_the_states_of_a_component_in_a_group(four: Four, server: Switchroom) -> None:
    moves: list[str] = []
    kit = TUICallKit(options(server), statusChanged=lambda change: moves.append(str(change.newStatus)))
    log = Log()
    for name in TUICallEvent:
        kit.on(name, log.keeps(str(name)))
    await kit.init({"SDKAppID": APP_ID, "userID": "erin", "userSig": server.ticket("erin")})
    await kit.setSelfInfo({"nickName": "Erin", "avatar": ""})
    await kit.calls({"userIDList": ["alice", "bob"], "type": 1})
    for name in ("alice", "bob"):
        await four[name].saw("onCallReceived")
        await four[name].engine.accept()
    await log.saw("onUserJoin", 2)
    await log.saw("onCallBegin")
    await kit.inviteUser({"userIDList": ["bob", "carol"]})
    await four["carol"].saw("onCallReceived")
    assert [one.userId for one in kit.remoteUserInfoList if not one.isEnter] == ["carol"]
    await kit.hangup()
    await log.saw("onCallEnd")
    assert moves == [STATUS.DIALING_GROUP, STATUS.CALLING_GROUP_AUDIO, STATUS.IDLE]
    await kit.inviteUser({"userIDList": ["dave"]})
    assert not four["dave"].log.names("onCallReceived")
    await kit.destroyed()


async def test_a_call_of_two_that_somebody_is_invited_to_becomes_one_of_many(four: Four, server: Switchroom) -> None:
    log = Log()
    kit = TUICallKit(options(server), statusChanged=lambda change: log.keeps(str(change.newStatus))(None))
    await kit.init({"SDKAppID": APP_ID, "userID": "erin", "userSig": server.ticket("erin")})
    await kit.call({"userID": "bob", "type": 1})
    await four["bob"].saw("onCallReceived")
    await four["bob"].engine.accept()
    await log.saw(STATUS.CALLING_C2C_AUDIO)
    await kit.inviteUser({"userIDList": ["carol"]})
    await log.saw(STATUS.CALLING_GROUP_AUDIO)
    await kit.getTUICallEngineInstance().destroyInstance()


async def test_the_old_component_calls_a_group(server: Switchroom) -> None:
    async with AsyncExitStack() as stack:
        side: dict[str, Trtc] = {name: await stack.enter_async_context(trtc(server, name)) for name in PEOPLE[:3]}
        await side["alice"].calling.groupCall({"userIDList": ["bob", "carol"], "type": 1, "groupID": "team"})
        for name in ("bob", "carol"):
            invited = await side[name].saw("onInvited")
            assert (invited.sponsor, invited.userIDList, invited.isFromGroup) == ("alice", ["bob", "carol"], True)
            data = invited.inviteData
            await side[name].calling.accept(
                {"inviteID": invited.inviteID, "roomID": data.roomID, "callType": data.callType}
            )
        await side["alice"].saw("onUserEnter", 2)
        assert {p.userID for p in side["alice"].log.all("onUserAccept")} == {"bob", "carol"}
