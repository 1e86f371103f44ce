"""`TUICallKit`: the calling component without its pictures; callbacks, states, bell, and settings for a user interface.

    kit = TUICallKit(statusChanged=print, videoDisplayMode=VideoDisplayMode.CONTAIN)
    await kit.init({"SDKAppID": 1400000000, "userID": "alice", "userSig": ticket})
    await kit.calls({"userIDList": ["bob"], "type": TUICallType.VIDEO_CALL})

`kit.on(TUICallEvent.onCallBegin, f)` tells events as the mini programs' document has them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pycall import Bell, CallState
from pycall.compat.callfacts import CallFacts
from pycall.compat.emitter import Emitter
from pycall.compat.given import Given
from pycall.compat.kit_settings import (
    FeatureButton,
    KitSettings,
    LayoutMode,
    VideoDisplayMode,
    VideoResolution,
)
from pycall.compat.kit_status import STATUS, KitStatus
from pycall.compat.names import TUICallEvent
from pycall.compat.payload import Payload
from pycall.compat.promise import When, verb
from pycall.compat.structs import TUIResult, UserInfo
from pycall.compat.telling import told_by_component
from pycall.compat.tui import TUICallEngine, TUICallType
from pycall.core import events
from pycall.core.errors import PyCallError
from pycall.core.types import MediaType, MemberState

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

T = TypeVar("T")
_CALL = ("type", "params", "timeout", "roomID", "strRoomID", "userData", "chatGroupID")
_ENGINE_OPTIONS = ("SDKAppID", "server", "config", "tim")


class TUICallKit(KitSettings):
    """One component with an engine of its own. Options and props: those of the engine, and those of `setProps`."""

    _instance: ClassVar[TUICallKit | None] = None

    def __init__(
        self, options: Mapping[str, Any] | None = None, *, engine: TUICallEngine | None = None, **more: Any
    ) -> None:
        super().__init__()
        self._engine = engine or TUICallEngine()
        self._has_config = self._chose_resolution = False
        self._take({**(options or {}), **more})
        self._emitter = Emitter(tuple(TUICallEvent))
        self._engine.watch(self._heard, self._emitter)
        self._engine.before_answer = self._hush
        self._status = KitStatus(self._status_changed)
        self._bell: Bell | None = None
        self.under_way: set[str] = set()

    def _take(self, given: dict[str, Any]) -> None:
        """Options go to the engine, the rest are props."""
        ours = {name: given.pop(name) for name in _ENGINE_OPTIONS if name in given}
        self._has_config |= ours.get("config") is not None
        self._chose_resolution |= "videoResolution" in given
        self.setProps(**given)
        self._engine.configure(ours)

    @classmethod
    def createInstance(cls, options: Mapping[str, Any] | None = None, **more: Any) -> TUICallKit:
        """The one component of this process, on the one TUICallEngine."""
        if TUICallKit._instance is None:
            TUICallKit._instance = cls(engine=TUICallEngine.createInstance())
        TUICallKit._instance._take({**(options or {}), **more})
        return TUICallKit._instance

    create_instance = createInstance

    # --- what it shows -------------------------------------------------------------------------------------------

    @property
    def status(self) -> STATUS:
        """One of the eight states."""
        return self._status.now

    @property
    def remoteUserInfoList(self) -> list[UserInfo]:
        """Everybody else in the call, or asked to come."""
        engine = self._engine.engine
        there = [one for one in engine.members if one.state is not MemberState.GONE and one.user_id != engine.user_id]
        return [
            UserInfo(
                one.user_id,
                isEnter=one.state is MemberState.JOINED,
                isAudioAvailable=one.audio,
                isVideoAvailable=one.video,
                nick=one.nickname,
                avatar=one.avatar,
            )
            for one in there
        ]

    @property
    def callDuration(self) -> int:
        """Whole seconds since the conversation began."""
        return int(self._engine.engine.duration)

    def getTUICallEngineInstance(self) -> TUICallEngine:
        """The engine behind the component."""
        return self._engine

    get_tui_call_engine_instance = getTUICallEngineInstance

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

    # --- calling -------------------------------------------------------------------------------------------------

    @verb("userIDList", *_CALL, when=When.IDLE, alone=True)
    async def calls(self, given: Given) -> None:
        """Call 1 to 8 users: `{userIDList, type, chatGroupID?, roomID?, strRoomID?, timeout?, userData?}`."""
        users = given.texts("userIDList")
        group = given.text("chatGroupID", "")
        await self._dial("groupCall" if group or len(users) > 1 else "call", given, users, group)

    @verb("userID", *_CALL, when=When.IDLE, alone=True)
    async def call(self, given: Given) -> None:
        """Call one user: `{userID, type, timeout?, ...}`."""
        await self._dial("call", given, [given.text("userID")])

    @verb("groupID", "userIDList", *_CALL[:-1], when=When.IDLE, alone=True)
    async def groupCall(self, given: Given) -> None:
        """Call people of a chat group: `{userIDList, type, groupID, ...}`."""
        await self._dial("groupCall", given, given.texts("userIDList"), given.text("groupID"))

    @verb("callId", when=When.IDLE, alone=True)
    async def join(self, given: Given) -> None:
        """Come into a running call."""
        await self._engine.join(given.text("callId"))

    @verb("roomID", "groupID", "type", "strRoomID", when=When.IDLE, alone=True)
    async def joinInGroupCall(self, given: Given) -> None:
        """Come into a chat group's call."""
        room = {"roomID": given.any("roomID", 0), "strRoomID": given.any("strRoomID", "")}
        await self._engine.joinInGroupCall({**room, "groupID": given.text("groupID"), "type": given.any("type")})

    @verb("userIDList", when=When.ALWAYS)
    async def inviteUser(self, given: Given) -> None:
        """Call more people into the call; who is there already is left out. Ignored outside of a call."""
        there = {one.userId for one in self.remoteUserInfoList}
        users = [user for user in given.texts("userIDList") if user not in there]
        if self._status.now is not STATUS.IDLE and users:
            await self._engine.inviteUser(users)

    @verb("nickName", "avatar", alone=True)
    async def setSelfInfo(self, given: Given) -> None:
        """How the others see us."""
        await self._engine.setSelfInfo({"nickName": given.any("nickName", None), "avatar": given.any("avatar", None)})

    group_call, join_in_group_call, invite_user = groupCall, joinInGroupCall, inviteUser
    set_self_info = setSelfInfo

    async def _dial(self, kind: str, given: Given, users: list[str], group: str = "") -> None:
        media = given.media()
        await self._engine.dial(given, users, group)
        self._call(self.beforeCalling, "beforeCalling", kind, None)
        self._status.dials(group=kind == "groupCall")
        if media.has_video and not self.cameraDefaultState:
            await self._engine.engine.close_camera()

    @verb(when=When.RINGING, alone=True)
    async def accept(self, given: Given) -> None:
        """What a user interface's button does: answer."""
        await self._engine.accept()

    @verb(when=When.RINGING, alone=True)
    async def reject(self, given: Given) -> None:
        """What a user interface's button does: refuse."""
        await self._engine.reject()

    @verb(when=When.IN_CALL)
    async def hangup(self, given: Given) -> None:
        """What a user interface's button does: leave or cancel."""
        await self._hush()
        await self._engine.hangup()

    # --- passed on to the engine ---------------------------------------------------------------------------------

    @verb("level", when=When.ALWAYS)
    async def setLogLevel(self, given: Given) -> None:
        """0 writes everything, 4 nothing."""
        await self._engine.setLogLevel(given.any("level"))

    @verb("jsonStr", when=When.ALWAYS)
    async def callExperimentalAPI(self, given: Given) -> None:
        """Refused, always: there is none."""
        await self._engine.callExperimentalAPI(given.text("jsonStr"))

    @verb("enable")
    async def enableAIVoice(self, given: Given) -> None:
        """Take steady noise out of what the microphone hears."""
        await self._engine.enableAIVoice(given.flag("enable"))

    enable_ai_voice = enableAIVoice
    set_log_level, call_experimental_api = setLogLevel, callExperimentalAPI

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
        if self.isMinimized:
            self._minimize(False)
        if self._status.now is not STATUS.IDLE:
            self._status.ends()
            self._call(self.afterCalling, "afterCalling")

    def _status_changed(self, old: STATUS, new: STATUS) -> None:
        self._call(self.statusChanged, "statusChanged", Payload(oldStatus=old, newStatus=new))

    async def _show(self, user_id: str) -> None:
        whole = self.videoDisplayMode is VideoDisplayMode.CONTAIN
        await self._engine.engine.set_video_render_params(user_id, fill_mode="fit" if whole else "fill")

    # --- the bell ------------------------------------------------------------------------------------------------

    def _ring(self) -> None:
        if not self.muteMode:
            self._bell = Bell(self._engine.engine.config.audio_sink, self.callingBell)
            self.begin("bell", _started(self._bell))

    async def _hush(self) -> None:
        bell, self._bell = self._bell, None
        if bell is not None:
            await bell.stop()

    # --- what verbs stand on -------------------------------------------------------------------------------------

    @property
    def line_state(self) -> CallState | None:
        """Where the engine's call stands."""
        return self._engine.line_state

    @property
    def is_ready(self) -> bool:
        """Somebody is signed in."""
        return self._engine.is_ready

    def begin(self, name: str, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a verb; the engine owns its task."""
        return self._engine.begin(name, work)


async def _started(bell: Bell) -> None:
    try:
        await bell.start()
    except PyCallError as error:
        log.warning("an incoming call does not ring: %s", error)


def __getattr__(name: str) -> Any:
    """`TUICallKitServer` (later called `TUICallKitAPI`): the one component, made when first asked for."""
    if name in ("TUICallKitServer", "TUICallKitAPI"):
        return TUICallKit.createInstance()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
