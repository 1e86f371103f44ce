"""Files play at their own pace, in step, and loop without a jump; broken ones are refused in one line."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

import pycall
from pycall.core.errors import ErrorCode, MediaError
from pycall.media.files import FileAudio, FileVideo, share_file
from pycall.media.frames import AudioFrame, VideoFrame
from pycall.media.profiles import profile
from pycall.media.shape import PictureShaper
from pycall.media.source import open_audio_source, open_video_source
from pycall.media.stamp import read_stamp
from pycall.media.tracks import Track
from pycall.media.uplink import Uplink
from tests.media_tools import Collector, joined, loudest_frequency, running, sine, write_media

BUNNY = str(Path(pycall.__file__).parent / "data" / "bunny.mp4")
FPS = 25


def steady(frames: list[AudioFrame]) -> bool:
    """Each frame begins where the one before ended."""
    return all(abs(b.time - a.time - len(a.samples) / 48000) < 1e-6 for a, b in pairwise(frames))


@pytest.mark.parametrize(("suffix", "rate", "codec"), [("wav", 48000, ""), ("wav", 44100, ""), ("flac", 48000, "flac")])
def test_a_looped_sine_has_no_seam(tmp_path: Path, suffix: str, rate: int, codec: str) -> None:
    source = FileAudio(
        write_media(tmp_path / f"sine.{suffix}", sound=sine(500.0, rate // 2, rate=rate), rate=rate, codec=codec)
    )
    got = Collector[AudioFrame]()
    with running(source, got):
        frames = got.wait_until(lambda: sum(len(frame.samples) for frame in got.frames) > 60_000)
    sound = joined(frames)[200:].astype(int)
    assert steady(frames)
    assert abs(loudest_frequency(sound) - 500.0) < 0.5
    assert np.abs(np.diff(sound)).max() < 700  # the steepest step of the sine itself is 536


def test_looped_pictures_have_no_gap_and_come_in_order(tmp_path: Path) -> None:
    source = FileVideo(write_media(tmp_path / "numbers.mp4", pictures=15))
    got = Collector[VideoFrame]()
    with running(source, got):
        frames = got.wait_for(50)
    numbers = [stamp.number for frame in frames if (stamp := read_stamp(frame.picture))]
    assert numbers == [n % 15 for n in range(len(frames))]
    assert all(abs(b.time - a.time - 1 / FPS) < 0.001 for a, b in pairwise(frames))
    gaps = [b - a for a, b in pairwise(got.arrivals)]
    assert sorted(gaps)[-3] < 1.5 / FPS
    assert {frame.picture.pict_type for frame in frames} == {av.video.frame.PictureType.NONE}


def test_sound_and_picture_of_one_file_stay_in_step_over_loops(tmp_path: Path) -> None:
    beep = np.concatenate([sine(1000.0, 4800), np.zeros(24_000 - 4800 + 1000, np.int16)])
    path = write_media(tmp_path / "clap.mkv", pictures=int(0.5 * FPS), sound=beep)
    audio, video = FileAudio(path), FileVideo(path)
    share_file(audio, video)
    heard, seen = Collector[AudioFrame](), Collector[VideoFrame]()
    with running(audio, heard), running(video, seen):
        seen.wait_for(60)
    assert steady(heard.frames)
    beeps = [heard.frames[0].time + n / 48000 for n in beginnings(joined(heard.frames))]
    flashes = [f.time for f in seen.frames if (stamp := read_stamp(f.picture)) and stamp.number == 0]
    assert len(flashes) >= 4
    for flash in flashes[1:-1]:
        assert min(abs(flash - beep_at) for beep_at in beeps) < 0.005


def beginnings(sound: np.ndarray) -> list[int]:
    """Where it becomes loud after at least 50 ms of silence."""
    loud = np.flatnonzero(np.abs(sound.astype(int)) > 500)
    return [int(loud[0]), *(int(b) for a, b in pairwise(loud) if b - a > 2400)]


def test_the_picture_can_join_and_leave_while_the_sound_plays(tmp_path: Path) -> None:
    path = write_media(tmp_path / "both.mkv", pictures=100, sound=sine(500.0, 4 * 48000))
    audio, video = FileAudio(path), FileVideo(path)
    heard, seen = Collector[AudioFrame](), Collector[VideoFrame]()
    with running(audio, heard):
        heard.wait_for(30)
        share_file(audio, video)
        with running(video, seen):
            first = seen.wait_for(5)[0]
        count = len(heard.frames)
        heard.wait_for(count + 5)
        assert len(seen.frames) < 100
    stamp = read_stamp(first.picture)
    assert stamp is not None
    assert abs((first.time - heard.frames[0].time) - stamp.number / FPS) < 0.001
    assert stamp.number >= 10


def test_a_file_source_can_be_started_again(tmp_path: Path) -> None:
    source = FileVideo(write_media(tmp_path / "again.mp4", pictures=10))
    for _ in range(2):
        got = Collector[VideoFrame]()
        with running(source, got):
            stamp = read_stamp(got.wait_for(2)[0].picture)
        assert stamp is not None
        assert stamp.number == 0
        source.stop()


async def test_the_bundled_clip_through_the_uplink() -> None:
    failures: list[MediaError] = []
    uplink = Uplink(profile=profile("360p30"), on_failure=lambda _, error: failures.append(error), on_recovery=print)
    audio = await asyncio.to_thread(open_audio_source, f"file:{BUNNY}")
    video = await asyncio.to_thread(open_video_source, BUNNY, profile("360p30"))
    await uplink.start(audio, video)
    sound, pictures = uplink.open_audio_feed("ann"), uplink.open_video_feed("ann")
    seen = [await asyncio.wait_for(pictures.next_video(), 2.0) for _ in range(12)]
    heard = [await sound.next_audio() for _ in range(25)]
    await uplink.stop()
    assert not failures
    assert {(f.width, f.height) for f in seen} == {(640, 360)}
    assert np.std(seen[-1].to_ndarray()[:360]) > 20
    assert np.concatenate([block.samples for block in heard]).any()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def junk(path: Path) -> None:
    path.write_bytes(np.random.default_rng(3).bytes(50_000))


def text(path: Path) -> None:
    path.write_text("file /etc/passwd\n" * 100)


def cut_short(path: Path) -> None:
    path.write_bytes(Path(BUNNY).read_bytes()[:300_000])


def playlist(path: Path) -> None:
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{BUNNY}\n#EXT-X-ENDLIST\n")


def header_only(path: Path) -> None:
    full = write_media(path.with_suffix(".full.wav"), sound=sine(440.0, 4800))
    path.write_bytes(Path(full).read_bytes()[:44])


def fifo(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("kind", [FileAudio, FileVideo])
@pytest.mark.parametrize(
    ("make", "suffix"),
    [
        (empty, "mp4"),
        (junk, "mp4"),
        (junk, "mp3"),
        (text, "txt"),
        (playlist, "m3u8"),
        (header_only, "wav"),
        (fifo, "mkv"),
    ],
)
def test_a_broken_file_is_refused_when_it_is_opened(
    tmp_path: Path, make: Callable[[Path], None], suffix: str, kind: type
) -> None:
    path = tmp_path / f"broken.{suffix}"
    make(path)
    with pytest.raises(MediaError) as caught:
        kind(str(path))
    assert caught.value.code is ErrorCode.BAD_FILE
    assert "\n" not in str(caught.value)
    assert "broken" in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere.mp4", "", "a\0b", "x" * 5000])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaError, match="there is no file") as caught:
        open_audio_source(f"file:{name}")
    assert caught.value.code is ErrorCode.NO_SUCH_FILE


@pytest.mark.parametrize("name", ["/", "/dev/null", "http://127.0.0.1:9/x.mp4"])
def test_only_regular_files_are_opened(name: str) -> None:
    with pytest.raises(MediaError):
        open_video_source(f"file:{name}", profile("360p"))


def test_a_file_without_sound_says_so_and_shows_its_pictures(tmp_path: Path) -> None:
    path = write_media(tmp_path / "mute.mp4", pictures=5)
    with pytest.raises(MediaError, match="has no sound; choose another source"):
        FileAudio(path)
    FileVideo(path)


def test_a_file_without_pictures_says_so(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="has no picture; choose another source"):
        FileVideo(write_media(tmp_path / "talk.wav", sound=sine(440.0, 4800)))


def test_a_file_that_ends_early_is_looped_at_its_end(tmp_path: Path) -> None:
    whole = write_media(tmp_path / "whole.mkv", pictures=40)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(Path(whole).read_bytes()[: os.path.getsize(whole) * 6 // 10])
    got = Collector[VideoFrame]()
    with running(FileVideo(str(cut)), got):
        frames = got.wait_for(45)
    numbers = [stamp.number for frame in frames if (stamp := read_stamp(frame.picture))]
    assert got.error is None
    assert numbers.count(0) >= 2
    assert 15 < max(numbers) < 39


def test_a_file_with_damage_in_the_middle_plays_on(tmp_path: Path) -> None:
    data = bytearray(Path(write_media(tmp_path / "good.mkv", pictures=30)).read_bytes())
    for place in range(len(data) // 3, len(data) // 2, 97):
        data[place] ^= 0x55
    damaged = tmp_path / "damaged.mkv"
    damaged.write_bytes(data)
    got = Collector[VideoFrame]()
    with running(FileVideo(str(damaged)), got):
        frames = got.wait_for(40)
    assert got.error is None
    assert all(b.time >= a.time for a, b in pairwise(frames))


def test_a_still_picture_stays_without_haste(tmp_path: Path) -> None:
    got = Collector[VideoFrame]()
    with running(FileVideo(write_media(tmp_path / "still.mp4", pictures=1)), got):
        frames = got.wait_for(4)
    assert frames[-1].time - frames[0].time > 1.0
    assert all(read_stamp(frame.picture) for frame in frames)


@pytest.mark.parametrize(("degrees", "bright"), [(90, (340, 230)), (-90, (20, 410)), (180, (340, 620))])
def test_a_file_filmed_sideways_is_shown_upright(tmp_path: Path, degrees: int, bright: tuple[int, int]) -> None:
    path = str(tmp_path / "turned.mp4")
    planes = np.full((270, 320), 128, np.uint8)
    planes[:180], planes[:60, :80] = 16, 235  # the upper left corner shines
    with av.open(path, "w") as out:
        video = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        video.set_display_rotation(degrees)
        for _ in range(5):
            out.mux(video.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        out.mux(video.encode(None))
    got = Collector[VideoFrame]()
    with running(FileVideo(path), got):
        frame = got.wait_for(1)[0]
    luma = PictureShaper(profile("360p30")).fit(frame.picture).to_ndarray()[:360]
    corners = {(y, x): luma[y, x] for y in (20, 340) for x in (20, 230, 410, 620)}
    assert [corner for corner, value in corners.items() if value > 180] == [bright]


def test_joining_late_in_a_long_group_of_pictures_is_exact(tmp_path: Path) -> None:
    path = write_media(tmp_path / "long.mkv", pictures=150, sound=sine(500.0, 6 * 48000))
    track = Track(path, av.VideoFrame)
    track.seek(4.5)
    stamp = read_stamp(track.head)
    assert stamp is not None
    assert stamp.number == round(track.time * FPS) == 112
    track.close()
