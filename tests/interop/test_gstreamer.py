"""Calls with GStreamer's webrtcbin, an implementation that shares with browsers and with us only the standards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from pycall.core.wire import Signal, Signaled
from pycall.rtc.mesh import Mesh
from tests.rtc.stage import CALL, End, frequency_of

pytestmark = [pytest.mark.gstreamer]

PATIENCE = 25.0
SYSTEM_PYTHON = "/usr/bin/python3"
"""GStreamer's bindings belong to the system's interpreter."""


class Gst:
    """The process, as the member `bob` of a call of alice."""

    def __init__(self, alice: End, process: asyncio.subprocess.Process) -> None:
        self.heard: list[float] = []
        self.numbers: list[int] = []
        self.kinds: list[str] = []
        self._alice, self._process = alice, process
        self._news = asyncio.Event()

    def say(self, **line: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")

    def mail(self, sender: str, signal: Signal) -> None:
        if signal.kind == "candidate":
            self.say(what="candidate", index=0, candidate=signal.candidate)
        else:
            self.say(what=signal.kind, sdp=signal.sdp)

    async def read(self) -> None:
        assert self._process.stdout is not None
        async for text in self._process.stdout:
            line = json.loads(text)
            self._take(line)
            self._news.set()

    def _take(self, line: dict[str, Any]) -> None:
        what = line["what"]
        if what == "heard":
            self.heard.append(line["hertz"])
        elif what == "saw":
            self.numbers.append(line["number"])
        else:
            text = {name: line[name] for name in ("sdp", "candidate") if name in line}
            self._alice.mesh.deliver(Signaled(call_id=CALL, sender="bob", kind=what, **text))

    async def until(self, met: Any) -> None:
        async with asyncio.timeout(PATIENCE):
            while not met():
                self._news.clear()
                await self._news.wait()


@pytest_asyncio.fixture
async def alice(request: pytest.FixtureRequest) -> AsyncIterator[End]:
    end = End("alice", tone=440)
    end.read = False
    end.mesh = Mesh(end, end, call_id=CALL, video_codecs=(request.param,))
    yield end
    await end.mesh.aclose()


async def started(alice: End, **role: Any) -> tuple[Gst, asyncio.Task[None]]:
    process = await asyncio.create_subprocess_exec(
        SYSTEM_PYTHON,
        str(Path(__file__).with_name("gst_peer.py")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    bob = Gst(alice, process)
    alice.mail = bob.mail
    bob.say(**role)
    return bob, asyncio.create_task(bob.read())


async def ended(bob: Gst, reading: asyncio.Task[None]) -> None:
    process = bob._process
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(5):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
    await reading


@pytest.mark.parametrize("alice", ["VP8", "H264"], indirect=True)
@pytest.mark.parametrize("offers", [False, True], ids=["pycall offers", "GStreamer offers"])
async def test_voice_and_picture_both_ways(alice: End, offers: bool) -> None:
    codec = alice.mesh._settings.codecs[1]
    bob, reading = await started(alice, offers=offers, video=codec)
    try:
        alice.mesh.open("bob", 0, offers=not offers)
        await alice.until(lambda: len(alice.heard) > 40 and alice.pictures > 15, PATIENCE)
        await bob.until(lambda: len(bob.heard) > 2 and len(bob.numbers) > 15)
        session = alice.mesh.peers["bob"].session
        assert session is not None and session.terms.video is not None
        assert session.terms.video.codecs[0].name == codec
    finally:
        await ended(bob, reading)
    assert frequency_of(alice.samples()) == pytest.approx(1000, abs=10)
    assert (alice.seen[-1][2], alice.seen[-1][3]) == (320, 240)
    assert bob.heard[-1] == pytest.approx(440, abs=15)
    numbers = bob.numbers[3:]
    assert numbers == sorted(set(numbers)) and numbers[-1] - numbers[0] < 3 * len(numbers), numbers
