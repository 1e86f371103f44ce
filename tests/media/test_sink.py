"""Sinks are opened by name; a name that means nothing gets one line that says what there is."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from pycall.core.errors import ConfigError, ErrorCode, MediaError
from pycall.media.devices.sound import Speaker
from pycall.media.devices.terminal import Terminal
from pycall.media.devices.window import Window
from pycall.media.sink import NullSink, open_audio_sink, open_video_sink
from tests.media.listening import loudest, numbered, play, tone_frame


def test_names_open_what_they_say() -> None:
    assert isinstance(open_audio_sink("speaker"), Speaker)
    assert isinstance(open_audio_sink("speaker:USB"), Speaker)
    assert isinstance(open_video_sink("window"), Window)
    assert isinstance(open_video_sink("terminal"), Terminal)
    assert isinstance(open_audio_sink("null"), NullSink)
    assert isinstance(open_video_sink("null"), NullSink)


@pytest.mark.parametrize("name", ["", "loudspeaker", "file", "file:", "null:1", "window:2", "SPEAKER"])
def test_an_unknown_name_says_what_there_is(name: str) -> None:
    with pytest.raises(ConfigError, match="no sound sink .* speaker, speaker:NAME, file:out.mkv") as caught:
        open_audio_sink(name)
    assert caught.value.code is ErrorCode.BAD_SETTING
    if name != "window:2":
        with pytest.raises(ConfigError, match="no picture sink .* window, terminal"):
            open_video_sink(name)


def test_a_file_of_an_unknown_kind_is_refused() -> None:
    for opener in (open_audio_sink, open_video_sink):
        with pytest.raises(ConfigError, match=r"'out\.wav' cannot be recorded to: name a \.mkv or \.mp4 file"):
            opener("file:out.wav")


@pytest.mark.parametrize(("place", "code"), [("missing/a.mkv", "no_such_file"), ("folder.mkv", "bad_file")])
def test_a_file_that_cannot_be_written_is_refused_before_it_is_started(tmp_path: Path, place: str, code: str) -> None:
    (tmp_path / "folder.mkv").mkdir()
    for opener in (open_audio_sink, open_video_sink):
        with pytest.raises(MediaError, match=re.escape(place)) as caught:
            opener(f"file:{tmp_path / place}")
        assert caught.value.code.value == code


def test_looking_whether_a_file_can_be_written_changes_nothing(tmp_path: Path) -> None:
    old, new = tmp_path / "old.mkv", tmp_path / "new.mkv"
    old.write_bytes(b"the last talk")
    open_audio_sink(f"file:{old}"), open_audio_sink(f"file:{new}")
    assert old.read_bytes() == b"the last talk" and not new.exists()


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_one_path_for_sound_and_picture_is_one_file_with_both(tmp_path: Path, suffix: str) -> None:
    name = f"file:{tmp_path}/both.{suffix}"
    sound, picture = open_audio_sink(name), open_video_sink(name)
    sound.start()
    picture.start()
    now = time.monotonic()
    for index in range(25):
        sound.hear(tone_frame(440, index * 960, now + index / 50))
        picture.see("bob", numbered(index, now + index / 50))
    sound.stop()
    picture.stop()
    picture.stop()
    played = play(name.removeprefix("file:"))
    assert [[seen.number for seen in track] for track in played.tracks] == [list(range(25))]
    assert loudest(played.between(0.1, 0.4)) == pytest.approx(440, abs=5)


def test_sound_alone_is_a_file_without_a_picture_track(tmp_path: Path) -> None:
    sound = open_audio_sink(f"file:{tmp_path}/sound.mp4")
    sound.start()
    now = time.monotonic()
    for index in range(25):
        sound.hear(tone_frame(440, index * 960, now + index / 50))
    sound.stop()
    played = play(tmp_path / "sound.mp4")
    assert played.sizes == []
    assert loudest(played.between(0.1, 0.4)) == pytest.approx(440, abs=5)


def test_picture_alone_is_a_file_without_sound(tmp_path: Path) -> None:
    picture = open_video_sink(f"file:{tmp_path}/picture.mkv")
    picture.start()
    now = time.monotonic()
    for index in range(5):
        picture.see("bob", numbered(index, now + index / 50))
    picture.stop()
    played = play(tmp_path / "picture.mkv")
    assert [seen.number for seen in played.tracks[0]] == list(range(5))
    assert len(played.sound) == 0


def test_a_file_being_written_is_not_opened_again(tmp_path: Path) -> None:
    sound = open_audio_sink(f"file:{tmp_path}/a.mkv")
    sound.start()
    with pytest.raises(MediaError, match="being written already"):
        open_audio_sink(f"file:{tmp_path}/a.mkv")
    sound.stop()
    again = open_audio_sink(f"file:{tmp_path}/a.mkv")
    again.start()
    again.stop()
