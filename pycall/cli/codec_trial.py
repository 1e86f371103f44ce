"""Tries a codec by really encoding and decoding something with it."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext


def try_video(encoder: str, decoder: str) -> str | None:
    """None if a 320 x 180 picture went through both; else why not."""
    try:
        context = av.CodecContext.create(encoder, "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = 320, 180, "yuv420p"
        context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
        picture = av.VideoFrame.from_ndarray(np.full((270, 320), 128, np.uint8), format="yuv420p")
        picture.pts = 0
        packets = [*context.encode(picture), *context.encode(None)]
        reader = av.CodecContext.create(decoder, "r")
        frames = [frame for packet in [*packets, None] for frame in reader.decode(packet)]  # type: ignore[attr-defined]
    except (av.FFmpegError, ValueError) as error:
        return f"{encoder} does not work: {error}"
    return None if frames else f"{encoder}: no picture came back"


def try_audio(encoder: str, decoder: str) -> str | None:
    """None if 20 ms of sound went through both; else why not."""
    try:
        context = av.CodecContext.create(encoder, "w")
        assert isinstance(context, AudioCodecContext)
        context.sample_rate, context.layout, context.format = 48000, "mono", "s16"
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), format="s16", layout="mono")
        sound.sample_rate, sound.pts = 48000, 0
        packets = [*context.encode(sound), *context.encode(None)]
        reader = av.CodecContext.create(decoder, "r")
        frames = [frame for packet in [*packets, None] for frame in reader.decode(packet)]  # type: ignore[attr-defined]
    except (av.FFmpegError, ValueError) as error:
        return f"{encoder} does not work: {error}"
    return None if frames else f"{encoder}: no sound came back"
