"""`TUICallEngine` as the documents name it, over `CallEngine`; see `COMPATIBILITY.md` for what differs.

Every verb takes the documented dictionary (`call({"userID": "bob", "type": 2})`), the same as keywords, or arguments in
native order with a callback object behind them; it gives a task that rejects with `TUICallError`. Names may be written
in camelCase or in snake_case.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from pycall.compat.codes import TUICallError, TUIErrorCode
from pycall.compat.device_names import TuiDeviceNames
from pycall.compat.emitter import call_back
from pycall.compat.enums import (
    CallEndReason,
    TUICallRole,
    TUICallScene,
    TUICallStatus,
    TUICallType,
)
from pycall.compat.given import Given
from pycall.compat.names import TUICallEvent
from pycall.compat.observer import TUICallObserver
from pycall.compat.payloads import told
from pycall.compat.promise import When, verb
from pycall.compat.record_names import RecordNames
from pycall.compat.structs import CallObserverExtraInfo, CallParams, RoomId, options_of
from pycall.compat.telling import observed
from pycall.compat.tui_effects import EffectNames
from pycall.compat.tui_media import MediaNames
from pycall.core.errors import ErrorCode, LocalProtocolError, PyCallError
from pycall.core.events import DevicesChanged, Event
from pycall.core.types import CallId

__all__ = [
    "CallEndReason",
    "CallObserverExtraInfo",
    "CallParams",
    "RoomId",
    "TUICallEngine",
    "TUICallError",
    "TUICallEvent",
    "TUICallObserver",
    "TUICallRole",
    "TUICallScene",
    "TUICallStatus",
    "TUICallType",
    "TUIErrorCode",
]

MAX_TIMEOUT = 86400
_CALL = ("type", "params", "timeout", "roomID", "strRoomID", "userData", "chatGroupID")


class TUICallEngine(MediaNames, EffectNames, RecordNames, TuiDeviceNames):
    """One user's line. `createInstance` gives the process its one; the constructor makes more, for several users."""

    _instance: ClassVar[TUICallEngine | None] = None

    def __init__(self, options: dict[str, Any] | None = None, **more: Any) -> None:
        """Options: `SDKAppID`, and here also `server` (a URL) and `config` (an EngineConfig). Opens nothing yet."""
        super().__init__(options, names=tuple(TUICallEvent), **more)
        self._observers: list[TUICallObserver] = []
        self._self_info = ("", "")
        self.before_answer: Callable[[], Awaitable[None]] | None = None
        """Awaited before a ringing call is answered or refused: a bell stops here."""

    @classmethod
    def createInstance(cls, options: object = None, **more: Any) -> TUICallEngine:
        """The one instance of this process; options count until it is first used. An Android Context is left unused."""
        if TUICallEngine._instance is None:
            TUICallEngine._instance = cls()
        TUICallEngine._instance.configure({**(options_of(options) or {}), **more})
        return TUICallEngine._instance

    create_instance = createInstance

    @verb(when=When.ALWAYS)
    async def destroyInstance(self, given: Given) -> None:
        """Hang up, sign out, release everything. The object may be used again after a new `init`."""
        await self._hush()
        await self._release()
        self._emitter.clear()
        self._observers.clear()
        if TUICallEngine._instance is self:
            TUICallEngine._instance = None

    destroy_instance = destroyInstance

    # --- signing in and out --------------------------------------------------------------------------------------

    @verb("sdkAppId", "userID", "userSig", when=When.ALWAYS)
    async def init(self, given: Given) -> None:
        """Sign in with `{userID, userSig}`, natively `(sdkAppId, userId, userSig)`."""
        app_id = given.whole("sdkAppId", 1, 2**53 - 1) if given.has("sdkAppId") else None
        await self._sign_in(given.text("userID"), given.text("userSig"), app_id)

    @verb("userID", "userSig", when=When.ALWAYS)
    async def login(self, given: Given) -> None:
        """The older name of `init`."""
        await self._sign_in(given.text("userID"), given.text("userSig"))

    @verb(when=When.ALWAYS)
    async def logout(self, given: Given) -> None:
        """Leave any call and sign out."""
        await self._sign_out()

    unInit = un_init = logout

    @verb("nickName", "avatar", alone=True)
    async def setSelfInfo(self, given: Given) -> None:
        """How the others see us: `{nickName?, avatar?}`, each at most 500 bytes; what is left out stays as it is."""
        nickname, avatar = self._self_info
        wanted = given.text("nickName", nickname), given.text("avatar", avatar)
        await self.engine.set_self_info(*wanted)
        self._self_info = wanted

    @verb("enable", alone=True)
    async def enableMultiDeviceAbility(self, given: Given) -> None:
        """True: a new sign-in elsewhere does not end this one, and all devices ring."""
        await self.engine.enable_multi_device_ability(given.flag("enable"))

    set_self_info, enable_multi_device_ability = setSelfInfo, enableMultiDeviceAbility

    # --- listening -----------------------------------------------------------------------------------------------

    def addObserver(self, observer: TUICallObserver) -> None:
        """Call its methods from now on; once, however often it is added."""
        if observer not in self._observers:
            self._observers.append(observer)

    def removeObserver(self, observer: TUICallObserver) -> None:
        """Call it no more."""
        self._observers = [one for one in self._observers if one is not observer]

    add_observer, remove_observer = addObserver, removeObserver

    def _tell(self, event: Event) -> None:
        if isinstance(event, DevicesChanged):
            self._note_device(event)
        facts, own = self._memory.facts, self._own
        for name, payload in told(event, facts, own):
            self._emitter.emit(name, payload)
        for name, values in observed(event, facts, own):
            for observer in tuple(self._observers):
                listener: Callable[..., object] | None = getattr(observer, name, None)
                if listener is not None:
                    call_back(name, listener, *values)

    # --- calling -------------------------------------------------------------------------------------------------

    @verb("userIDList", *_CALL, when=When.IDLE, alone=True)
    async def calls(self, given: Given) -> None:
        """Call 1 to 8 users: `{userIDList, type, chatGroupID?, roomID?, strRoomID?, timeout?, userData?}`."""
        await self.dial(given, given.texts("userIDList"), given.text("chatGroupID", ""))

    @verb("userID", *_CALL, when=When.IDLE, alone=True)
    async def call(self, given: Given) -> None:
        """Call one user: `{userID, type, timeout?, roomID?, strRoomID?, userData?}`."""
        await self.dial(given, [given.text("userID")])

    async def dial(self, given: Given, users: list[str], group: str = "") -> None:
        """What `call`, `calls` and `groupCall` have in common."""
        callees = given.others(users, self._own)
        media, room = given.media(), given.room()
        timeout = given.whole("timeout", 0, MAX_TIMEOUT, 30)
        user_data = given.text("userData", "")
        self._memory.dialed(callees, user_data)
        await self.engine.calls(callees, media, timeout=timeout, user_data=user_data, room_id=room, chat_group_id=group)

    @verb("groupID", "userIDList", *_CALL[:-1], when=When.IDLE, alone=True)
    async def groupCall(self, given: Given) -> None:
        """Call people of a chat group: `{userIDList, type, groupID, ...}`, natively `(groupId, userIdList, ...)`."""
        await self.dial(given, given.texts("userIDList"), given.text("groupID"))

    @verb("callId", when=When.IDLE)
    async def join(self, given: Given) -> None:
        """Come into a running call, microphone open, camera closed."""
        await self.engine.join(CallId(given.text("callId")))

    @verb("roomID", "groupID", "type", "strRoomID", when=When.IDLE)
    async def joinInGroupCall(self, given: Given) -> None:
        """Come into a chat group's call: `{type, groupID, roomID, strRoomID?}`, natively `(roomId, groupId, type)`."""
        room = given.room()
        if room is None:
            raise given.wrong(TUIErrorCode.PARAM_REQUIRED, "roomID or strRoomID is missing")
        await self.engine.join_in_group_call(room, given.text("groupID"), given.media())

    @verb("userIDList", "params", "userData", "timeout", when=When.IN_CALL, alone=True)
    async def inviteUser(self, given: Given) -> list[str]:
        """Call more people into the call; gives those for whom it rings now."""
        users = given.others(given.texts("userIDList"), self._own)
        timeout = given.whole("timeout", 0, MAX_TIMEOUT, 30)
        return list(await self.engine.invite_user(users, timeout=timeout, user_data=given.text("userData", "")))

    group_call, join_in_group_call, invite_user = groupCall, joinInGroupCall, inviteUser
    iniviteUser = inivite_user = inviteUser  # Flutter's spelling

    @verb(when=When.RINGING, alone=True)
    async def accept(self, given: Given) -> None:
        """Answer."""
        await self._hush()
        await self.engine.accept()

    @verb(when=When.RINGING, alone=True)
    async def reject(self, given: Given) -> None:
        """Refuse."""
        await self._hush()
        await self.engine.reject()

    @verb(when=When.RINGING)
    async def ignore(self, given: Given) -> None:
        """Refuse as a busy line."""
        await self._hush()
        await self.engine.ignore()

    async def _hush(self) -> None:
        if self.before_answer is not None:
            await self.before_answer()

    @verb(when=When.IN_CALL)
    async def hangup(self, given: Given) -> None:
        """Leave the call; unanswered, cancel it."""
        await self.engine.hangup()

    @verb("type", when=When.IN_CALL)
    async def switchCallMediaType(self, given: Given) -> None:
        """1 voice, 2 video; for calls between two. A failure is also told by the error event (60001, 60002)."""
        wanted = given.media()
        try:
            if self.engine.media is wanted:
                raise LocalProtocolError(ErrorCode.WRONG_STATE, f"the call is one of {wanted.value} already")
            await self.engine.switch_media(wanted)
        except PyCallError as error:
            self._switch_failed(wanted, error)
            raise

    switch_call_media_type = switchCallMediaType
