"""The verbs of CallEngine for what is shown: views of others and of ourselves, turned, mirrored and fitted."""

from __future__ import annotations

import asyncio
from typing import Literal

from pycall.arguments import checked_bool, checked_choice, checked_user, checked_view
from pycall.core.errors import PyCallError
from pycall.core.types import UserId
from pycall.media.views import RenderParams, Showing
from pycall.verbs import Verbs


class ViewVerbs(Verbs):
    """Views may be asked for at any time; each is opened when a call runs and closed with it, call after call."""

    async def start_remote_view(self, user_id: UserId, view: Showing, *, size: tuple[int, int] | None = None) -> None:
        """Show this user in a view of their own, beside `EngineConfig.video_sink`, which shows everybody.

        `view`: the name of a sink (`window`, `terminal`, `file:bob.mkv`), a `VideoSink`, or a function that is called
        with each `VideoFrame` on the event loop. With `size` (width, height) every picture comes in that size. Replaces
        the user's former view. Raises `ConfigError` or `MediaError` if it cannot be, and the former one is gone then.
        """
        user_id, spec = checked_user(user_id), checked_view(view, size)
        self._must_be_open()
        views = self._driver.gear.views
        with self._one(f"start_remote_view of {user_id}"):
            await asyncio.to_thread(spec.make, self._driver.gear.renders)
            views[user_id] = spec
            try:
                await self._follow(user_id)
            except PyCallError:
                views.pop(user_id, None)
                raise

    async def stop_remote_view(self, user_id: UserId) -> None:
        """Close this user's view; does nothing if there is none."""
        user_id = checked_user(user_id)
        self._must_be_open()
        if self._driver.gear.views.pop(user_id, None) is not None:
            await self._follow(user_id)

    async def _follow(self, user_id: UserId) -> None:
        if self._driver.media is not None:
            await self._driver.media.views.follow(user_id)

    async def start_local_view(self, view: Showing, *, size: tuple[int, int] | None = None) -> None:
        """Show what we send, while the camera is open in a call. As `start_remote_view` otherwise."""
        spec = checked_view(view, size)
        self._must_be_open()
        gear = self._driver.gear
        with self._one("start_local_view"):
            await asyncio.to_thread(spec.make, gear.renders)
            gear.local_view = spec
            try:
                await self._follow_local()
            except PyCallError:
                gear.local_view = None
                raise

    async def stop_local_view(self) -> None:
        """Close the view of ourselves; does nothing if there is none."""
        self._must_be_open()
        self._driver.gear.local_view = None
        await self._follow_local()

    async def _follow_local(self) -> None:
        if self._driver.media is not None:
            await self._driver.media.views.follow_local()

    async def set_video_render_params(
        self,
        user_id: UserId,
        *,
        fill_mode: Literal["fit", "fill"] = "fit",
        rotation: Literal[0, 90, 180, 270] = 0,
        mirror: bool = False,
    ) -> None:
        """How this user (oneself too) is shown in every view, from the next picture on.

        `rotation` is clockwise, in degrees; `mirror` swaps left and right. In a view with a size, `fit` shows the whole
        picture with black bars and `fill` leaves out what sticks out. What others see of us, and a recording, stay as
        they are. Turning costs about 1 ms of CPU per picture of 720p.
        """
        params = RenderParams(
            checked_choice("fill_mode", fill_mode, ("fit", "fill")),
            checked_choice("rotation", rotation, (0, 90, 180, 270)),
            checked_bool("mirror", mirror),
        )
        self._driver.gear.renders.set(checked_user(user_id), params)
