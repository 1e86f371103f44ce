"""pycall's media engine: a Mesh with a peer for each of the others, given the same pictures and sound as the others."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import av
import msgspec

from pycall.core.types import CallId, LinkStats, PeerState, UserId
from pycall.core.wire import Signal, Signaled
from pycall.media.cadence import Block
from pycall.media.frames import FRAME_SAMPLES, MICROSECOND, Samples
from pycall.rtc.mesh import Mesh

from .content import PROFILE, Camera, Microphone
from .end import Role, Tell, Usage, own_usage, run
from .notes import Notes

CALL = CallId("0" * 32)


class SoundFeed:
    """The microphone as a Mesh wants it; without one it never gives a sound."""

    def __init__(self, microphone: Microphone | None) -> None:
        self._microphone = microphone

    async def next_audio(self) -> Block:
        if self._microphone is None:
            await asyncio.get_running_loop().create_future()
        assert self._microphone is not None
        number, samples = await self._microphone.next()
        return Block(samples, number * FRAME_SAMPLES, time.monotonic())

    def close(self) -> None:
        pass


class PictureFeed:
    """The camera as a Mesh wants it; without one it never gives a picture."""

    bitrate = PROFILE.bitrate
    fps = PROFILE.fps

    def __init__(self, camera: Camera | None) -> None:
        self._camera = camera

    async def next_video(self) -> av.VideoFrame:
        if self._camera is None:
            await asyncio.get_running_loop().create_future()
        assert self._camera is not None
        _, frame = await self._camera.next()
        frame.pts, frame.time_base = round(time.monotonic() * 1_000_000), MICROSECOND
        return frame

    def close(self) -> None:
        pass


class PycallMedium:
    """Fits a Mesh as its ports and its listener."""

    def __init__(self, role: Role, notes: Notes, tell: Tell) -> None:
        self._role, self._notes, self._tell = role, notes, tell
        self._microphone = Microphone(Path(role.folder))
        self._camera = Camera(Path(role.folder)) if role.pictures else None

    @property
    def began(self) -> float:
        return self._microphone.began

    async def prepare(self) -> None:
        self._mesh = Mesh(self, self, call_id=CALL)

    async def open(self) -> None:
        for other in self._role.others:
            self._mesh.open(other, 0, offers=self._role.offers)

    async def signal(self, sender: str, message: Any) -> None:
        self._mesh.deliver(msgspec.convert(message, Signaled))

    # --- MediaPorts

    def open_audio_feed(self, user_id: UserId) -> SoundFeed:
        return SoundFeed(self._microphone if self._role.sounds else None)

    def open_video_feed(self, user_id: UserId) -> PictureFeed:
        return PictureFeed(self._camera)

    def audio_arrived(self, user_id: UserId, samples: Samples) -> None:
        self._notes.heard(samples)

    def video_arrived(self, user_id: UserId, frame: av.VideoFrame) -> None:
        self._notes.saw(frame)

    # --- PeerListener

    def peer_changed(self, user_id: UserId, generation: int, state: PeerState) -> None:
        self._tell("state", state=state.value)

    def peer_signals(self, signal: Signal) -> None:
        fields = {k: v for k, v in msgspec.to_builtins(signal).items() if k not in ("to", "type")}
        self._tell("signal", to=signal.to, message={"type": "signaled", "sender": self._role.name, **fields})

    def peer_measured(self, user_id: UserId, stats: LinkStats) -> None:
        pass

    # --- what the benchmark asks

    async def totals(self) -> dict[str, float]:
        """What leaves to all; the rest of the first peer."""
        peers = [peer for peer in self._mesh.peers.values() if peer.session is not None]
        if not peers or peers[0].session is None:
            return {"bytes_out": 0}
        sending, receiving = peers[0].session.sending, peers[0].session.receiving
        buffer = receiving.hearing.playout.buffer
        stats = buffer.stats
        return {
            "bytes_out": sum(peer.transport.bytes_out for peer in peers),
            "concealed": stats.concealed,
            "played": stats.turns,
            "recovered": stats.recovered,
            "target": sending.controller.target,
            "loss_out": sending.loss,
            "rtt": sending.rtt or 0.0,
            "copies": sending.voice.copies,
            "sound_target": buffer.target,
            "sound_held": buffer.floor,
        }

    def usage(self) -> Usage:
        return own_usage()

    async def collect(self) -> None:
        pass

    async def close(self) -> None:
        await self._mesh.aclose()


if __name__ == "__main__":
    run(PycallMedium)
