"""The ready-made bots, called for real: what the caller hears and sees, and what is on the disk afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from pycall.bots.echo import DelayLine
from pycall.media.frames import AudioFrame
from tests.command import Command, Environment

PATTERN = ("--audio-source", "tone:700", "--video-source", "pattern")


def loudest_hertz(path: Path) -> float:
    """The strongest frequency in a recording's last 0.8 s of sound: between the moment at which a caller hangs up and
    the end of the file there is silence, for as long as a busy machine takes."""
    with av.open(path) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=48000)
        pieces = [
            part.to_ndarray().reshape(-1) for frame in container.decode(audio=0) for part in resampler.resample(frame)
        ]
    sound = np.concatenate(pieces)
    assert np.abs(sound).max() > 500, "there is nothing to be heard"
    sound = sound[: np.flatnonzero(np.abs(sound) > 500)[-1]][-38400:-4800].astype(float)
    return float(np.argmax(np.abs(np.fft.rfft(sound * np.hanning(len(sound))))) * 48000 / len(sound))


def pictures(path: Path) -> int:
    with av.open(path) as container:
        return sum(1 for _ in container.decode(video=0))


def filled(path: Path) -> bool:
    """Enough pictures are in the file that is still being written."""
    try:
        return pictures(path) > 15
    except av.FFmpegError:
        return False


def call(here: Environment, bot: Command, path: Path, *options: str) -> None:
    """alice calls a bot and talks until whoever writes `path` has heard the other for 2 s and has seen enough."""
    with Command(here, "call", "robot", "--as", "alice", "--video", "--json", *options) as alice:
        alice.event("call_began")
        writes, other = (alice, "robot") if path.name == "heard.mkv" else (bot, "alice")
        heard, wanted = 0, 10 if writes is alice else 2  # a bot tells the volumes every second, a call every 0.2 s
        for _ in range(200):
            heard += bool(writes.event("voice_volume")["volumes"].get(other))
            if heard >= wanted and filled(path):
                break
        alice.interrupt()
        assert alice.ended() == 0, [*alice.out[-2:], *alice.err]


@pytest.fixture
def answered(here: Environment, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder in which the call to the bot of the test's `bot` mark was made; `heard.mkv` is what alice got."""
    arguments = [str(word).format(tmp=tmp_path) for word in request.param]
    with Command(here, "bot", *arguments, "--as", "robot", "--once", "--json") as bot:
        bot.event("logged_in")
        heard = f"file:{tmp_path / 'heard.mkv'}"
        written = tmp_path / ("call.mkv" if request.param[0] == "record" else "heard.mkv")
        call(here, bot, written, *PATTERN, "--audio-sink", heard, "--video-sink", heard)
        assert json.loads(bot.line('"call_ended"'))["reason"] == "hangup"
        assert bot.ended() == 0
    return tmp_path


@pytest.mark.parametrize("answered", [["echo", "--delay", "0.2"]], indirect=True)
def test_echo_sends_back_sound_and_picture(answered: Path) -> None:
    assert loudest_hertz(answered / "heard.mkv") == pytest.approx(700, abs=5)
    assert pictures(answered / "heard.mkv") > 10


@pytest.mark.parametrize("answered", [["record", "{tmp}/call.mkv"]], indirect=True)
def test_record_keeps_what_the_caller_sends(answered: Path) -> None:
    assert loudest_hertz(answered / "call.mkv") == pytest.approx(700, abs=5)
    assert pictures(answered / "call.mkv") > 10


@pytest.mark.parametrize("answered", [["play", "pycall/data/bunny.mp4"]], indirect=True)
def test_play_plays_the_file(answered: Path) -> None:
    with av.open(answered / "heard.mkv") as container:
        middle = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)][-1]
    assert middle.std() > 20  # a real picture, not one colour
    assert pictures(answered / "heard.mkv") > 10


class Basket:
    """An intake that keeps what it is given."""

    def __init__(self) -> None:
        self.frames: list[AudioFrame] = []

    def push(self, frame: AudioFrame) -> None:
        self.frames.append(frame)

    def fail(self, error: Exception) -> None:
        raise error


def test_a_delay_line_gives_frames_back_in_order() -> None:
    line, basket = DelayLine[AudioFrame](0.0), Basket()
    line.start(basket)
    for value in range(5):
        line.put(AudioFrame(np.full((960, 1), value, np.int16)))
    assert [int(frame.samples[0, 0]) for frame in basket.frames] == [0, 1, 2, 3, 4]
    line.stop()
    line.put(AudioFrame(np.zeros((960, 1), np.int16)))
    assert len(basket.frames) == 5


def test_a_delay_line_holds_back_what_is_young() -> None:
    line, basket = DelayLine[AudioFrame](10.0), Basket()
    line.start(basket)
    for _ in range(2000):
        line.put(AudioFrame(np.zeros((960, 1), np.int16)))
    assert basket.frames == []
