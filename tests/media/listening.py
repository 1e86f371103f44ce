"""What tests need to make and judge sound and pictures: tones and how strong they are, plain pictures, files played."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from pycall.media.frames import AudioFrame, VideoFrame
from pycall.media.stamp import draw_stamp, read_stamp

RATE = 48000


def tone(hertz: float, start: int = 0, samples: int = 960, level: float = 8000) -> np.ndarray:
    """A piece of one endless sine, int16 mono, from sample `start` on."""
    phase = 2 * np.pi * hertz * np.arange(start, start + samples) / RATE
    return (level * np.sin(phase)).astype(np.int16)


def tone_frame(hertz: float, start: int, at: float, level: float = 8000) -> AudioFrame:
    return AudioFrame(tone(hertz, start, level=level).reshape(-1, 1), time=at)


def strength(sound: np.ndarray, hertz: float) -> float:
    """The level of this tone in int16 samples: what `tone` had as its `level`."""
    phase = np.exp(-2j * np.pi * hertz * np.arange(len(sound)) / RATE)
    return float(2 * abs((sound.astype(float) * phase).mean()))


def loudest(sound: np.ndarray) -> float:
    """The frequency with the most energy, in Hz."""
    spectrum = abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * RATE / len(sound))


def plain(grey: int, width: int = 320, height: int = 240) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(np.full((height, width, 3), grey, np.uint8), format="rgb24").reformat(
        format="yuv420p"
    )


def numbered(number: int, at: float, width: int = 320, height: int = 240) -> VideoFrame:
    """A grey picture with its number drawn into it."""
    luma = np.full((height * 3 // 2, width), 128, np.uint8)
    draw_stamp(luma[:height], number, 1.7e9)
    return VideoFrame(av.VideoFrame.from_ndarray(luma, format="yuv420p"), at)


@dataclass
class Seen:
    """One picture of a file."""

    time: float
    number: int | None
    brightness: float


@dataclass
class Played:
    """A whole file, decoded. Times in seconds."""

    tracks: list[list[Seen]]
    sizes: list[tuple[int, int]]
    codecs: list[str]
    sound: np.ndarray
    sound_from: float

    def between(self, begin: float, end: float) -> np.ndarray:
        return self.sound[round((begin - self.sound_from) * RATE) : round((end - self.sound_from) * RATE)]


def play(path: Path | str) -> Played:
    """Decode everything in a file as a player would."""
    with av.open(str(path)) as container:
        tracks: dict[int, list[Seen]] = {stream.index: [] for stream in container.streams.video}
        resampler = av.AudioResampler("s16", "mono", RATE)
        sound: list[np.ndarray] = [np.zeros(0, np.int16)]
        first: float | None = None
        for packet in container.demux():
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    stamp = read_stamp(frame)
                    seen = Seen(
                        frame.time, stamp.number if stamp else None, float(frame.to_ndarray(format="gray").mean())
                    )
                    tracks[packet.stream.index].append(seen)
                else:
                    first = frame.time if first is None else first
                    sound += [part.to_ndarray().reshape(-1) for part in resampler.resample(frame)]
        return Played(
            tracks=list(tracks.values()),
            sizes=[(stream.width, stream.height) for stream in container.streams.video],
            codecs=[stream.codec_context.name for stream in container.streams],
            sound=np.concatenate(sound),
            sound_from=first or 0.0,
        )
