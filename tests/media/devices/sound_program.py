"""A program that uses the microphone or the loudspeaker as a call would; PortAudio belongs to one process only.

speak HERTZ [DEVICE]   play a tone, print "playing", go on until standard input ends, print what the ring counted
listen [DEVICE]        hear one second, print what was heard
stereo                 play two tones, one in each ear, hear them by the loudspeaker's monitor, print how far apart
lose                   use both, print "running", go on until both are lost, stop both, print the codes
list                   print the devices' names
open DEVICE            open both by name, print the two error lines
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np

from pycall.core.errors import MediaError
from pycall.media.devices.sound import Microphone, Speaker, list_audio_devices
from pycall.media.frames import AudioFrame
from tests.media.listening import loudest, strength, tone_frame
from tests.stereo import separation, two_tones


class Ears:
    """An intake that keeps what is pushed, until a second is full."""

    def __init__(self) -> None:
        self.frames: list[AudioFrame] = []
        self.ages: list[float] = []
        self.errors: list[MediaError] = []
        self.full = threading.Event()
        self.failed = threading.Event()

    def push(self, frame: AudioFrame) -> None:
        self.ages.append(time.monotonic() - frame.time)
        self.frames.append(frame)
        if sum(len(kept.samples) for kept in self.frames) >= 48000:
            self.full.set()

    def fail(self, error: MediaError) -> None:
        self.errors.append(error)
        self.failed.set()


def say(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def in_real_time(hertz: float) -> Iterator[AudioFrame]:
    """A tone in frames of 20 ms, one every 20 ms."""
    began, pace = time.monotonic(), threading.Event()
    for index in range(3000):
        yield tone_frame(hertz, index * 960, time.monotonic())
        pace.wait(max(0.0, began + index / 50 - time.monotonic()))


def speak(hertz: str, device: str | None = None) -> None:
    speaker, ended = Speaker(device), threading.Event()
    speaker.start()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    for index, frame in enumerate(in_real_time(float(hertz))):
        speaker.hear(frame)
        if index == 20:
            say(playing=True)
        if ended.is_set():
            break
    speaker.stop()
    speaker.stop()
    say(starved=speaker.ring.starved, dropped=speaker.ring.dropped)


def listen(device: str | None = None) -> None:
    microphone, ears = Microphone(device), Ears()
    microphone.start(ears)
    filled = ears.full.wait(5)
    microphone.stop()
    microphone.stop()
    count = len(ears.frames)
    sound = np.concatenate([frame.samples[:, 0] for frame in ears.frames])[:48000]
    hertz = loudest(sound)
    steps = np.diff([frame.time for frame in ears.frames])
    say(
        filled=filled,
        hertz=hertz,
        level=strength(sound, hertz),
        oldest=max(ears.ages),
        newest=min(ears.ages),
        median_step=float(np.median(steps)),
        after_stop=len(ears.frames) - count,
        errors=[error.code for error in ears.errors],
    )


def lose() -> None:
    speaker, microphone, ears = Speaker(), Microphone(), Ears()
    speaker.start()
    microphone.start(ears)
    lost = None
    for index, frame in enumerate(in_real_time(440)):
        if index == 10:
            say(running=True)
        try:
            speaker.hear(frame)
        except MediaError as error:
            lost = error.code
            break
    ears.failed.wait(5)
    microphone.stop()
    speaker.stop()
    say(speaker=lost, microphone=[error.code for error in ears.errors])


def stereo() -> None:
    """What is played in two channels comes back in two."""
    speaker, microphone, ears = Speaker(None, 2), Microphone("pulse:speaker.monitor", 2), Ears()
    speaker.start()
    music = two_tones(48_000)
    for index, _ in enumerate(in_real_time(440)):
        at = index % 50 * 960
        speaker.hear(AudioFrame(music[at : at + 960]))
        if index == 25:
            microphone.start(ears)
        if ears.full.is_set():
            break
    microphone.stop()
    speaker.stop()
    say(apart=separation(np.concatenate([frame.samples for frame in ears.frames])[9_600:38_400]))


def names() -> None:
    say(names=[device.name for device in list_audio_devices()])


def open_both(device: str | None = None) -> None:
    lines = []
    for start in (lambda: Microphone(device).start(Ears()), Speaker(device).start):
        try:
            start()
            lines.append(["opened", ""])
        except MediaError as error:
            lines.append([error.code, str(error)])
    say(microphone=lines[0], speaker=lines[1])


if __name__ == "__main__":
    {"speak": speak, "listen": listen, "lose": lose, "stereo": stereo, "list": names, "open": open_both}[sys.argv[1]](
        *sys.argv[2:]
    )
