"""Many audio-only calls in one process: the ends of pycall or aiortc as they are, but with short notes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import av

from pycall.media.frames import SAMPLE_RATE, Samples

from . import aiortc_peer, pycall_peer
from .end import Medium, Role, Tell, Usage, own_usage, run
from .notes import Notes
from .quality import CUSHION


class Ear:
    """Stands in for `Notes`: how much of the time was covered by sound, counted as it is heard."""

    def __init__(self) -> None:
        self.silent = 0.0
        """Seconds without sound since the first, in gaps over the cushion."""
        self.longest = 0.0
        self.free: float | None = None
        """When what was heard so far is over."""

    def heard(self, samples: Samples, at: float | None = None) -> None:
        now = time.time() if at is None else at
        gap = now - self.free if self.free is not None else 0.0
        if self.free is None or gap > CUSHION:
            self.silent += gap
            self.longest = max(self.longest, gap)
            self.free = now
        self.free += len(samples) / SAMPLE_RATE

    def saw(self, picture: av.VideoFrame) -> None:
        pass

    def gap(self, now: float) -> float:
        """Seconds of silence that last until now; a call never heard counts from the beginning of time."""
        gap = now - self.free if self.free is not None else now
        return gap if gap > CUSHION else 0.0


class Crowd:
    """A Medium made of many; `role.codec` says of what."""

    def __init__(self, role: Role, notes: Notes, tell: Tell) -> None:
        make = {"pycall": pycall_peer.PycallMedium, "aiortc": aiortc_peer.AiortcMedium}[role.codec]
        self.began = 0.0
        self._counting = False
        self._notes = notes
        self._ears = [Ear() for _ in range(role.calls)]
        self._media: list[Medium] = []
        one = replace(role, codec="", pictures=False)
        for number, ear in enumerate(self._ears):
            self._media.append(make(one, ear, self._numbered(tell, number)))

    def _numbered(self, tell: Tell, number: int) -> Tell:
        def told(what: str, **fields: Any) -> None:
            if what == "signal":
                tell(what, to=fields["to"], message={"number": number, "message": fields["message"]})

        return told

    async def prepare(self) -> None:
        for medium in self._media:
            await medium.prepare()

    async def open(self) -> None:
        for medium in self._media:
            await medium.open()

    async def signal(self, sender: str, message: Any) -> None:
        await self._media[message["number"]].signal(sender, message["message"])

    async def totals(self) -> dict[str, float]:
        """Seconds of silence so far, of the worst call and on average; the longest gap since pictures may be kept."""
        now = time.time()
        if all(ear.free is not None for ear in self._ears):
            self._notes.first_picture = self._notes.first_sound = self._notes.first_sound or now
        if self._notes.keeping and not self._counting:
            self._counting = True
            for ear in self._ears:
                ear.silent = ear.longest = 0.0
        silent = [ear.silent + ear.gap(now) for ear in self._ears]
        longest = max(max(ear.longest, ear.gap(now)) for ear in self._ears)
        return {"silent_most": max(silent), "silent_mean": sum(silent) / len(silent), "longest_gap": longest}

    def usage(self) -> Usage:
        return own_usage()

    async def collect(self) -> None:
        pass

    async def close(self) -> None:
        await asyncio.gather(*(medium.close() for medium in self._media))


if __name__ == "__main__":
    run(Crowd)
