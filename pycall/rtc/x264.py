"""H.264 by libx264 itself: each picture as coarse or fine as we say, which FFmpeg's wrapper cannot.

FFmpeg passes on a new mean bitrate but not a new maximum, and x264 then follows within half a second and makes up for
what it sent before. Here `quantiser` decides for every picture: from 2.25 to 0.3 Mbit/s the next one is small.

PyAV's wheels carry libx264; without one that fits, `load` says so and the caller lets FFmpeg encode. Of x264's
structures only the few members are touched that have stood at the same place since 2010 (build 100).
"""

from __future__ import annotations

import ctypes
import logging
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import av

from pycall.core.errors import ErrorCode, MediaError

from .bundled import beside_pyav

logger = logging.getLogger(__name__)

BUILDS = range(155, 200)
"""Of x264's interface; the library's file name or its symbols tell which it is."""
OPEN = "x264_open"
"""What we call the opening function: its own name has the build in it."""
PARAMETERS, PICTURE = 16384, 4096
"""Bytes kept for structures whose size differs from build to build; they are under 2000 and 500."""

# x264.h: places of 32-bit numbers in x264_param_t, of 32- and 64-bit ones in x264_picture_t.
_WIDTH, _HEIGHT = 7, 8
_TYPE, _QUANTISER, _PTS, _CSP, _PLANES, _STRIDE, _PLANE = 0, 1, 2, 10, 11, 12, 8
_AUTO, _IDR = 0, 1
_I420 = 2
_ANY_QUANTISER = {"qp": 26, "ipratio": 2 ** (26 / 6), "pbratio": 2 ** (25 / 6)}
"""x264 bounds what a picture may ask for by what it would choose for I- and B-pictures: here 0 and 51."""
_PAYLOAD = 24
"""Bytes in x264_nal_t before the pointer to its data; the data of a picture's units lies in one piece."""


CANDIDATES = beside_pyav("x264")


@cache
def load() -> ctypes.CDLL:
    """The library, with its functions declared; raises `MediaError` (NO_LIBRARY) if there is none."""
    for path in CANDIDATES:
        try:
            library = ctypes.CDLL(path)
            _declare(library, _build(path, library))
            _check(library)
        except (OSError, AttributeError) as error:
            logger.debug("no libx264 at %s: %s", path, error)
            continue
        return library
    raise MediaError(ErrorCode.NO_LIBRARY, "no libx264 found beside PyAV; FFmpeg's wrapper encodes H.264 instead")


def available() -> bool:
    """Whether there is one."""
    try:
        load()
    except MediaError:
        return False
    return True


def _build(path: str, library: ctypes.CDLL) -> int:
    named = [int(number) for number in re.findall(r"\d{3}", Path(path).name)]
    for number in [*named, *BUILDS]:
        if number in BUILDS and getattr(library, f"x264_encoder_open_{number}", None):
            return int(number)
    raise AttributeError("no build that is known")


def _declare(library: ctypes.CDLL, build: int) -> None:
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    opening = getattr(library, f"x264_encoder_open_{build}")
    opening.restype, opening.argtypes = pointer, [pointer]
    setattr(library, OPEN, opening)
    signatures: dict[str, list[object]] = {
        "x264_param_default_preset": [pointer, text, text],
        "x264_param_parse": [pointer, text, text],
        "x264_param_apply_profile": [pointer, text],
        "x264_picture_init": [pointer],
        "x264_encoder_reconfig": [pointer, pointer],
        "x264_encoder_encode": [pointer, pointer, pointer, pointer, pointer],
        "x264_encoder_close": [pointer],
    }
    for name, arguments in signatures.items():
        getattr(library, name).restype, getattr(library, name).argtypes = number, arguments


