"""`TRTCCalling`, the old Web component, as its one document names it; over `CallEngine`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pycall.compat.codes import TUICallError, TUIErrorCode
from pycall.compat.device_names import DeviceNames
from pycall.compat.enums import TUICallType
from pycall.compat.given import Given
from pycall.compat.names import TRTCCallingEvent
from pycall.compat.payload import Payload
from pycall.compat.payloads import told
from pycall.compat.promise import When, verb
from pycall.compat.shared_names import SharedNames
from pycall.core.errors import ErrorCode, LocalProtocolError, PyCallError
from pycall.core.events import CallNotConnected, Event
from pycall.core.types import DeviceKind, EndReason, MediaType, Role

__all__ = ["TRTCCalling", "TRTCCallingEvent", "TUICallError"]

MAX_TIMEOUT = 86400
_NAMES = frozenset(str(name) for name in TRTCCallingEvent)
_CANCELED = "onCallingCancel"


class TRTCCalling(SharedNames, DeviceNames):
    """`TRTCCalling({"SDKAppID": 1400000000})`; also `server` and `config`, as for TUICallEngine.

    Verbs take the documented dictionary, the same as keywords, or the plain argument, and give a task.
    """

    EVENT = TRTCCallingEvent
    CALL_TYPE: ClassVar[type[TUICallType]] = TUICallType

    def __init__(self, options: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Opens nothing yet."""
        super().__init__(options, names=tuple(TRTCCallingEvent), **more)

    def _tell(self, event: Event) -> None:
        for name, payload in told(event, self._memory.facts, self._own):
            if name in _NAMES and (name != _CANCELED or _is_cancel(event)):
                self._emitter.emit(name, payload)

    @verb("userID", "userSig", when=When.ALWAYS)
    async def login(self, given: Given) -> None:
        """Sign in: `{userID, userSig}`."""
        await self._sign_in(given.text("userID"), given.text("userSig"))

    @verb(when=When.ALWAYS)
    async def logout(self, given: Given) -> None:
        """Leave any call and sign out; every device and thread is released."""
        await self._sign_out()
        await self._release()

    # --- calling -------------------------------------------------------------------------------------------------

    @verb("userID", "type", "timeout", when=When.IDLE, alone=True)
    async def call(self, given: Given) -> None:
        """Call one user; `timeout` in seconds, 0: never, 30 if left out."""
        await self._call(given, [given.text("userID")])

    @verb("userIDList", "type", "groupID", "timeout", when=When.IDLE, alone=True)
    async def groupCall(self, given: Given) -> None:
        """Call up to 8 users; with `groupID` as a chat group's call."""
        await self._call(given, given.texts("userIDList"), given.text("groupID", ""))

    group_call = groupCall

    async def _call(self, given: Given, users: list[str], group: str = "") -> None:
        callees = given.others(users, self._own)
        media, timeout = given.media(), given.whole("timeout", 0, MAX_TIMEOUT, 30)
        self._memory.dialed(callees, "")
        await self.engine.calls(callees, media, timeout=timeout, chat_group_id=group)

    @verb("inviteID", "roomID", "callType", when=When.RINGING, alone=True)
    async def accept(self, given: Given) -> None:
        """Answer; what is given of `{inviteID, roomID, callType}` must be the ringing call's."""
        self._check_invitation(given)
        await self.engine.accept()

    @verb("inviteID", "isBusy", "callType", when=When.RINGING, alone=True)
    async def reject(self, given: Given) -> None:
        """Refuse; with `isBusy` the caller sees a busy line."""
        self._check_invitation(given)
        await (self.engine.ignore() if given.flag("isBusy", False) else self.engine.reject())

    def _check_invitation(self, given: Given) -> None:
        if given.has("inviteID") and given.text("inviteID") != self.engine.call_id:
            raise TUICallError(TUIErrorCode.SIGNALING_ID_INVALID, f"{given.verb}: this invitation no longer rings")
        if given.has("callType") and given.media("callType") is not self.engine.media:
            raise given.wrong(TUIErrorCode.PARAM_RANGE, "callType is not the invitation's")
        room = self._room(given)
        if room is not None and room != self._memory.facts.room.chosen:
            raise given.wrong(TUIErrorCode.PARAM_RANGE, "roomID is not the invitation's")

    def _room(self, given: Given) -> int | str | None:
        return given.room() if given.has("roomID") else None

    @verb(when=When.IN_CALL)
    async def hangup(self, given: Given) -> None:
        """Leave the call; unanswered, cancel it."""
        await self.engine.hangup()

    @verb(when=When.ALWAYS)
    async def switchToAudioCall(self, given: Given) -> None:
        """Video to voice, between two; a failure is told by ERROR with code 60001 and rejects with it."""
        await self._switch(MediaType.AUDIO)

    @verb(when=When.ALWAYS)
    async def switchToVideoCall(self, given: Given) -> None:
        """Voice to video, between two; a failure is told by ERROR with code 60002 and rejects with it."""
        await self._switch(MediaType.VIDEO)

    switch_to_audio_call, switch_to_video_call = switchToAudioCall, switchToVideoCall

    async def _switch(self, wanted: MediaType) -> None:
        codes = (TUIErrorCode.SWITCH_TO_AUDIO_CALL_FAILED, TUIErrorCode.SWITCH_TO_VIDEO_CALL_FAILED)
        try:
            if self.engine.media is wanted:
                raise LocalProtocolError(ErrorCode.WRONG_STATE, f"the call is one of {wanted.value} already")
            await self.engine.switch_media(wanted)
        except PyCallError as error:
            self._switch_failed(wanted, error)
            raise TUICallError(codes[wanted.has_video], error.message) from error

    # --- devices -------------------------------------------------------------------------------------------------

    @verb()
    async def getCameras(self, given: Given) -> list[Payload]:
        """A list of `{deviceId, label, kind, default}`."""
        return await self._devices(DeviceKind.CAMERA)

    @verb()
    async def getMicrophones(self, given: Given) -> list[Payload]:
        """Likewise."""
        return await self._devices(DeviceKind.MICROPHONE)

    get_cameras, get_microphones = getCameras, getMicrophones


def _is_cancel(event: Event) -> bool:
    """Here only invitees hear of it, and a timeout has an event of its own."""
    return (
        isinstance(event, CallNotConnected)
        and event.role is Role.CALLEE
        and event.reason in (EndReason.CANCELED, EndReason.RECALLED, EndReason.ENDED_BY_SERVER)
    )
