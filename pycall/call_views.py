"""The views of one call: one per user, and one of ourselves; opened with the call or in it, closed with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from pycall.core.errors import ErrorCode, MediaError, PyCallError
from pycall.core.types import UserId
from pycall.gear import Gear
from pycall.media.downlink import Downlink
from pycall.media.uplink import Uplink
from pycall.media.views import View

log = logging.getLogger(__name__)


class CallViews:
    """Brings what is shown in line with what the gear asks for, one change at a time. On the event loop."""

    def __init__(self, gear: Gear, uplink: Uplink, downlink: Downlink, own: UserId) -> None:
        self._gear = gear
        self._uplink = uplink
        self._downlink = downlink
        self._own = own
        self._remote: dict[UserId, View] = {}
        self._local: View | None = None
        self._changing = asyncio.Lock()
        self._open = False

    async def start(self, failed: Callable[[PyCallError], None]) -> None:
        """Open all that are asked for; one that cannot be opened is told to `failed`, and the others are shown."""
        self._open = True
        for change in [self.follow_local(), *(self.follow(user_id) for user_id in self._gear.views)]:
            try:
                await change
            except PyCallError as error:
                failed(error)

    async def stop(self) -> None:
        """Close our own view; the downlink closes its sinks itself. May be called twice."""
        self._open = False
        async with self._changing:
            await self._close_local()
            self._remote.clear()

    async def follow(self, user_id: UserId) -> None:
        """Show the user in the view that is asked for now, or in none; raises `MediaError` if it cannot be opened."""
        async with self._changing:
            old = self._remote.pop(user_id, None)
            if old is not None:
                await self._downlink.remove_video_sink(old)
            spec = self._gear.views.get(user_id)
            if spec is None or not self._open:
                return
            view = await asyncio.to_thread(spec.make, self._gear.renders, user_id)
            await _start(view)
            self._remote[user_id] = view
            await self._downlink.add_started_video_sink(view)

    async def follow_local(self) -> None:
        """The same for what we send."""
        async with self._changing:
            await self._close_local()
            spec = self._gear.local_view
            if spec is None or not self._open:
                return
            view = await asyncio.to_thread(spec.make, self._gear.renders)
            await _start(view)
            self._local = view
            self._uplink.add_video_tap(view, self._own)

    async def _close_local(self) -> None:
        old, self._local = self._local, None
        if old is not None:
            self._uplink.remove_video_tap(old)
            await asyncio.to_thread(old.stop)


async def _start(view: View) -> None:
    try:
        await asyncio.to_thread(view.start)
    except PyCallError:
        raise
    except Exception as error:  # the sink may be the program's own code
        log.error("the view %s raised when it was opened", view.name, exc_info=error)
        raise MediaError(ErrorCode.BAD_SINK, f"the view {view.name} raised {error!r} when it was opened") from error
