"""Sources by name: each opens what it says, and a wrong name says what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

import pycall
from pycall.core.errors import ConfigError, ErrorCode, MediaError, PyCallError
from pycall.media.files import FileAudio, FileVideo
from pycall.media.frames import AudioFrame, VideoFrame
from pycall.media.profiles import profile
from pycall.media.source import open_audio_source, open_video_source
from pycall.media.stamp import read_stamp
from pycall.media.stamped import StampedFile
from pycall.media.synthetic import Null, Pattern
from tests.media_tools import Collector, joined, loudest_frequency, running

BUNNY = str(Path(pycall.__file__).parent / "data" / "bunny.mp4")
P360 = profile("360p")


def test_a_tone_by_name_sounds_at_its_frequency() -> None:
    got = Collector[AudioFrame]()
    with running(open_audio_source("tone:523.25"), got):
        got.wait_for(25)
    assert abs(loudest_frequency(joined(got.frames)) - 523.25) < 2.0


def test_the_pattern_by_name_has_the_profiles_size_and_rate() -> None:
    got = Collector[VideoFrame]()
    with running(open_video_source("pattern", P360), got):
        frames = got.wait_for(4)
    assert (frames[0].width, frames[0].height) == (640, 360)
    assert frames[3].time - frames[0].time == pytest.approx(0.2, abs=0.001)
    assert read_stamp(frames[3].picture)


def test_names_open_what_they_say() -> None:
    assert isinstance(open_audio_source("null"), Null)
    assert isinstance(open_video_source("null", P360), Null)
    assert isinstance(open_video_source("pattern", P360), Pattern)
    assert isinstance(open_audio_source(f"file:{BUNNY}"), FileAudio)
    assert isinstance(open_video_source(f"file:{BUNNY}", P360), FileVideo)
    assert isinstance(open_video_source(f"stamped:{BUNNY}", P360), StampedFile)


def test_the_path_of_a_file_that_exists_will_do() -> None:
    assert isinstance(open_audio_source(BUNNY), FileAudio)
    assert isinstance(open_video_source(BUNNY, P360), FileVideo)


@pytest.mark.parametrize("name", ["", "micro", "pattern", "camera:0", "nowhere.mp4", "tones:440"])
def test_an_unknown_sound_source_is_refused_with_the_names_there_are(name: str) -> None:
    with pytest.raises(ConfigError, match="mic, mic:NAME, file:PATH, tone:HZ, null") as caught:
        open_audio_source(name)
    assert caught.value.code is ErrorCode.BAD_ARGUMENT


@pytest.mark.parametrize("name", ["", "tone:440", "mic", "nowhere.mp4", "pattern2"])
def test_an_unknown_picture_source_is_refused_with_the_names_there_are(name: str) -> None:
    with pytest.raises(ConfigError, match="camera:N, screen, file:PATH, pattern, null"):
        open_video_source(name, P360)


@pytest.mark.parametrize("name", ["tone:", "tone:la", "tone:0", "tone:99999", "tone:nan", "tone:inf"])
def test_a_tone_nobody_hears_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        open_audio_source(name)


def test_a_camera_that_is_not_there_fails_in_one_line() -> None:
    got = Collector[VideoFrame]()
    with pytest.raises(PyCallError) as caught, running(open_video_source("camera:97", P360), got):
        pass
    assert isinstance(caught.value, MediaError)
    assert "\n" not in str(caught.value)
