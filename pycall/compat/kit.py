"""`TUICallKit`: the calling component without its pictures; callbacks, states, bell, and settings for a user interface.

    kit = TUICallKit(statusChanged=print, videoDisplayMode=VideoDisplayMode.CONTAIN)
    await kit.init({"SDKAppID": 1400000000, "userID": "alice", "userSig": ticket})
    await kit.calls({"userIDList": ["bob"], "type": TUICallType.VIDEO_CALL})

`kit.on(TUICallEvent.onCallBegin, f)` tells events as the mini programs' document has them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pycall.compat.callfacts import CallFacts
from pycall.compat.given import Given
from pycall.compat.kit_calls import KitCalls
from pycall.compat.kit_settings import (
    FeatureButton,
    LayoutMode,
    VideoDisplayMode,
    VideoResolution,
)
from pycall.compat.kit_status import STATUS
from pycall.compat.names import TUICallEvent
from pycall.compat.payload import Payload
from pycall.compat.promise import When, verb
from pycall.compat.structs import TUIResult, options_of
from pycall.compat.telling import told_by_component
from pycall.compat.tui import TUICallEngine, TUICallType
from pycall.core import events
from pycall.core.types import MediaType

if TYPE_CHECKING:
    TUICallKitServer: TUICallKit

__all__ = [
    "STATUS",
    "FeatureButton",
    "LayoutMode",
    "TUICallEvent",
    "TUICallKit",
    "TUICallType",
    "VideoDisplayMode",
    "VideoResolution",
]

log = logging.getLogger(__name__)

_ENGINE_OPTIONS = ("SDKAppID", "server", "config", "tim")


class TUICallKit(KitCalls):
    """One component with an engine of its own. Options and props: those of the engine, and those of `setProps`."""

    _instance: ClassVar[TUICallKit | None] = None

    def __init__(
        self, options: Mapping[str, Any] | None = None, *, engine: TUICallEngine | None = None, **more: Any
    ) -> None:
        super().__init__(engine or TUICallEngine())
        self._has_config = self._chose_resolution = False
        self._take({**(options or {}), **more})
        self._engine.watch(self._heard, self._emitter)

    def _take(self, given: dict[str, Any]) -> None:
        """Options go to the engine, the rest are props."""
        ours = {name: given.pop(name) for name in _ENGINE_OPTIONS if name in given}
        self._has_config |= ours.get("config") is not None
        self._chose_resolution |= "videoResolution" in given
        self.setProps(**given)
        self._engine.configure(ours)

    @classmethod
    def createInstance(cls, options: object = None, **more: Any) -> TUICallKit:
        """The one component of this process, on the one TUICallEngine. An Android Context is left unused."""
        if TUICallKit._instance is None:
            TUICallKit._instance = cls(engine=TUICallEngine.createInstance())
        TUICallKit._instance._take({**(options_of(options) or {}), **more})
        return TUICallKit._instance

    create_instance = createInstance

    # --- listening -----------------------------------------------------------------------------------------------

    def on(self, event: str, callback: Callable[..., object], context: object = None) -> None:
        """Call `callback(res)` for each such event, told as in the mini programs' document."""
        self._emitter.on(event, callback, context)

    def off(self, event: str, callback: Callable[..., object] | None = None, context: object = None) -> None:
        """End what `on` began."""
        self._emitter.off(event, callback, context)

    # --- signing in and out --------------------------------------------------------------------------------------

    @verb("SDKAppID", "userID", "userSig", when=When.ALWAYS)
    async def init(self, given: Given) -> None:
        """Sign in: `{SDKAppID, userID, userSig}`. A second time only warns."""
        if self.is_ready:
            log.warning("TUICallKit: signed in already")
            return
        await self._sign_in(given)

    @verb("SDKAppID", "userID", "userSig", when=When.ALWAYS)
    async def login(self, given: Given) -> TUIResult:
        """The same in Flutter's words: `(sdkAppId, userId, userSig)`; gives a result whose code is empty."""
        await self._sign_in(given)
        return TUIResult()

    async def _sign_in(self, given: Given) -> None:
        app_id = {"sdkAppId": given.whole("SDKAppID", 1, 2**53 - 1)} if given.has("SDKAppID") else {}
        await self._engine.init({**app_id, "userID": given.text("userID"), "userSig": given.text("userSig")})
        if self._chose_resolution or not self._has_config:
            await self._engine.setVideoQuality(str(self.videoResolution))

    @verb(when=When.ALWAYS)
    async def logout(self, given: Given) -> None:
        """Leave any call and sign out."""
        await self._engine.logout()

    @verb(when=When.ALWAYS)
    async def destroyed(self, given: Given) -> None:
        """Sign out and release everything; refused in a call. A new `init` begins anew."""
        if self._status.now is not STATUS.IDLE:
            raise given.refused("the component is in a call; hang up first")
        await self._hush()
        await self._engine.destroyInstance()
        if TUICallKit._instance is self:
            TUICallKit._instance = None

    # --- what happens --------------------------------------------------------------------------------------------

    def _heard(self, event: events.Event, facts: CallFacts) -> None:
        match event:
            case events.CallReceived():
                self._call(self.beforeCalling, "beforeCalling", "invited", None)
                self._status.is_invited()
                self._ring()
            case events.CallBegan():
                self._talks(event.media, facts)
            case events.CallMediaChanged() if self._status.calling:
                self._status.talks(event.new, group=facts.group)
            case events.UserInviting() if self._status.calling:  # a call of two becomes one of many
                self._status.talks(self._engine.engine.media or MediaType.AUDIO, group=facts.group)
            case events.VoiceVolume(volumes):
                self._volumes = dict(volumes)
            case events.UserJoined():
                self.begin("display mode", self._show(event.user_id))
            case events.CallEnded() | events.CallNotConnected():
                self._over()
            case events.KickedOffline():
                self._call(self.kickedOut, "kickedOut", Payload())
        for name, payload in told_by_component(event, facts, self._engine.own_id):
            self._emitter.emit(name, payload)

    def _talks(self, media: MediaType, facts: CallFacts) -> None:
        self.begin("bell", self._hush())
        closed = (
            media.has_video and not self.cameraDefaultState and self._status.now in (STATUS.BE_INVITED, STATUS.IDLE)
        )
        self._status.talks(media, group=facts.group)
        if closed and self._engine.engine.camera_open:
            self._engine.closeCamera()

    def _over(self) -> None:
        self.begin("bell", self._hush())
        self._volumes = {}
        if self.isMinimized:
            self._minimize(False)
        if self._status.now is not STATUS.IDLE:
            self._status.ends()
            self._call(self.afterCalling, "afterCalling")

    async def _show(self, user_id: str) -> None:
        whole = self.videoDisplayMode is VideoDisplayMode.CONTAIN
        await self._engine.engine.set_video_render_params(user_id, fill_mode="fit" if whole else "fill")


def __getattr__(name: str) -> Any:
    """`TUICallKitServer` (later called `TUICallKitAPI`): the one component, made when first asked for."""
    if name in ("TUICallKitServer", "TUICallKitAPI"):
        return TUICallKit.createInstance()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
