"""A program that records a numbered picture and a tone in real time until it is killed; prints how long it has run."""

from __future__ import annotations

import sys
import threading

from pycall.media.recorder import CallRecorder
from tests.media.listening import numbered, tone_frame


def main(paths: list[str]) -> None:
    recorders = [CallRecorder(path) for path in paths]
    for recorder in recorders:
        recorder.start()
    pace = threading.Event()
    for index in range(100_000):
        for recorder in recorders:
            at = recorder.began + index / 50
            recorder.far_audio.hear(tone_frame(440, index * 960, at))
            if index % 2 == 0:
                recorder.far_video.see("bob", numbered(index, at))
                recorder.near_video.see("me", numbered(index, at))
        sys.stdout.write(f"{index / 50}\n")
        sys.stdout.flush()
        pace.wait(0.02)


if __name__ == "__main__":
    main(sys.argv[1:])