def _check(library: ctypes.CDLL) -> None:
    """Whether the members stand where they are expected: the format after a size of nothing."""
    parameters = ctypes.create_string_buffer(PARAMETERS)
    library.x264_param_default_preset(parameters, b"ultrafast", b"zerolatency")
    numbers = ctypes.cast(parameters, ctypes.POINTER(ctypes.c_int))
    if [numbers[_WIDTH], numbers[_HEIGHT], numbers[_HEIGHT + 1]] != [0, 0, _I420]:
        raise AttributeError("another layout than is known")


class X264:
    """One encoder for pictures of one size. Raises `RuntimeError` for what libx264 refuses."""

    def __init__(self, width: int, height: int, *, fps: int, threads: int, settings: Mapping[str, object]) -> None:
        """Even sizes in pixels; `settings` are more of x264's own, by its names."""
        self._library = load()
        self._size = (width, height)
        self._count = 0
        self._parameters = parameters = ctypes.create_string_buffer(PARAMETERS)
        self._picture, self._made = ctypes.create_string_buffer(PICTURE), ctypes.create_string_buffer(PICTURE)
        self._library.x264_param_default_preset(parameters, b"ultrafast", b"zerolatency")
        numbers = ctypes.cast(parameters, ctypes.POINTER(ctypes.c_int))
        numbers[_WIDTH], numbers[_HEIGHT] = width, height
        usual = {"fps": f"{fps}/1", "keyint": "infinite", "threads": threads, "log": -1, **_ANY_QUANTISER}
        self._set({**usual, **settings})
        self._library.x264_param_apply_profile(parameters, b"baseline")
        self._encoder = getattr(self._library, OPEN)(parameters)
        if not self._encoder:
            raise RuntimeError(f"libx264 cannot encode {width}x{height}")
        self._library.x264_picture_init(self._picture)
        self._words = ctypes.cast(self._picture, ctypes.POINTER(ctypes.c_int32))
        self._longs = ctypes.cast(self._picture, ctypes.POINTER(ctypes.c_int64))

    def change(self, settings: Mapping[str, object]) -> None:
        """From the next picture on, which need not be a keyframe; not everything can be changed."""
        self._set(settings)
        if self._library.x264_encoder_reconfig(self._encoder, self._parameters):
            raise RuntimeError(f"libx264 does not change {settings}")

    def _set(self, settings: Mapping[str, object]) -> None:
        for name, value in settings.items():
            if self._library.x264_param_parse(self._parameters, name.encode(), str(value).encode()):
                raise RuntimeError(f"libx264 does not take {name}={value}")

    def encode(self, frame: av.VideoFrame, *, key: bool, quantiser: int) -> bytes:
        """One picture in yuv420p of the encoder's size, in Annex B, at once; `quantiser` 0 (fine) to 51 (coarse)."""
        if (frame.width, frame.height, frame.format.name) != (*self._size, "yuv420p"):
            raise ValueError(f"an encoder for {self._size} cannot take {frame}")
        planes = frame.planes
        self._words[_TYPE], self._words[_QUANTISER] = _IDR if key else _AUTO, quantiser + 1
        self._longs[_PTS] = self._count
        self._words[_CSP], self._words[_PLANES] = _I420, len(planes)
        for index, plane in enumerate(planes):
            self._words[_STRIDE + index] = plane.line_size
            self._longs[_PLANE + index] = plane.buffer_ptr
        self._count += 1
        return self._encode()

    def close(self) -> None:
        if self._encoder:
            self._library.x264_encoder_close(self._encoder)
            self._encoder = None

    def __del__(self) -> None:
        if getattr(self, "_encoder", None):
            self.close()

    def _encode(self) -> bytes:
        units, count = ctypes.c_void_p(), ctypes.c_int()
        size = self._library.x264_encoder_encode(
            self._encoder, ctypes.byref(units), ctypes.byref(count), self._picture, self._made
        )
        if size < 0:
            raise RuntimeError("libx264 cannot encode this picture")
        if not size or units.value is None:
            return b""
        return ctypes.string_at(ctypes.c_void_p.from_address(units.value + _PAYLOAD).value or 0, size)
