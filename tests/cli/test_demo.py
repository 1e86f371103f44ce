"""`pycall demo`: the object it promises, with figures that only a call that worked can have."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

import av
import psutil

from tests.command import Command, Environment

KEYS = {
    "ring_ms", "setup_ms", "video", "audio", "cpu_cores", "rss_mb", "quality", "volume_max", "end_reason", "duration_s",
}  # fmt: skip
VIDEO_KEYS = {
    "codec", "width", "height", "fps_sent", "fps_received", "latency_ms", "psnr_db", "freezes", "freeze_s",
}  # fmt: skip
SIDES = {"caller", "callee"}


def test_the_demo_as_json(nowhere: Environment, tmp_path: Path) -> None:
    with Command(nowhere, "demo", "--seconds", "3", "--json", "--out", str(tmp_path)) as demo:
        assert demo.ended(50) == 0, demo.err
    assert len(demo.out) == 1
    report = json.loads(demo.out[0])
    assert report.keys() == KEYS and report["video"].keys() == VIDEO_KEYS
    assert report["audio"].keys() == {"received_ratio", "latency_ms"}
    video = report["video"]
    assert (video["codec"], video["width"], video["height"]) == ("H264", 1280, 720)
    assert 28 <= video["fps_sent"] <= 32
    assert 15 <= video["fps_received"] <= 32
    assert 28 <= video["psnr_db"] <= 60
    assert 0 < video["latency_ms"]["p50"] <= video["latency_ms"]["p95"]
    assert report["audio"]["received_ratio"] >= 0.8
    assert 0 < report["audio"]["latency_ms"] < 1000
    assert 0 < report["ring_ms"] < 2000
    for name in ["setup_ms", "cpu_cores", "rss_mb", "quality", "volume_max"]:
        assert report[name].keys() == SIDES
    assert all(0 < report["setup_ms"][side] < 5000 and report["rss_mb"][side] > 30 for side in SIDES)
    assert all(1 <= report["quality"][side]["worst"] <= 6 and report["volume_max"][side] > 0 for side in SIDES)
    assert report["end_reason"] == "hangup" and 2.5 <= report["duration_s"] <= 15
    assert_plays(tmp_path / "demo.mkv", report["duration_s"])
    with av.open(tmp_path / "demo.png") as image:
        assert image.streams.video[0].width == 1280


def assert_plays(path: Path, seconds: float) -> None:
    """What the callee saw and heard, about as long as the call."""
    with av.open(path) as recording:
        pictures = [float(frame.time or 0) for frame in recording.decode(video=0)]
    with av.open(path) as recording:
        sounds = [float(frame.time or 0) for frame in recording.decode(audio=0)]
    assert len(pictures) > 10 * seconds
    assert abs(pictures[-1] - pictures[0] - seconds) < 1.5 and abs(sounds[-1] - sounds[0] - seconds) < 1.5


def test_ctrl_c_ends_the_demo_and_its_processes(nowhere: Environment, tmp_path: Path) -> None:
    with Command(nowhere, "demo", "--seconds", "60", "--out", str(tmp_path)) as demo:
        demo.line("alice calls bob")
        children = psutil.Process(demo.process.pid).children()
        assert len(children) == 2
        demo.interrupt()
        assert demo.ended() == 130
        assert not any("Traceback" in line for line in demo.err)
        assert all(leaves(child, 0.5) for child in children)


def test_killing_the_demo_leaves_no_process(nowhere: Environment, tmp_path: Path) -> None:
    with Command(nowhere, "demo", "--seconds", "60", "--out", str(tmp_path)) as demo:
        demo.line("alice calls bob")
        children = psutil.Process(demo.process.pid).children()
        demo.process.kill()
        assert len(children) == 2
        for child in children:
            assert leaves(child)


def leaves(process: psutil.Process, seconds: float = 10.0) -> bool:
    """True once a process is gone (or dead, where nobody takes note of it)."""
    until = time.monotonic() + seconds
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > until:
            process.kill()
            return False
        with suppress(psutil.TimeoutExpired):
            process.wait(0.1)
    return True
