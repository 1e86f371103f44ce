"""Two or more ends of a call in one process: small feeds, ports that remember what arrived, a post between them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np

from pycall.core.types import CallId, LinkStats, PeerState, UserId
from pycall.core.wire import Signal, Signaled
from pycall.rtc.mesh import Mesh

CALL = CallId("0123456789abcdef0123456789abcdef")
RATE = 48000
STRIPE = 16
"""A number is written as 16 stripes, each a sixteenth of the width: dark 0, light 1."""


class Spoken(NamedTuple):
    """20 ms, as an audio feed gives them."""

    samples: np.ndarray
    pts: int


class ToneFeed:
    """A sine at `frequency`, paced by the loop's clock."""

    def __init__(self, frequency: float = 440.0) -> None:
        self.frequency = frequency
        self.given = 0
        self.closed = False
        self._began: float | None = None

    async def next_audio(self) -> Spoken:
        loop = asyncio.get_running_loop()
        if self._began is None:
            self._began = loop.time()
        await asyncio.sleep(max(0.0, self._began + self.given * 0.02 - loop.time()))
        at = (np.arange(960) + self.given * 960) / RATE
        samples = (np.sin(2 * np.pi * self.frequency * at) * 12000).astype(np.int16)
        self.given += 1
        return Spoken(samples, (self.given - 1) * 960)

    def close(self) -> None:
        self.closed = True


