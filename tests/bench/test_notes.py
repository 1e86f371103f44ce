"""What an end notes, and what is read back; the content that all ends send."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pycall.media.frames import pixels_of
from pycall.media.stamp import read_stamp
from scripts.bench.content import PROFILE, Camera, Microphone, Pictures, prepare
from scripts.bench.notes import Noted, Notes
from scripts.bench.quality import mean_psnr


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("content")
    prepare(folder)
    return folder


async def test_the_camera_gives_each_number_with_its_stamp_and_the_same_picture_again(content: Path) -> None:
    camera = Camera(content)
    taken = [await camera.next() for _ in range(3)]
    camera.close()
    assert [number for number, _ in taken] == [0, 1, 2]
    assert [stamp.number for _, frame in taken if (stamp := read_stamp(frame))] == [0, 1, 2]
    pictures = Pictures(content)
    assert mean_psnr([2], [pixels_of(taken[2][1].planes[0])], pictures) == 99.0
    pictures.close()


async def test_the_microphone_gives_speech_block_by_block(content: Path) -> None:
    microphone = Microphone(content)
    heard = np.concatenate([(await microphone.next())[1] for _ in range(5)])
    assert heard.tolist() == np.load(content / "speech.npy")[: 5 * 960].tolist()
    assert microphone.began > 0


def test_what_was_seen_and_heard_is_read_back(content: Path, tmp_path: Path) -> None:
    pictures = Pictures(content)
    notes = Notes(tmp_path, "far")
    notes.saw(pictures.stamped(4))
    notes.keeping = True
    notes.saw(pictures.stamped(5))
    notes.heard(np.arange(960, dtype=np.int16), 12.5)
    notes.save(began=3.0)
    notes.heard(np.zeros(960, np.int16))  # too late: ignored
    noted = Noted(tmp_path, "far")
    assert noted.pictures[:, 1].tolist() == [4, 5]
    assert noted.pictures[:, 3:].tolist() == [[PROFILE.width, PROFILE.height]] * 2
    assert noted.kept == [(5, PROFILE.width, PROFILE.height)]
    assert mean_psnr([5], noted.lumas(), pictures) == 99.0
    assert (noted.times.tolist(), noted.lengths.tolist()) == ([12.5], [960])
    assert noted.samples.tolist() == list(range(960))
    assert noted.more == {"began": 3.0}
    pictures.close()
