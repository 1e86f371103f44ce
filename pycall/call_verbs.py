"""The verbs of CallEngine for calls: dial, invite, join, answer, refuse, leave."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable

from pycall.arguments import (
    check_call_id,
    check_flag,
    check_group,
    check_info,
    check_ring,
    check_room,
    check_user_data,
    checked_callees,
    checked_media,
)
from pycall.core.call import CallState
from pycall.core.errors import SignalingError
from pycall.core.outputs import Resolve
from pycall.core.types import DEFAULT_RING_SECONDS, CallId, MediaType, RoomId, UserId
from pycall.verbs import Verbs


class CallVerbs(Verbs):
    """Every verb waits for the server's answer."""

    # --- dialing -------------------------------------------------------------------------------------------------

    async def calls(
        self,
        callees: UserId | Iterable[UserId],
        media: MediaType = MediaType.AUDIO,
        *,
        timeout: int = DEFAULT_RING_SECONDS,
        user_data: str = "",
        room_id: RoomId | None = None,
        chat_group_id: str = "",
    ) -> CallId:
        """Call one to eight people; it rings for `timeout` whole seconds (0: for ever). Gives the call's id.

        Whoever is named twice is called once, and we are left out. `user_data` (at most 4 KiB) reaches the callees with
        `CallReceived`. The server makes up a room if none is given. With a `chat_group_id`, other people may join who
        know the call's id, or group and room. If both sides of a call of two call each other at once, the two calls
        become one and its id is given.
        """
        self._must_be_able_to_call()
        wanted = checked_callees(callees, self.user_id)
        kind = checked_media(media)
        check_ring(timeout)
        check_user_data(user_data)
        if room_id is not None:
            check_room(room_id)
        if chat_group_id != "":
            check_group(chat_group_id)
        call_id, line = CallId(secrets.token_hex(16)), self._driver.line
        with self._one("call"):
            await self._driver.check(kind)
            answer = await self._enter(
                lambda now: line.dial(
                    call_id,
                    wanted,
                    kind,
                    timeout=timeout,
                    user_data=user_data,
                    room_id=room_id,
                    chat_group_id=chat_group_id,
                    now=now,
                )
            )
        return answer.call_id or call_id

    async def call(
        self,
        callees: UserId | Iterable[UserId],
        media: MediaType = MediaType.AUDIO,
        *,
        timeout: int = DEFAULT_RING_SECONDS,
        user_data: str = "",
        room_id: RoomId | None = None,
        chat_group_id: str = "",
    ) -> CallId:
        """The same as `calls`."""
        return await self.calls(
            callees, media, timeout=timeout, user_data=user_data, room_id=room_id, chat_group_id=chat_group_id
        )

    async def group_call(
        self,
        group_id: str,
        callees: UserId | Iterable[UserId],
        media: MediaType = MediaType.AUDIO,
        *,
        timeout: int = DEFAULT_RING_SECONDS,
        user_data: str = "",
        room_id: RoomId | None = None,
    ) -> CallId:
        """Call people of a chat group: `calls` with a group, which must not be empty."""
        check_group(group_id)
        return await self.calls(
            callees, media, timeout=timeout, user_data=user_data, room_id=room_id, chat_group_id=group_id
        )

    async def invite_user(
        self, users: UserId | Iterable[UserId], *, timeout: int = DEFAULT_RING_SECONDS, user_data: str = ""
    ) -> tuple[UserId, ...]:
        """Call more people into our call; gives for whom it rings now.

        The caller may while it rings, everybody once they are in the call. Who is in the call or rings already is left
        out; if that is everybody, it is refused as REPEATED. A busy line rings not: an event tells who that is.
        """
        self._must_be_able_to_call()
        wanted = checked_callees(users, self.user_id)
        check_ring(timeout)
        check_user_data(user_data)
        line = self._driver.line
        with self._one("invite_user"):
            answer = await self._driver.ask(
                lambda now: line.invite(wanted, timeout=timeout, user_data=user_data, now=now)
            )
        return answer.users

    async def join(self, call_id: CallId) -> None:
        """Come into a running call, with the microphone open and the camera closed.

        Open to whoever was ever called into it, and to everybody if it belongs to a chat group.
        """
        self._must_be_able_to_call()
        check_call_id(call_id)
        line = self._driver.line
        await self._join(lambda now: line.join(call_id, now=now), MediaType.AUDIO)

    async def join_in_group_call(self, room_id: RoomId, group_id: str, media: MediaType = MediaType.AUDIO) -> CallId:
        """Come into the call that a chat group has in this room; with VIDEO our camera opens if it is a video call."""
        self._must_be_able_to_call()
        check_room(room_id)
        check_group(group_id)
        kind, call_id, line = checked_media(media), CallId(secrets.token_hex(16)), self._driver.line
        answer = await self._join(
            lambda now: line.join(call_id, room_id=room_id, chat_group_id=group_id, video=kind.has_video, now=now),
            kind,
        )
        return answer.call_id or call_id

    async def _join(self, step: Callable[[float], int], media: MediaType) -> Resolve:
        with self._one("join"):
            await self._driver.check(media)
            return await self._enter(step)

    async def _enter(self, step: Callable[[float], int]) -> Resolve:
        try:
            return await self._driver.ask(step)
        except (SignalingError, asyncio.CancelledError):
            self._driver.leave()  # a call that nobody waits for must not go on ringing
            raise

    # --- answering and leaving -----------------------------------------------------------------------------------

    async def accept(self) -> None:
        """Answer the ringing call. Microphone and (in a video call) camera open once the server has agreed."""
        self._must_be_signed_in()
        with self._one("accept"):
            if self.state is CallState.RINGING:
                await self._driver.check(self.media or MediaType.AUDIO)
            await self._driver.ask(self._driver.line.accept)

    async def reject(self) -> None:
        """Refuse the ringing call."""
        self._must_be_signed_in()
        with self._one("reject"):
            await self._driver.ask(self._driver.line.reject)

    async def ignore(self) -> None:
        """Refuse the ringing call as if the line were busy."""
        self._must_be_signed_in()
        with self._one("ignore"):
            await self._driver.ask(lambda now: self._driver.line.reject(now, busy=True))

    async def hangup(self) -> None:
        """Leave the call, or cancel it while nobody has answered; in a call of many the others go on without us.

        Capture stops at once, without waiting for the network.
        """
        if self.state is None:
            self._must_be_signed_in()
        with self._one("hangup"):
            await self._driver.ask(self._driver.line.hangup)

    async def switch_media(self, media: MediaType) -> None:
        """Make a whole call of two voice or video.

        To video: our camera opens, unless we have closed it by `close_camera` in this call; theirs when they open it.
        """
        self._must_be_signed_in()
        kind = checked_media(media)
        with self._one("switch_media"):
            await self._driver.ask(lambda now: self._driver.line.switch_media(kind, now))

    switch_call_media_type = switch_media

    # --- ourselves -----------------------------------------------------------------------------------------------

    async def enable_multi_device_ability(self, enabled: bool) -> None:
        """Whether we may be signed in on several devices (at most five).

        Off, as at first, a login elsewhere ends this one (`KickedOffline`); switched off, it ends all
        others. On, a call rings on all devices, and the first answer or refusal stops the others.
        """
        self._must_be_signed_in()
        check_flag(enabled, "enabled")
        with self._one("enable_multi_device_ability"):
            await self._driver.ask(lambda now: self._driver.line.set_several_devices(enabled, now))

    async def set_self_info(self, nickname: str = "", avatar: str = "") -> None:
        """How others see us in calls (`members`, `UserInfoChanged`): at most 500 bytes each, empty for none."""
        self._must_be_signed_in()
        check_info(nickname, "nickname")
        check_info(avatar, "avatar")
        with self._one("set_self_info"):
            await self._driver.ask(lambda now: self._driver.line.set_self_info(nickname, avatar, now))
