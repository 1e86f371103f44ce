"""One headless Chromium for all tests here, whose camera and microphone give known content; alice is pycall."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from pycall.media.stamp import draw_stamp
from tests.interop.chromium import Chromium
from tests.interop.page import PagePhone, page_phone, page_server
from tests.media_tools import sine, write_media
from tests.phones import Phone, phone
from tests.switchroom import Switchroom

WIDTH, HEIGHT, FPS, PICTURES = 640, 360, 20, 60
BEEP = 1000.0


def write_camera(path: Path) -> Path:
    """Three seconds of numbered pictures with a wandering bar, for ever again."""
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FPS}:1 Ip C420jpeg\n".encode())
        for number in range(PICTURES):
            luma = np.full((HEIGHT, WIDTH), 100, np.uint8)
            left = number * WIDTH // PICTURES
            luma[:, left : left + 40] = 180
            draw_stamp(luma, number, 1.7e9)
            file.write(b"FRAME\n" + luma.tobytes() + bytes([128]) * (WIDTH * HEIGHT // 2))
    return path


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    folder = tmp_path_factory.mktemp("chromium")
    sound = Path(write_media(folder / "beep.wav", sound=sine(BEEP, 48_000 * 2)))
    running = Chromium(folder / "profile", sound, write_camera(folder / "camera.y4m"))
    yield running
    running.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture
async def origin() -> AsyncIterator[str]:
    async with page_server() as it:
        yield it


@pytest_asyncio.fixture
async def server(tmp_path: Path, origin: str) -> AsyncIterator[Switchroom]:
    async with Switchroom(tmp_path / "calls.db", origins=(origin,)) as room:
        yield room


@pytest_asyncio.fixture
async def alice(server: Switchroom) -> AsyncIterator[Phone]:
    """pycall: sounds 440 Hz and shows numbered pictures of 640x360, 15 a second."""
    async with phone(server.url) as it:
        await it.engine.login("alice", server.ticket("alice"))
        yield it


@pytest_asyncio.fixture
async def bob(browser: Chromium, origin: str) -> AsyncIterator[PagePhone]:
    """Chromium: sounds 1000 Hz and shows numbered pictures of 640x360, 20 a second; not signed in yet."""
    async with page_phone(browser, origin, "bob") as it:
        yield it
