"""The recorder's file is played back: tracks, lengths, tones, picture order, sync, and what a killed process leaves."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from pycall.core.errors import ConfigError, ErrorCode, MediaError
from pycall.media.frames import VideoFrame
from pycall.media.muxer import Muxer
from pycall.media.recorder import CallRecorder
from pycall.media.sink import open_audio_sink, open_video_sink
from tests.media.listening import loudest, numbered, plain, play, strength, tone_frame

FORMATS = pytest.mark.parametrize("suffix", ["mkv", "mp4"])
CODECS = {"mkv": "opus", "mp4": "aac"}
RECORD_FOREVER = Path(__file__).with_name("record_forever.py")


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[CallRecorder]:
    made = CallRecorder(str(tmp_path / "call.mkv"))
    made.start()
    yield made
    made.stop()


def sounds(
    recorder: CallRecorder, begin: float, end: float, far: float | None = None, near: float | None = None
) -> None:
    for index in range(round(begin * 50), round(end * 50)):
        at = recorder.began + index / 50
        if far is not None:
            recorder.far_audio.hear(tone_frame(far, index * 960, at))
        if near is not None:
            recorder.near_audio.hear(tone_frame(near, index * 960, at))


@FORMATS
def test_both_pictures_and_both_voices_are_in_the_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"call.{suffix}"
    recorder = CallRecorder(str(path))
    recorder.start()
    sounds(recorder, 0, 2, far=440, near=1000)
    for index in range(30):
        at = recorder.began + index / 15
        recorder.far_video.see("bob", numbered(index, at))
        recorder.near_video.see("alice", numbered(100 + index, at, 640, 360))
    recorder.stop()

    played = play(path)
    assert played.sizes == [(320, 240), (640, 360)]
    assert played.codecs[:2] == ["h264", "h264"]
    assert played.codecs[2].removeprefix("lib") == CODECS[suffix]
    assert [seen.number for seen in played.tracks[0]] == list(range(30))
    assert [seen.number for seen in played.tracks[1]] == list(range(100, 130))
    for index, seen in enumerate(played.tracks[0]):
        assert seen.time == pytest.approx(index / 15, abs=0.03)
    assert played.sound_from + len(played.sound) / 48000 == pytest.approx(2.0, abs=0.05)
    middle = played.between(0.5, 1.5)
    assert strength(middle, 440) == pytest.approx(8000, rel=0.15)
    assert strength(middle, 1000) == pytest.approx(8000, rel=0.15)


@FORMATS
def test_a_flash_and_a_beep_stay_together(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"call.{suffix}"
    recorder = CallRecorder(str(path), near=False)
    recorder.start()
    for index in range(50):
        at = recorder.began + index / 25
        recorder.far_video.see("bob", VideoFrame(plain(235 if 1.0 <= index / 25 < 1.4 else 16), at))
    sounds(recorder, 1.0, 1.4, far=1000)
    recorder.stop()

    played = play(path)
    flash = next(seen.time for seen in played.tracks[0] if seen.brightness > 120)
    starts = [at / 200 for at in range(200, 270) if strength(played.between(at / 200, at / 200 + 0.01), 1000) > 3000]
    assert abs(starts[0] - flash) < 0.04
    assert abs(flash - 1.0) < 0.04
    assert abs(played.between(0.1, 0.9)).max() < 200, "before the beep there is silence, not a shifted beep"


def test_a_gap_in_the_sound_is_silence(recorder: CallRecorder) -> None:
    sounds(recorder, 0, 0.5, far=440)
    sounds(recorder, 1.5, 2.0, far=880)
    recorder.stop()
    played = play(recorder.path)
    assert loudest(played.between(0.1, 0.4)) == pytest.approx(440, abs=5)
    assert abs(played.between(0.6, 1.4)).max() < 200
    assert loudest(played.between(1.6, 1.9)) == pytest.approx(880, abs=5)


def test_jitter_in_the_arrival_does_not_chop_the_sound(recorder: CallRecorder) -> None:
    for index in range(100):
        late = (index * 7 % 5) * 0.01
        recorder.far_audio.hear(tone_frame(440, index * 960, recorder.began + index / 50 + late))
    recorder.stop()
    heard = play(recorder.path).between(0.2, 1.8)
    assert loudest(heard) == pytest.approx(440, abs=3)
    levels = [strength(heard[at : at + 960], 440) for at in range(0, len(heard) - 960, 480)]
    assert min(levels) > 7000, "no hole and no overlap"


def test_a_slow_clock_of_the_other_side_is_followed(recorder: CallRecorder) -> None:
    for index in range(500):
        recorder.far_audio.hear(tone_frame(440, index * 960, recorder.began + index / 50 * 1.0035))
    recorder.stop()
    played = play(recorder.path)
    end = played.sound_from + len(played.sound) / 48000
    assert end == pytest.approx(10.035, abs=0.025), "without following it would be 10.0"


def test_a_size_that_changes_is_fitted_into_the_first(recorder: CallRecorder) -> None:
    for index, (width, height) in enumerate([(640, 360), (320, 180), (360, 640), (641, 361), (640, 360)]):
        at = recorder.began + index / 5
        recorder.near_video.see("me", VideoFrame(plain(235, width, height), at))
        recorder.far_video.see("bob", numbered(index, at, 640, 360))
    recorder.stop()
    played = play(recorder.path)
    assert played.sizes[1] == (640, 360)
    brightness = [seen.brightness for seen in played.tracks[1]]
    assert brightness[:2] == pytest.approx([235, 235], abs=6)
    # 360 x 640 fits as 202 x 360: the rest of the 640 columns is black
    assert brightness[2] == pytest.approx(235 * 202 / 640, abs=6)
    assert brightness[3:] == pytest.approx([235, 235], abs=6)


def test_a_picture_that_comes_late_has_a_track(recorder: CallRecorder) -> None:
    sounds(recorder, 0, 0.1, far=440)
    wait_for_header(recorder)
    at = recorder.began + 1.5
    recorder.far_video.see("bob", numbered(7, at, 320, 180))
    recorder.stop()
    played = play(recorder.path)
    assert played.sizes == [(1280, 720), (1280, 720)]
    assert [(seen.number, round(seen.time, 2)) for seen in played.tracks[0]] == [(7, 1.5)]


def test_only_the_tracks_expected_are_in_a_voice_call(tmp_path: Path) -> None:
    recorder = CallRecorder(str(tmp_path / "voice.mp4"), expect=["sound"])
    recorder.start()
    recorder.far_video.see("bob", numbered(1, recorder.began))
    sounds(recorder, 0, 0.5, near=440)
    recorder.stop()
    played = play(recorder.path)
    assert played.sizes == []
    assert loudest(played.between(0.1, 0.4)) == pytest.approx(440, abs=5)


def test_without_near_our_own_side_is_left_out(tmp_path: Path) -> None:
    recorder = CallRecorder(str(tmp_path / "heard.mkv"), near=False)
    recorder.start()
    recorder.far_video.see("bob", numbered(1, recorder.began))
    recorder.near_video.see("me", numbered(2, recorder.began))
    sounds(recorder, 0, 0.5, far=440, near=1000)
    recorder.stop()
    played = play(recorder.path)
    assert [[seen.number for seen in track] for track in played.tracks] == [[1]]
    assert strength(played.between(0.1, 0.4), 1000) < 200


def test_an_encoder_that_is_behind_loses_the_oldest_pictures_counts_them_and_says_so_once(tmp_path: Path) -> None:
    told: list[MediaError] = []
    recorder = CallRecorder(str(tmp_path / "call.mkv"), near=False, on_overload=told.append)
    recorder.start()
    for index in range(200):
        recorder.far_video.see("bob", numbered(index, recorder.began + index / 30, 1280, 720))
    assert recorder.stop()
    numbers = [seen.number for seen in play(recorder.path).tracks[0]]
    assert len(numbers) + recorder.dropped_pictures == 200
    assert len(numbers) == recorder.written_pictures
    assert [error.code for error in told] == [ErrorCode.OVERLOADED]
    assert "call.mkv" in str(told[0]) and "too slow" in str(told[0])
    assert numbers == sorted(numbers)
    assert numbers[-1] == 199


def test_what_is_left_out_before_the_file_has_its_tracks_counts_too(tmp_path: Path) -> None:
    recorder = CallRecorder(str(tmp_path / "call.mkv"))
    recorder.start()
    for begin, end in [(0, 50), (50, 100)]:
        for index in range(begin, end):
            recorder.near_video.see("me", numbered(index, recorder.began + index / 30))
        until(lambda: not recorder._pictures)
    recorder.stop()
    numbers = [seen.number for seen in play(recorder.path).tracks[1]]
    assert numbers == list(range(40, 100))
    assert (recorder.written_pictures, recorder.dropped_pictures) == (60, 40)


def test_pictures_that_come_at_once_after_a_stop_of_the_machine_are_all_in_the_file(tmp_path: Path) -> None:
    recorder = CallRecorder(str(tmp_path / "call.mkv"), expect=frozenset({"far"}))
    recorder.start()
    for index in range(20):
        recorder.far_video.see("bob", numbered(index, recorder.began + index // 4 / 15))
    recorder.stop()
    assert [seen.number for seen in play(recorder.path).tracks[0]] == list(range(20))
    assert (recorder.written_pictures, recorder.dropped_pictures) == (20, 0)


def test_a_recording_of_nothing_is_a_file_that_opens(recorder: CallRecorder) -> None:
    recorder.stop()
    recorder.stop()
    assert play(recorder.path).tracks == [[], []]


def test_no_thread_is_left(recorder: CallRecorder) -> None:
    recorder.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("record")]


@pytest.mark.parametrize("name", ["call.avi", "call", "call.mkv.txt"])
def test_an_unknown_kind_of_file_is_refused_at_once(name: str) -> None:
    with pytest.raises(ConfigError, match=r"\.mkv or \.mp4") as caught:
        CallRecorder(name)
    assert caught.value.code is ErrorCode.BAD_SETTING


@pytest.mark.parametrize("place", ["missing/call.mkv", "folder.mkv"])
def test_a_path_that_cannot_be_written_is_refused_at_start(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder.mkv").mkdir()
    with pytest.raises(MediaError, match="cannot write the recording") as caught:
        CallRecorder(str(tmp_path / place)).start()
    assert caught.value.code is ErrorCode.BAD_FILE


@FORMATS
def test_a_full_disk_is_told_once_and_the_call_goes_on(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"full.{suffix}"
    path.symlink_to("/dev/full")
    told: list[MediaError] = []
    heard = threading.Event()
    recorder = CallRecorder(str(path), near=False, on_failure=lambda error: (told.append(error), heard.set()))
    recorder.start()
    for index in range(60):
        recorder.far_video.see("bob", numbered(index, recorder.began + index / 30, 640, 360))
    sounds(recorder, 0, 2, far=440)
    recorder.far_video.see("bob", numbered(61, recorder.began + 3))
    assert heard.wait(10)
    sounds(recorder, 2, 3, far=440)
    recorder.stop()
    assert [error.code for error in told] == [ErrorCode.BAD_FILE]
    assert "No space left" in str(told[0])


def test_a_full_disk_comes_out_of_a_file_sink_once(tmp_path: Path) -> None:
    path = tmp_path / "full.mkv"
    path.symlink_to("/dev/full")
    picture, sound = open_video_sink(f"file:{path}"), open_audio_sink(f"file:{path}")
    picture.start()
    sound.start()
    raised = 0
    deadline = threading.Event()
    for index in range(300):
        try:
            picture.see("bob", numbered(index, index / 30))
            sound.hear(tone_frame(440, index * 960, index / 50))
        except MediaError as error:
            assert error.code is ErrorCode.BAD_FILE
            raised += 1
        deadline.wait(0.002)
    picture.stop()
    sound.stop()
    assert raised == 1


def test_a_killed_recording_plays(tmp_path: Path) -> None:
    paths = [tmp_path / "killed.mkv", tmp_path / "killed.mp4"]
    command = [sys.executable, str(RECORD_FOREVER), *map(str, paths)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.getcwd()}) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if float(line) >= 3.5:
                break
        child.kill()
    for path in paths:
        played = play(path)
        numbers = [seen.number for seen in played.tracks[0]]
        assert numbers == sorted(set(numbers)), "pictures in order, none twice"
        assert played.tracks[0][-1].time > 2.0, "at most a second and a half is lost"
        assert played.tracks[1]
        assert loudest(played.between(0.5, 1.5)) == pytest.approx(440, abs=5)


def wait_for_header(recorder: CallRecorder) -> None:
    """Until the file has its header, which is one second after the first sound."""
    deadline = threading.Event()
    for _ in range(500):
        if Path(recorder.path).stat().st_size > 0:
            return
        deadline.wait(0.01)
    raise TimeoutError("no header was written")


@FORMATS
def test_a_recording_of_sound_grows_pictures_when_they_come(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"call.{suffix}"
    recorder = CallRecorder(str(path), expect={"sound"}, grows=True)
    recorder.start()
    began = recorder.began
    recorder._began -= 2  # as if two seconds had gone since
    sounds(recorder, 0, 2, far=440)
    until(lambda: path.stat().st_size > 2000)
    for index in range(30):
        recorder.far_video.see("bob", numbered(index, began + index / 15))
        recorder.near_video.see("alice", numbered(100 + index, began + index / 15, 640, 360))
    sounds(recorder, 2, 4, far=440)
    until(lambda: not recorder._pictures)
    recorder.stop()

    played = play(path)
    assert played.sizes == [(320, 240), (640, 360)]
    assert [seen.number for seen in played.tracks[0]] == list(range(30))
    assert [seen.number for seen in played.tracks[1]] == list(range(100, 130))
    assert played.tracks[0][1].time == pytest.approx(2.067, abs=0.03)
    heard = played.between(0.2, 3.8)
    assert len(heard) == pytest.approx(3.6 * 48000, abs=100)
    levels = [strength(heard[at : at + 960], 440) for at in range(0, len(heard) - 960, 480)]
    assert sum(level < 6000 for level in levels) <= 6, "40 ms around the seam at the most"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def until(condition: Callable[[], bool]) -> None:
    """Wait for the recorder's thread."""
    pace = threading.Event()
    for _ in range(200):
        if condition():
            return
        pace.wait(0.05)
    pytest.fail("the recorder does not get on")


def test_it_grows_before_there_was_any_sound(tmp_path: Path) -> None:
    path = tmp_path / "call.mkv"
    muxer = Muxer(str(path), audio=True, pictures={})
    muxer = muxer.grown({"far": (320, 240)})
    for index in range(10):
        muxer.write_picture("far", numbered(index, 0.0).picture, index / 15)
        muxer.write_sound(np.zeros(960, np.int16), index * 960)
    muxer.close()
    assert [seen.number for seen in play(path).tracks[0]] == list(range(10))
