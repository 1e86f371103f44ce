"""Encoders leave every thread of the process the priority it had."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux's encoder asks for real time")

ENCODE = """
import os
from fractions import Fraction
from pathlib import Path
import av, numpy as np
from pycall.rtc.encoders import picture_encoder

encoder = picture_encoder("AV1")
frame = av.VideoFrame.from_ndarray(np.full((360, 320), 100, np.uint8), format="yuv420p")
frame.pts, frame.time_base = 0, Fraction(1, 30)
encoder.encode(frame, key=True, bitrate=300_000, ceiling=300_000, fps=30)
threads = [int(task.name) for task in Path("/proc/self/task").iterdir()]
print(len(threads) > 3, {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_OTHER})
"""


def test_an_av1_encoder_makes_nothing_real_time_even_as_root() -> None:
    assert Path("/proc/self/task").is_dir() and os.sched_getscheduler(0) == os.SCHED_OTHER
    run = subprocess.run([sys.executable, "-c", ENCODE], capture_output=True, text=True, timeout=50, check=False)
    assert (run.returncode, run.stdout) == (0, "True True\n"), run.stderr
