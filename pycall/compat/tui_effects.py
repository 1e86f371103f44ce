"""The verbs of TUICallEngine that change what is sent: background, beauty, noise."""

from __future__ import annotations

from collections.abc import Awaitable

from pycall.compat.codes import TUICallError, TUIErrorCode
from pycall.compat.given import Given
from pycall.compat.handset import Handset
from pycall.compat.promise import verb
from pycall.core.errors import CallError, ErrorCode

_HOW = ("mode", "key", "plate")
"""Options of pycall's own: how a person is told from the background; see `CallEngine.set_blur_background`."""


class EffectNames(Handset):
    """What needs a model of people that is not there is refused with -1002, as by a plan that lacks the function."""

    @verb("level", *_HOW)
    async def setBlurBackground(self, given: Given) -> None:
        """0 off, 1 low, 2 medium, 3 high."""
        mode, key, plate = _how(given)
        level = given.whole("level", 0, 3)
        await _supported(self.engine.set_blur_background(level, mode, key=key, plate=plate))

    @verb("imagePath", *_HOW)
    async def setVirtualBackground(self, given: Given) -> None:
        """The path of a picture; an empty one turns it off."""
        mode, key, plate = _how(given)
        path = given.text("imagePath", "")
        await _supported(self.engine.set_virtual_background(path, mode, key=key, plate=plate))

    @verb("level")
    async def setBeautyLevel(self, given: Given) -> None:
        """0 (off) to 9."""
        await self.engine.set_beauty_level(given.number("level", 0, 9))

    @verb("enable")
    async def enableAIVoice(self, given: Given) -> None:
        """Take steady noise out of what the microphone hears."""
        await self.engine.enable_ai_voice(given.flag("enable"))

    set_blur_background, set_virtual_background = setBlurBackground, setVirtualBackground
    set_beauty_level, enable_ai_voice = setBeautyLevel, enableAIVoice


def _how(given: Given) -> tuple[str, str, str]:
    return given.text("mode", "person"), given.text("key", "green"), given.text("plate", "")


async def _supported(work: Awaitable[None]) -> None:
    try:
        await work
    except CallError as error:
        if error.code is not ErrorCode.NOT_SUPPORTED:
            raise
        raise TUICallError(TUIErrorCode.PACKAGE_NOT_SUPPORTED, error.message) from error
