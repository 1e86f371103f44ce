"""What each event of the engine is called in the Web's and the mini programs' documents, and what it then says.

One event has several documented names, of several years; each name gets its own payload, in this order: what happened
first (`onReject`), then what follows from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pycall.compat.callfacts import CallFacts
from pycall.compat.codes import number_of
from pycall.compat.enums import TUINetworkQuality, reason_number, role_word, type_number
from pycall.compat.payload import Payload
from pycall.core import events
from pycall.core.types import EndReason, MediaType, Role

Told = Iterator[tuple[str, Payload]]
INVITE_VERSION = 4
"""`inviteData.version` of the last documented signaling."""

_USER_EVENTS: dict[type[events.Event], tuple[str, ...]] = {
    events.UserRejected: ("onReject", "onUserReject"),
    events.UserLineBusy: ("onLineBusy", "onUserLineBusy"),
    events.UserLeft: ("onUserLeave",),
}
_BARE_EVENTS: dict[type[events.Event], tuple[str, ...]] = {
    events.KickedOffline: ("onKickedOut", "onKickedOffline"),
    events.UserSigExpired: ("onUserSigExpired",),
}
_CANCEL_WORDS = {EndReason.REJECTED: "reject", EndReason.BUSY: "busyline", EndReason.NO_ANSWER: "timeout"}
_OWN_DOING = frozenset(_CANCEL_WORDS)
"""Reasons for which `onCallNotConnected` names the receiver of the event itself, on both sides."""


def told(event: events.Event, facts: CallFacts, own: str) -> Told:
    """Every (name, payload) of an event, for the user `own`; none for what no document knows."""
    user_id = getattr(event, "user_id", "")
    for name in _USER_EVENTS.get(type(event), ()):
        yield name, Payload(userID=user_id)
    for name in _BARE_EVENTS.get(type(event), ()):
        yield name, Payload()
    match event:
        case events.CallReceived():
            yield from _received(event, facts)
        case events.CallNotConnected():
            yield from _not_connected(event, facts, own)
        case events.CallBegan():
            yield "onCallBegin", Payload(**_call(facts, event.media))
        case events.CallEnded():
            yield "onCallEnd", _ended(event, facts)
        case events.UserNoResponse():
            yield "onNoResp", Payload(userID=user_id, userIDList=[user_id], sponsor=facts.caller)
            yield "onUserNoResponse", Payload(userID=user_id)
        case events.UserInviting():
            yield "onUserInviting", Payload(userID=user_id)
            yield "onGroupCallInviteeListUpdate", Payload(userIDList=list(facts.ringing))
        case events.UserJoined():
            yield from _joined(user_id, facts)
        case _:
            yield from _in_call(event)


def _call(facts: CallFacts, media: MediaType) -> dict[str, Any]:
    return {
        "callId": facts.call_id,
        "roomID": facts.room.intRoomId,
        "strRoomID": facts.room.strRoomId,
        "roomId": Payload(intRoomId=facts.room.intRoomId, strRoomId=facts.room.strRoomId),
        "callMediaType": type_number(media),
        "callRole": role_word(facts.role),
        "chatGroupID": facts.chat_group_id,
    }


def _received(event: events.CallReceived, facts: CallFacts) -> Told:
    kind = type_number(event.media)
    invite_data = Payload(version=INVITE_VERSION, callType=kind, roomID=facts.room.chosen or 0)
    invitation = {
        "isFromGroup": bool(facts.chat_group_id),
        "inviteID": event.call_id,
        "inviteData": invite_data,
    }
    yield "onInvited", Payload(sponsor=event.caller, userIDList=list(event.callees), **invitation)
    yield (
        "onCallReceived",
        Payload(
            callerId=event.caller,
            calleeIdList=list(event.callees),
            userData=event.user_data,
            **_call(facts, event.media),
            **invitation,
        ),
    )


def _not_connected(event: events.CallNotConnected, facts: CallFacts, own: str) -> Told:
    who = not_connected_by(event, own)
    common = {"userID": who, **_call(facts, event.media)}
    if event.role is Role.CALLEE and event.reason is EndReason.NO_ANSWER:
        yield "onCallingTimeout", Payload(sponsor=facts.caller, userIDList=[own])
    yield "onCallingCancel", Payload(**common, reason=_CANCEL_WORDS.get(event.reason, "normal"))
    yield "onCallCanceled", Payload(**common, reason=_CANCEL_WORDS.get(event.reason, "normal"))
    yield "onCallCancelled", Payload(callerId=who, userId=who)
    yield "onCallNotConnected", Payload(**common, reason=reason_number(event.reason))


def not_connected_by(event: events.CallNotConnected, own: str) -> str:
    """Whom the documents name as the cause: the caller who cancelled; oneself after a refusal, a busy line or none."""
    return own if event.reason in _OWN_DOING else event.user_id


def whole_seconds(event: events.CallEnded) -> int:
    """`totalTime`."""
    return int(event.duration)


def _ended(event: events.CallEnded, facts: CallFacts) -> Payload:
    total = whole_seconds(event)
    return Payload(
        userID=event.user_id,
        reason=reason_number(event.reason),
        totalTime=total,
        callEnd=total,
        **_call(facts, event.media),
    )


def _joined(user_id: str, facts: CallFacts) -> Told:
    if facts.role is Role.CALLER or (facts.group and facts.began):  # who was there before us has accepted nothing now
        yield "onUserAccept", Payload(userID=user_id)
    yield "onUserEnter", Payload(userID=user_id)
    yield "onUserJoin", Payload(userID=user_id)


def _in_call(event: events.Event) -> Told:
    match event:
        case events.UserVideoAvailable(user_id, available):
            yield "onUserVideoAvailable", Payload(userID=user_id, isVideoAvailable=available)
        case events.UserAudioAvailable(user_id, available):
            yield "onUserAudioAvailable", Payload(userID=user_id, isAudioAvailable=available)
        case events.CallMediaChanged():
            old, new = type_number(event.old), type_number(event.new)
            yield "onCallTypeChanged", Payload(oldCallType=old, newCallType=new)
            yield "onCallMediaTypeChanged", Payload(oldCallMediaType=old, newCallMediaType=new)
        case events.VoiceVolume(volumes):
            yield "onUserVoiceVolume", Payload(volumeMap=dict(volumes))
            yield "onUserVoiceVolumeChanged", Payload(volumeMap=dict(volumes))
        case events.NetworkQualityChanged(qualities):
            listed = [Payload(userId=user, quality=TUINetworkQuality(rank)) for user, rank in qualities.items()]
            yield "onUserNetworkQualityChanged", Payload(networkQualityList=listed)
        case events.ErrorOccurred(code, message):
            yield "onError", Payload(code=int(number_of(code, message)), message=message)
