"""One picture that several threads make smaller at the same moment, each in a size of its own."""

from __future__ import annotations

import subprocess
import sys

import av
import numpy as np
import pytest

TOGETHER = """
import threading, sys
import av, numpy as np
from pycall.media.scale import reformatted
from pycall.rtc.scale import scaled

SCALE = {"rtc": scaled, "media": lambda frame, *size: reformatted(frame, *size, "yuv420p")}[sys.argv[1]]
SIZES = [(640, 360), (960, 540), (320, 180)]
gate, made = threading.Barrier(len(SIZES)), []

def work(size):
    for frame in frames:
        gate.wait(10)
        made.append(SCALE(frame, *size).to_ndarray()[:size[1]].mean() - frame.to_ndarray()[:720].mean())

pixels = np.random.default_rng(1).integers(0, 255, (1080, 1280), np.uint8)
frames = [av.VideoFrame.from_ndarray(pixels, format="yuv420p") for _ in range(60)]
threads = [threading.Thread(target=work, args=(size,)) for size in SIZES]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(made), max(map(abs, made)) < 1)
"""


@pytest.mark.parametrize("room", ["rtc", "media"])
def test_several_threads_scale_one_picture(room: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", TOGETHER, room], capture_output=True, text=True, timeout=50, check=False
    )
    assert (run.returncode, run.stdout) == (0, "180 True\n"), run.stderr


def test_a_picture_of_the_right_size_and_format_is_the_same_object() -> None:
    from pycall.rtc.scale import scaled

    picture = av.VideoFrame.from_ndarray(np.zeros((120, 96), np.uint8), format="yuv420p")
    assert scaled(picture, 96, 80) is picture
