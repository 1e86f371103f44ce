"""`TUICallObserver`: the native way to hear of events, one method each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pycall.compat.enums import CallEndReason, TUICallType
    from pycall.compat.structs import CallObserverExtraInfo, NetworkQualityInfo


class TUICallObserver:
    """Override what is of interest; a method may be async. What it raises is logged and harms nobody."""

    def onError(self, code: int, message: str) -> object:
        """Something went wrong that no verb was waiting for."""

    def onCallReceived(
        self, callId: str, callerId: str, calleeIdList: list[str], mediaType: TUICallType, info: CallObserverExtraInfo
    ) -> object:
        """Somebody calls."""

    def onCallBegin(self, callId: str, mediaType: TUICallType, info: CallObserverExtraInfo) -> object:
        """The conversation begins; caller and callee get it."""

    def onCallEnd(
        self,
        callId: str,
        mediaType: TUICallType,
        reason: CallEndReason,
        userId: str,
        totalTime: int,
        info: CallObserverExtraInfo,
    ) -> object:
        """It is over; `userId` ended it, `totalTime` in seconds."""

    def onCallNotConnected(
        self, callId: str, mediaType: TUICallType, reason: CallEndReason, userId: str, info: CallObserverExtraInfo
    ) -> object:
        """It never began here."""

    def onUserReject(self, userId: str) -> object:
        """A callee refused."""

    def onUserNoResponse(self, userId: str) -> object:
        """A callee did not answer in time."""

    def onUserLineBusy(self, userId: str) -> object:
        """A callee is in another call, or ignored this one."""

    def onUserInviting(self, userId: str) -> object:
        """One more was invited to the running call."""

    def onUserJoin(self, userId: str) -> object:
        """Another person is in the call now."""

    def onUserLeave(self, userId: str) -> object:
        """Another person left."""

    def onUserVideoAvailable(self, userId: str, isVideoAvailable: bool) -> object:
        """Somebody's camera was opened or closed."""

    def onUserAudioAvailable(self, userId: str, isAudioAvailable: bool) -> object:
        """Somebody's microphone was opened or closed."""

    def onUserVoiceVolumeChanged(self, volumeMap: dict[str, int]) -> object:
        """How loud everybody is, 0 to 100, oneself included."""

    def onUserNetworkQualityChanged(self, networkQualityList: list[NetworkQualityInfo]) -> object:
        """How good everybody's connection is, oneself first."""

    def onKickedOffline(self) -> object:
        """The same user signed in elsewhere."""

    def onUserSigExpired(self) -> object:
        """The ticket is no longer good; `init` with a new one."""

    def onCallCancelled(self, userId: str) -> object:
        """The old way to tell `onCallNotConnected`."""

    def onCallMediaTypeChanged(self, oldCallMediaType: TUICallType, newCallMediaType: TUICallType) -> object:
        """The call switched between voice and video."""
