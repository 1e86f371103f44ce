"""Opus by libopus itself: in-band FEC, concealment and DTX, which FFmpeg's wrapper does not pass on.

PyAV's wheels carry a libopus; it is found there first, then the system's. Without either, `load` says so and the
caller falls back to FFmpeg's decoder, which cannot conceal.
"""

from __future__ import annotations

import ctypes
import logging
from functools import cache

import numpy as np
import numpy.typing as npt

from pycall.core.errors import ErrorCode, MediaError

from .bundled import beside_pyav

logger = logging.getLogger(__name__)

RATE = 48000
FRAME = 960
"""Samples of 20 ms, Opus' usual frame."""
MAX_PACKET = 1275
"""Bytes of the largest Opus frame (RFC 6716, 3.2.1)."""
MAX_SAMPLES = 5760
"""A packet holds 120 ms at most (RFC 6716, 3.2.5)."""

_FRAME_SAMPLES = (480, 960, 1920, 2880) * 3 + (480, 960) * 2 + (120, 240, 480, 960) * 4
"""Of one frame, by a packet's configuration (RFC 6716, table 2): SILK, hybrid, CELT."""

Samples = npt.NDArray[np.int16]

# opus_defines.h
_VOIP, _AUDIO = 2048, 2049
_SET_BITRATE, _SET_COMPLEXITY, _SET_FEC, _SET_LOSS, _SET_DTX, _SET_SIGNAL = 4002, 4010, 4012, 4014, 4016, 4024
_MUSIC = 3002


CANDIDATES = (*beside_pyav("opus"), "libopus.so.0", "libopus.0.dylib", "opus.dll")


@cache
def load() -> ctypes.CDLL:
    """The library, with its functions declared; raises `MediaError` (NO_LIBRARY) if there is none."""
    for path in CANDIDATES:
        try:
            library = ctypes.CDLL(path)
            _declare(library)
        except (OSError, AttributeError) as error:
            logger.debug("no libopus at %s: %s", path, error)
            continue
        return library
    raise MediaError(ErrorCode.NO_LIBRARY, "no libopus found; install it (Debian: libopus0) or PyAV's wheel")


def _declare(library: ctypes.CDLL) -> None:
    pointer, number = ctypes.c_void_p, ctypes.c_int
    signatures: dict[str, tuple[object, list[object]]] = {
        "opus_encoder_create": (pointer, [number, number, number, ctypes.POINTER(number)]),
        "opus_encoder_destroy": (None, [pointer]),
        "opus_encode": (number, [pointer, ctypes.c_char_p, number, ctypes.c_char_p, number]),
        # Variadic: only what comes before the dots is declared, as Apple's arm64 calling convention needs.
        "opus_encoder_ctl": (number, [pointer, number]),
        "opus_decoder_create": (pointer, [number, number, ctypes.POINTER(number)]),
        "opus_decoder_destroy": (None, [pointer]),
        "opus_decode": (number, [pointer, ctypes.c_char_p, number, pointer, number, number]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments


def packet_samples(payload: bytes) -> int:
    """How many samples at 48 kHz a packet holds, 0 for what is no Opus packet (RFC 6716, 3.1)."""
    if not payload:
        return 0
    code = payload[0] & 3
    if code == 3 and len(payload) < 2:
        return 0
    frames = (1, 2, 2, payload[1] & 0x3F if code == 3 else 0)[code]
    samples = frames * _FRAME_SAMPLES[payload[0] >> 3]
    return samples if samples <= MAX_SAMPLES else 0


class OpusEncoder:
    """Sound of one or two channels into Opus packets of 20 ms, in the way that is best for a voice or for `music`."""

    def __init__(self, *, bitrate: int = 40000, music: bool = False, channels: int = 1, complexity: int = 9) -> None:
        self._library = load()
        self._music = music
        self._bitrate = 0
        error = ctypes.c_int()
        application = _AUDIO if music else _VOIP
        self._state = self._library.opus_encoder_create(RATE, channels, application, ctypes.byref(error))
        if error.value or not self._state:
            raise MediaError(ErrorCode.CODEC, f"libopus cannot open an encoder (error {error.value})")
        self._buffer = ctypes.create_string_buffer(MAX_PACKET)
        self.set_bitrate(bitrate)
        self._control(_SET_COMPLEXITY, complexity)
        if music:
            self._control(_SET_SIGNAL, _MUSIC)

    def set_bitrate(self, bitrate: int) -> None:
        """Bits per second, 6000 to 510000."""
        if bitrate != self._bitrate:
            self._bitrate = bitrate
            self._control(_SET_BITRATE, bitrate)

    def set_loss(self, fraction: float) -> None:
        """What the peer reports lost, 0 to 1: above 1 % each packet also carries its predecessor in short (FEC).

        Not with music: Opus can do that only in the mode that it has for speech, and would change over to it.
        """
        self._control(_SET_FEC, int(fraction > 0.01 and not self._music))
        self._control(_SET_LOSS, min(100, round(fraction * 100)))

    def set_dtx(self, on: bool) -> None:
        """Send almost nothing while nobody speaks."""
        self._control(_SET_DTX, int(on))

    def encode(self, samples: Samples) -> bytes:
        """One packet from 960 samples, int16 of shape (960,) or, in stereo, (960, 2)."""
        pcm = np.ascontiguousarray(samples, dtype=np.int16)
        size = self._library.opus_encode(self._state, pcm.tobytes(), len(pcm), self._buffer, MAX_PACKET)
        if size < 0:
            raise MediaError(ErrorCode.CODEC, f"libopus cannot encode (error {size})")
        return ctypes.string_at(self._buffer, size)

    def close(self) -> None:
        if self._state:
            self._library.opus_encoder_destroy(self._state)
            self._state = None

    def _control(self, request: int, value: int) -> None:
        self._library.opus_encoder_ctl(self._state, request, ctypes.c_int(value))


class OpusDecoder:
    """Opus packets of one sender into mono or stereo sound, with what to play for those that did not come."""

    def __init__(self, channels: int = 1) -> None:
        self._library = load()
        self.channels = channels
        error = ctypes.c_int()
        self._state = self._library.opus_decoder_create(RATE, channels, ctypes.byref(error))
        if error.value or not self._state:
            raise MediaError(ErrorCode.CODEC, f"libopus cannot open a decoder (error {error.value})")
        self._buffer = np.empty((MAX_SAMPLES, channels), np.int16)
        self._address = self._buffer.ctypes.data

    def decode(self, payload: bytes) -> Samples:
        """The sound of a packet, int16 of shape (samples, channels); raises `MediaError` for what is no Opus."""
        return self._decode(payload, MAX_SAMPLES, 0)

    def recover(self, following: bytes, samples: int = FRAME) -> Samples:
        """The sound of a lost packet from the short copy in the one after it, or concealment if it has none."""
        return self._decode(following, samples, 1)

    def conceal(self, samples: int = FRAME) -> Samples:
        """A guess at what would have come; it fades by itself when repeated."""
        return self._decode(None, samples, 0)

    def close(self) -> None:
        if self._state:
            self._library.opus_decoder_destroy(self._state)
            self._state = None

    def _decode(self, payload: bytes | None, samples: int, fec: int) -> Samples:
        size = len(payload) if payload else 0
        count = self._library.opus_decode(self._state, payload, size, self._address, samples, fec)
        if count < 0:
            raise MediaError(ErrorCode.CODEC, f"not an Opus packet (error {count})")
        return self._buffer[:count].copy()
