"""How observers and the component's own `on` hear of an event: native arguments, and the mini programs' payloads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pycall.compat.callfacts import CallFacts
from pycall.compat.codes import number_of
from pycall.compat.enums import TUINetworkQuality, reason_number, role_number, type_number
from pycall.compat.payload import Payload
from pycall.compat.payloads import not_connected_by, told, whole_seconds
from pycall.compat.structs import NetworkQualityInfo
from pycall.core import events

_USER_METHODS: dict[type[events.Event], str] = {
    events.UserRejected: "onUserReject",
    events.UserNoResponse: "onUserNoResponse",
    events.UserLineBusy: "onUserLineBusy",
    events.UserInviting: "onUserInviting",
    events.UserJoined: "onUserJoin",
    events.UserLeft: "onUserLeave",
}
_BARE_METHODS: dict[type[events.Event], str] = {
    events.KickedOffline: "onKickedOffline",
    events.UserSigExpired: "onUserSigExpired",
}
Native = tuple[str, tuple[Any, ...]]


def observed(event: events.Event, facts: CallFacts, own: str) -> Iterator[Native]:
    """The observer's methods to call, with their arguments."""
    if type(event) in _USER_METHODS:
        yield _USER_METHODS[type(event)], (getattr(event, "user_id", ""),)
    elif type(event) in _BARE_METHODS:
        yield _BARE_METHODS[type(event)], ()
    else:
        yield from _call_methods(event, facts, own)


def _call_methods(event: events.Event, facts: CallFacts, own: str) -> Iterator[Native]:
    match event:
        case events.CallReceived():
            kind = type_number(event.media)
            yield "onCallReceived", (event.call_id, event.caller, list(event.callees), kind, facts.info)
        case events.CallBegan():
            yield "onCallBegin", (event.call_id, type_number(event.media), facts.info)
        case events.CallEnded():
            reason, total = reason_number(event.reason), whole_seconds(event)
            yield "onCallEnd", (event.call_id, type_number(event.media), reason, event.user_id, total, facts.info)
        case events.CallNotConnected():
            reason, who = reason_number(event.reason), not_connected_by(event, own)
            yield "onCallCancelled", (who,)
            yield "onCallNotConnected", (event.call_id, type_number(event.media), reason, who, facts.info)
        case _:
            yield from _media_methods(event)


def _media_methods(event: events.Event) -> Iterator[Native]:
    match event:
        case events.CallMediaChanged():
            yield "onCallMediaTypeChanged", (type_number(event.old), type_number(event.new))
        case events.UserVideoAvailable(user_id, available):
            yield "onUserVideoAvailable", (user_id, available)
        case events.UserAudioAvailable(user_id, available):
            yield "onUserAudioAvailable", (user_id, available)
        case events.VoiceVolume(volumes):
            yield "onUserVoiceVolumeChanged", (dict(volumes),)
        case events.NetworkQualityChanged(qualities):
            listed = [NetworkQualityInfo(user, TUINetworkQuality(rank)) for user, rank in qualities.items()]
            yield "onUserNetworkQualityChanged", (listed,)
        case events.ErrorOccurred(code, message):
            yield "onError", (int(number_of(code, message)), message)


def told_by_component(event: events.Event, facts: CallFacts, own: str) -> Iterator[tuple[str, Payload]]:
    """As `told`, in the mini programs' way: `callRole` is a number, qualities are a dictionary by user id."""
    for name, payload in told(event, facts, own):
        if isinstance(event, events.NetworkQualityChanged):
            yield name, Payload({user: TUINetworkQuality(rank) for user, rank in event.qualities.items()})
        elif "callRole" in payload:
            yield name, Payload({**payload, "callRole": role_number(facts.role)})
        else:
            yield name, payload
