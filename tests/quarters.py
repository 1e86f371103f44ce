"""A picture whose four quarters have colours of their own, so that a test sees how it was turned, cut or blurred."""

from __future__ import annotations

import asyncio
import threading

import numpy as np

from pycall import Intake, VideoFrame

RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 180, 30), (30, 30, 200), (230, 230, 230)
NAMES = {"red": RED, "green": GREEN, "blue": BLUE, "white": WHITE, "black": (0, 0, 0)}


def quarters(width: int = 640, height: int = 360) -> np.ndarray:
    """Red and green above, blue and white below; (height, width, 3) uint8 RGB."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2], picture[: height // 2, width // 2 :] = RED, GREEN
    picture[height // 2 :, : width // 2], picture[height // 2 :, width // 2 :] = BLUE, WHITE
    return picture


def named(picture: np.ndarray, x: float, y: float) -> str:
    """The name of the colour nearest to that of the picture at these parts of its width and height."""
    seen = picture[int(y * picture.shape[0]), int(x * picture.shape[1])].astype(int)
    return min(NAMES, key=lambda name: int(np.abs(seen - NAMES[name]).sum()))


def corners(picture: np.ndarray) -> tuple[str, str, str, str]:
    """The colours of the four quarters, as one reads."""
    return tuple(named(picture, x, y) for y in (0.25, 0.75) for x in (0.25, 0.75))  # type: ignore[return-value]


class StillCamera:
    """Shows one RGB picture 15 times a second, from a thread as cameras do; `picture` may be replaced."""

    def __init__(self, picture: np.ndarray) -> None:
        self.picture = picture
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, intake: Intake[VideoFrame]) -> None:
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, args=(intake,), name="still camera", daemon=True)
        self._thread.start()

    def _run(self, intake: Intake[VideoFrame]) -> None:
        while not self._stopped.wait(1 / 15):
            intake.push(VideoFrame.from_numpy(self.picture))

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(2)


class Watcher:
    """A view of one user: keeps the newest picture and can be waited for. Also a function to be called with frames."""

    def __init__(self) -> None:
        self.newest: np.ndarray | None = None
        self.times: list[float] = []
        self.started = self.stopped = 0
        self.users: set[str] = set()
        self._news = asyncio.Event()

    def start(self) -> None:
        self.started += 1

    def stop(self) -> None:
        self.stopped += 1

    def see(self, user_id: str, frame: VideoFrame) -> None:
        self.users.add(user_id)
        self(frame)

    def __call__(self, frame: VideoFrame) -> None:
        self.newest = frame.to_numpy()
        self.times.append(frame.time)
        self._news.set()

    async def until(self, condition: object, timeout: float = 10.0) -> np.ndarray:
        """The first picture for which `condition(picture)` is true."""
        try:
            async with asyncio.timeout(timeout):
                while self.newest is None or not condition(self.newest):  # type: ignore[operator]
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            seen = None if self.newest is None else (self.newest.shape, corners(self.newest))
            raise AssertionError(f"no such picture in {timeout} s; the last was {seen}") from None
        return self.newest

    async def quarters(self, *expected: str, size: tuple[int, int] | None = None) -> np.ndarray:
        """Wait for these colours, and for this (width, height)."""
        return await self.until(
            lambda seen: corners(seen) == expected and size in (None, (seen.shape[1], seen.shape[0]))
        )
