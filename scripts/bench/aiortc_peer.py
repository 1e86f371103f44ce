"""Stock aiortc: its RTCPeerConnection with two tracks, nothing patched, nothing tuned."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.contrib.media import MediaRelay
from aiortc.mediastreams import MediaStreamError

from pycall.media.frames import FRAME_SAMPLES, SAMPLE_RATE

from .content import Camera, Microphone
from .end import Role, Tell, Usage, own_usage, run
from .notes import Notes

CLOCK = 90000


class PictureTrack(MediaStreamTrack):
    """The camera as aiortc wants it."""

    kind = "video"

    def __init__(self, camera: Camera) -> None:
        super().__init__()
        self._camera = camera

    async def recv(self) -> av.VideoFrame:
        number, frame = await self._camera.next()
        frame.pts, frame.time_base = number * CLOCK // 30, Fraction(1, CLOCK)
        return frame


class SoundTrack(MediaStreamTrack):
    """The microphone as aiortc wants it."""

    kind = "audio"

    def __init__(self, microphone: Microphone) -> None:
        super().__init__()
        self._microphone = microphone

    async def recv(self) -> av.AudioFrame:
        number, samples = await self._microphone.next()
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", "mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts, frame.time_base = number * FRAME_SAMPLES, Fraction(1, SAMPLE_RATE)
        return frame


class AiortcMedium:
    """A connection to each of the others; the picture goes to several through aiortc's own relay."""

    def __init__(self, role: Role, notes: Notes, tell: Tell) -> None:
        self._role, self._notes, self._tell = role, notes, tell
        self._microphone = Microphone(Path(role.folder))
        self._camera = Camera(Path(role.folder)) if role.pictures else None
        self._relay = MediaRelay()
        self._connections: dict[str, RTCPeerConnection] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def began(self) -> float:
        return self._microphone.began

    async def prepare(self) -> None:
        self._sound = SoundTrack(self._microphone)
        self._picture = PictureTrack(self._camera) if self._camera is not None else None
        for other in self._role.others:
            connection = self._connections[other] = RTCPeerConnection()
            connection.on("track", self._on_track)

    async def open(self) -> None:
        if self._role.offers:
            for other, connection in self._connections.items():
                self._add_tracks(connection)
                await self._describe(other, await connection.createOffer())

    async def signal(self, sender: str, message: Any) -> None:
        connection = self._connections[sender]
        await connection.setRemoteDescription(RTCSessionDescription(**message))
        if not self._role.offers:
            self._add_tracks(connection)
            await self._describe(sender, await connection.createAnswer())

    def _add_tracks(self, connection: RTCPeerConnection) -> None:
        alone = len(self._connections) == 1
        if self._role.sounds:
            connection.addTrack(self._sound if alone else self._relay.subscribe(self._sound))
        if self._picture is not None:
            connection.addTrack(self._picture if alone else self._relay.subscribe(self._picture))
        elif self._role.offers:
            connection.addTransceiver("video", direction="recvonly")
        for transceiver in connection.getTransceivers():
            if self._role.codec and transceiver.kind == "video":
                codecs = RTCRtpSender.getCapabilities("video").codecs
                transceiver.setCodecPreferences([c for c in codecs if self._role.codec in c.mimeType.upper()])

    async def _describe(self, other: str, description: RTCSessionDescription) -> None:
        await self._connections[other].setLocalDescription(description)
        local = self._connections[other].localDescription
        self._tell("signal", to=other, message={"type": local.type, "sdp": local.sdp})

    def _on_track(self, track: MediaStreamTrack) -> None:
        see = self._see if track.kind == "video" else self._hear
        self._tasks.append(asyncio.create_task(see(track)))

    async def _see(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                self._notes.saw(await track.recv())
        except MediaStreamError:
            return

    async def _hear(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                channels = len(frame.layout.channels)
                self._notes.heard(frame.to_ndarray().reshape(-1, channels)[:, 0].copy())
        except MediaStreamError:
            return

    async def totals(self) -> dict[str, float]:
        sent = 0
        for connection in self._connections.values():
            stats = (await connection.getStats()).values()
            sent += next((s.bytesSent for s in stats if s.type == "transport"), 0)
        return {"bytes_out": sent}

    def usage(self) -> Usage:
        return own_usage()

    async def collect(self) -> None:
        pass

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(connection.close() for connection in self._connections.values()))


if __name__ == "__main__":
    run(AiortcMedium)
