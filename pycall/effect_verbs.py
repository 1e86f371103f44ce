"""The verbs of CallEngine that change what is sent: background, beauty, noise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pycall.arguments import checked_bool, checked_choice, checked_level, checked_text
from pycall.core.errors import CallError, ErrorCode
from pycall.media.process.background import Background, BackgroundMode, Blur, Image, Scenery, fitted, load_picture
from pycall.media.process.beauty import MAX_LEVEL, Beauty
from pycall.media.process.mattes import ChromaKey, CleanPlate, Matte, key_colour
from pycall.media.process.segmentation import Person, SegmentationModel
from pycall.verbs import Verbs

_PLATE_SIZE = (1280, 720)
"""What a photograph of the empty place is cut to at first; it is fitted to what is sent."""


class EffectVerbs(Verbs):
    """Each holds from the next frame on, in this call and in later ones; what it costs: see `scripts/bench_effects`.

    All raise `CallError` (BAD_ARGUMENT), and `MediaError` if a library is missing (NO_LIBRARY) or a file is of no use.
    """

    async def set_blur_background(
        self, level: int, mode: BackgroundMode | str = BackgroundMode.PERSON, *, key: str = "green", plate: str = ""
    ) -> None:
        """Blur what is behind us: 0 off, 1 low, 2 medium, 3 high. Takes the place of a virtual background.

        `mode` says how we are told from the background. PERSON needs `EngineConfig.segmentation_model`; without one the
        verb is refused (NOT_SUPPORTED). WHOLE blurs everything. CHROMA_KEY takes what has the colour `key` (`green`,
        `blue` or `#rrggbb`) for background. CLEAN_PLATE takes what differs from the empty place for us; `plate` is a
        photograph of it by the same camera, or else the first 15 pictures after this show it: step aside for a second.
        """
        checked_choice("level", level, (0, 1, 2, 3))
        chosen = _checked_mode(mode)
        if level == 0:
            self._off("set_blur_background", Blur)
            return
        await self._use_background("set_blur_background", lambda: Blur(level), chosen, key, plate)

    async def set_virtual_background(
        self,
        image_path: str,
        mode: BackgroundMode | str = BackgroundMode.PERSON,
        *,
        key: str = "green",
        plate: str = "",
    ) -> None:
        """Put this picture behind us; an empty path turns it off. Takes the place of a blurred background.

        The rest as in `set_blur_background`, but WHOLE is refused: nothing of us would be left.
        """
        path = checked_text("image_path", image_path)
        chosen = _checked_mode(mode)
        if not path:
            self._off("set_virtual_background", Image)
            return
        if chosen is BackgroundMode.WHOLE:
            raise CallError(ErrorCode.BAD_ARGUMENT, f"a picture in place of everything? {_INSTEAD}")
        await self._use_background("set_virtual_background", lambda: Image(path), chosen, key, plate)

    async def set_beauty_level(self, level: float) -> None:
        """Smooth skin: 0 (off) to 9; the documents' own user interface begins with 4."""
        strength = checked_level("level", level, MAX_LEVEL)
        self._must_be_open()
        with self._one("set_beauty_level"):
            made = await asyncio.to_thread(Beauty, strength) if strength else None
            self._driver.gear.effects.beauty = made

    async def enable_ai_voice(self, enabled: bool) -> None:
        """Take steady noise (fans, hiss, hum) out of what the microphone hears: 17 dB less of it, 10 ms later.

        Refused (NOT_SUPPORTED) with `EngineConfig(audio_profile="music")`: it would take instruments for noise.
        """
        checked_bool("enabled", enabled)
        self._must_be_open()
        if enabled and self._driver.gear.channels == 2:
            raise CallError(ErrorCode.NOT_SUPPORTED, "noise suppression is for voices; use audio_profile='voice'")
        self._driver.gear.voice.on = enabled

    async def _use_background(
        self, verb: str, scenery: Callable[[], Scenery], mode: BackgroundMode, key: str, plate: str
    ) -> None:
        checked_text("key", key)
        checked_text("plate", plate)
        self._must_be_open()
        model = self.config.segmentation_model
        if mode is BackgroundMode.PERSON and model is None:
            raise CallError(
                ErrorCode.NOT_SUPPORTED, f"finding people needs EngineConfig(segmentation_model=...); {_INSTEAD}"
            )
        with self._one(verb):
            made = await asyncio.to_thread(lambda: Background(scenery(), _matte(mode, key, plate, model)))
            self._driver.gear.effects.background = made

    def _off(self, verb: str, kind: type[Blur] | type[Image]) -> None:
        self._must_be_open()
        effects = self._driver.gear.effects
        with self._one(verb):
            if isinstance(effects.background, Background) and isinstance(effects.background.scenery, kind):
                effects.background = None


_INSTEAD = "or use BackgroundMode.WHOLE (blur only), CHROMA_KEY or CLEAN_PLATE"


def _checked_mode(mode: object) -> BackgroundMode:
    try:
        return BackgroundMode(mode)
    except ValueError:
        names = ", ".join(one.value for one in BackgroundMode)
        raise CallError(ErrorCode.BAD_ARGUMENT, f"{mode!r} is no background mode; use one of {names}") from None


def _matte(mode: BackgroundMode, key: str, plate: str, model: str | SegmentationModel | None) -> Matte | None:
    """Loads what it needs; not on the loop."""
    if mode is BackgroundMode.CHROMA_KEY:
        return ChromaKey(key_colour(key))
    if mode is BackgroundMode.CLEAN_PLATE:
        return CleanPlate(fitted(load_picture(plate), *_PLATE_SIZE) if plate else None)
    if mode is BackgroundMode.PERSON and model is not None:
        return Person(SegmentationModel(model) if isinstance(model, str) else model)
    return None
