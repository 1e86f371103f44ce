"""The level of a piece of sound as RTP carries it."""

from __future__ import annotations

import math

import av
import numpy as np

SILENCE = -127


def audio_level(frame: av.AudioFrame) -> int:
    """dBov, 0 (loudest) to -127 (silence), of an s16 frame (RFC 6465, appendix A)."""
    samples = np.frombuffer(bytes(frame.planes[0]), np.int16)[: frame.samples * frame.layout.nb_channels]
    if not len(samples):
        return SILENCE
    root = math.sqrt(float(np.mean(np.square(samples.astype(np.float32))))) / 32767
    return round(min(0.0, max(float(SILENCE), 20 * math.log10(root)))) if root > 0 else SILENCE
