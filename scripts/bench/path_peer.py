"""A phone of pycall on a link that breaks: signs in, calls or answers when told, and tells what it hears and when."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any

import numpy as np

from pycall import CallEngine, EngineConfig, MediaType
from pycall.core import events as ev
from pycall.media.frames import AudioFrame
from pycall.media.sink import on_audio

from .end import obey, tell, told

LOUD = 300
GAP = 0.5
"""Seconds without the tone that count as silence."""
ENOUGH = 14400
"""Samples, 0.3 s, from which a tone's pitch is read."""


class Listener:
    """Tells `sound` with its pitch when the tone begins, and `silence` when it has been gone for half a second.

    A gap may be shorter than that: who must know that the tone is there from now on asks for it with `anew`.
    """

    def __init__(self) -> None:
        self._loud = np.zeros(0, np.int16)
        self._hears = False
        self._asked = False
        self._last = 0.0
        self._began = 0.0

    def hear(self, frame: AudioFrame) -> None:
        now, samples = time.time(), frame.samples[:, 0]
        if np.abs(samples).max() > LOUD:
            if not len(self._loud):
                self._began = now
            self._loud = np.concatenate((self._loud, samples))[-ENOUGH:]
            self._last = now
            if len(self._loud) == ENOUGH and (self._asked or not self._hears):
                self._tell_sound()
        else:
            self._loud = self._loud[:0]
            self.look()

    def anew(self) -> None:
        """Tells `again` once the tone has been there for a while without a gap, counted from now."""
        self._asked = True
        self._loud = self._loud[:0]

    def forget(self) -> None:
        """The call is over."""
        self._hears = False
        self._loud = self._loud[:0]

    def look(self) -> None:
        """To be called now and then: a dead connection may bring no frames at all."""
        if self._hears and time.time() - self._last > GAP:
            self._hears = False
            self._loud = self._loud[:0]
            tell("silence", when=self._last)

    def _tell_sound(self) -> None:
        heard = {"when": self._began, "hertz": _pitch(self._loud)}
        if not self._hears:
            self._hears = True
            tell("sound", **heard)
        if self._asked:
            self._asked = False
            tell("again", **heard)


def _pitch(samples: np.ndarray) -> float:
    crossings = np.count_nonzero(np.diff(np.signbit(samples)))
    return round(crossings / 2 * 48000 / len(samples), 1)


class Phone:
    """An engine with a listener. Events are told under their own names."""

    def __init__(self, role: dict[str, Any]) -> None:
        self._role = role
        self.listener = Listener()
        self.engine = CallEngine(
            EngineConfig(
                server=role["server"],
                app_id=role["app_id"],
                audio_source=f"tone:{role['tone']}",
                video_source="pattern",
                audio_sink=on_audio(self.listener.hear),
                video_profile="360p15",
                **role["config"],
            )
        )
        self.engine.on(ev.Event, self._on_event)

    async def login(self) -> None:
        await self.engine.login(self._role["name"], self._role["sig"])

    async def obey(self, command: dict[str, Any]) -> None:
        if command["do"] == "call":
            await self.engine.call(self._role["other"], MediaType(self._role["media"]))
        elif command["do"] == "hangup":
            await self.engine.hangup()
        elif command["do"] == "listen":
            self.listener.anew()

    async def _on_event(self, event: ev.Event) -> None:
        match event:
            case ev.CallReceived():
                tell("accept", when=time.time())
                await self.engine.accept()
            case ev.CallBegan() | ev.CallReconnecting() | ev.CallReconnected():
                tell(type(event).__name__, when=time.time())
            case ev.CallEnded() | ev.CallNotConnected():
                self.listener.forget()
                tell("over", when=time.time(), reason=event.reason.value)

    async def look(self) -> None:
        while True:
            await asyncio.sleep(GAP / 2)
            self.listener.look()


async def _main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    lines = await told()
    phone = Phone(json.loads(await lines.readline()))
    looking = asyncio.create_task(phone.look())
    await obey(phone, lines)
    looking.cancel()


if __name__ == "__main__":
    asyncio.run(_main())
