"""The verbs of TUICallKit for a call, and its bell: what the component does, apart from what it tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from pycall import Bell, CallState
from pycall.compat.emitter import Emitter
from pycall.compat.given import Given
from pycall.compat.kit_settings import KitSettings
from pycall.compat.kit_status import STATUS, KitStatus
from pycall.compat.names import TUICallEvent
from pycall.compat.payload import Payload
from pycall.compat.promise import When, verb
from pycall.compat.structs import UserInfo
from pycall.compat.tui import TUICallEngine
from pycall.core.errors import PyCallError
from pycall.core.types import MemberState

log = logging.getLogger(__name__)

T = TypeVar("T")
_CALL = ("type", "params", "timeout", "roomID", "strRoomID", "userData", "chatGroupID")


class KitCalls(KitSettings):
    """Stands on one TUICallEngine, whose tasks its verbs are."""

    def __init__(self, engine: TUICallEngine) -> None:
        super().__init__()
        self._engine = engine
        self._engine.before_answer = self._hush
        self._emitter = Emitter(tuple(TUICallEvent))
        self._status = KitStatus(self._status_changed)
        self._bell: Bell | None = None
        self._volumes: dict[str, int] = {}
        """As last told, 0 to 100."""
        self.under_way: set[str] = set()

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
                volume=self._volumes.get(one.user_id, 0),
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

    def _status_changed(self, old: STATUS, new: STATUS) -> None:
        self._call(self.statusChanged, "statusChanged", Payload(oldStatus=old, newStatus=new))

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