def picture(number: int, width: int, height: int, texture: np.ndarray | None = None) -> av.VideoFrame:
    """A picture that carries `number` (16 bits) in stripes in its upper half."""
    luma = np.full((height, width), 80, np.uint8)
    if texture is not None:
        luma[:] = np.roll(texture[:height, :width], number * 4, axis=1)
    for bit in range(STRIPE):
        left, right = bit * width // STRIPE, (bit + 1) * width // STRIPE
        luma[: height // 4, left:right] = 220 if number >> bit & 1 else 20
    chroma = np.full((height // 2, width), 128, np.uint8)
    return av.VideoFrame.from_ndarray(np.concatenate([luma, chroma]), format="yuv420p")


def read_number(frame: av.VideoFrame) -> int:
    """What `picture` wrote."""
    luma = frame.to_ndarray(format="yuv420p")[: frame.height, : frame.width]
    row = luma[frame.height // 8]
    middles = [(2 * bit + 1) * frame.width // (2 * STRIPE) for bit in range(STRIPE)]
    return sum((int(row[x - 2 : x + 3].mean()) > 120) << bit for bit, x in enumerate(middles))


class NumberFeed:
    """Numbered pictures, paced by the loop's clock; `width`, `height`, `fps`, `bitrate` may change in between."""

    def __init__(self, width: int = 320, height: int = 240, fps: int = 30, bitrate: int = 600_000) -> None:
        self.width, self.height = width, height
        self.fps, self.bitrate = fps, bitrate
        self.given = 0
        self.made_at: dict[int, float] = {}
        self.open = asyncio.Event()
        self.open.set()
        self.closed = False
        self.texture: np.ndarray | None = None
        self.leaked_type = av.video.frame.PictureType.NONE
        self._next_at = 0.0

    async def next_video(self) -> av.VideoFrame:
        loop = asyncio.get_running_loop()
        await self.open.wait()
        self._next_at = max(self._next_at + 1 / self.fps, loop.time() - 0.1)
        await asyncio.sleep(max(0.0, self._next_at - loop.time()))
        frame = picture(self.given & 0xFFFF, self.width, self.height, self.texture)
        frame.pts, frame.time_base = int(loop.time() * 1_000_000), Fraction(1, 1_000_000)
        frame.pict_type = self.leaked_type
        self.made_at[self.given & 0xFFFF] = time.monotonic()
        self.given += 1
        return frame

    def close(self) -> None:
        self.closed = True


class End:
    """One user's end: the ports and the listener of a Mesh, with everything that happened."""

    def __init__(self, user_id: UserId, *, tone: float = 440.0, video: Callable[[], NumberFeed] = NumberFeed) -> None:
        self.user_id = user_id
        self.tone, self.video = tone, video
        self.states: list[tuple[UserId, int, PeerState, float]] = []
        self.stats: list[LinkStats] = []
        self.heard: list[np.ndarray] = []
        self.seen: list[tuple[float, int, int, int]] = []
        self.pictures = 0
        self.last_picture: av.VideoFrame | None = None
        self.read = True
        self.first_sound: float | None = None
        self.first_picture: float | None = None
        self.audio_feeds: list[ToneFeed] = []
        self.video_feeds: list[NumberFeed] = []
        self.mail: Callable[[str, Signal], None] = lambda sender, signal: None
        self.changed = asyncio.Condition()
        self.mesh: Mesh
        self._wake = asyncio.Event()

    # --- MediaPorts

    def open_audio_feed(self, user_id: UserId) -> ToneFeed:
        self.audio_feeds.append(ToneFeed(self.tone))
        return self.audio_feeds[-1]

    def open_video_feed(self, user_id: UserId) -> NumberFeed:
        self.video_feeds.append(self.video())
        return self.video_feeds[-1]

    def audio_arrived(self, user_id: UserId, samples: np.ndarray) -> None:
        self.first_sound = self.first_sound or time.monotonic()
        self.heard.append(samples)
        self._wake.set()

    def video_arrived(self, user_id: UserId, frame: av.VideoFrame) -> None:
        now = time.monotonic()
        self.first_picture = self.first_picture or now
        self.pictures += 1
        self.last_picture = frame
        number = read_number(frame) if self.read else -1
        self.seen.append((now, number, frame.width, frame.height))
        self._wake.set()

    # --- PeerListener

    def peer_changed(self, user_id: UserId, generation: int, state: PeerState) -> None:
        self.states.append((user_id, generation, state, time.monotonic()))
        self._wake.set()

    def peer_signals(self, signal: Signal) -> None:
        self.mail(self.user_id, signal)

    def peer_measured(self, user_id: UserId, stats: LinkStats) -> None:
        self.stats.append(stats)
        self._wake.set()

    # --- waiting

    async def until(self, met: Callable[[], bool], timeout: float = 10.0) -> None:
        """Return as soon as `met()`; it is asked again whenever something happens here."""
        async with asyncio.timeout(timeout):
            while not met():
                self._wake.clear()
                await self._wake.wait()

    def state(self, user_id: UserId) -> PeerState | None:
        """Of the newest connection: one that is replaced ends a little later."""
        told = [(generation, state) for who, generation, state, _ in self.states if who == user_id]
        newest = max((generation for generation, _ in told), default=0)
        return next((state for generation, state in reversed(told) if generation == newest), None)

    async def until_state(self, user_id: UserId, state: PeerState, timeout: float = 10.0) -> None:
        await self.until(lambda: self.state(user_id) is state, timeout)

    def samples(self, last: int = 25) -> np.ndarray:
        """The last pieces heard, one row, -1 to 1."""
        return np.concatenate(self.heard[-last:]) / 32768


def frequency_of(samples: np.ndarray) -> float:
    """The strongest frequency, Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * RATE / len(samples)


async def next_turn(seconds: float = 0.002) -> None:
    """Give the sockets their turn."""
    woken = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(seconds, woken.set_result, None)
    await woken


class Stage:
    """The ends and the post between them; `change` may rewrite or swallow (None) what is posted."""

    def __init__(self, *ends: End, **settings: float) -> None:
        self.ends = {end.user_id: end for end in ends}
        self.change: Callable[[Signaled], Signaled | None] = lambda signaled: signaled
        self.posted: list[Signaled] = []
        self._news = asyncio.Event()
        for end in ends:
            end.mail = self._post
            end.mesh = Mesh(end, end, call_id=CALL, **settings)

    def _post(self, sender: str, signal: Signal) -> None:
        signaled = Signaled(
            call_id=signal.call_id,
            sender=sender,
            kind=signal.kind,
            generation=signal.generation,
            sdp=signal.sdp,
            candidate=signal.candidate,
            sdp_mid=signal.sdp_mid,
            sdp_m_line_index=signal.sdp_m_line_index,
        )
        changed = self.change(signaled)
        if changed is not None:
            self.posted.append(changed)
            self._news.set()
            self.ends[signal.to].mesh.deliver(changed)

    def connect(self, offering: str, answering: str, generation: int = 0) -> float:
        """Open both peers; gives the moment."""
        began = time.monotonic()
        self.ends[answering].mesh.open(offering, generation, offers=False)
        self.ends[offering].mesh.open(answering, generation, offers=True)
        return began

    async def until_posted(self, kind: str) -> Signaled:
        """The first message of this kind, once it has been posted."""
        async with asyncio.timeout(10):
            while not (found := [signaled for signaled in self.posted if signaled.kind == kind]):
                self._news.clear()
                await self._news.wait()
        return found[0]

    async def close(self) -> None:
        for end in self.ends.values():
            await end.mesh.aclose()
