"""The verbs of TUICallEngine for microphone, camera, devices and pictures."""

from __future__ import annotations

from pycall import CallEngine
from pycall.compat.given import Given
from pycall.compat.handset import Handset
from pycall.compat.promise import When, verb


class MediaNames(Handset):
    """What is sent and shown."""

    @verb(when=When.IN_CALL)
    async def openMicrophone(self, given: Given) -> None:
        """Be heard."""
        await self.engine.open_microphone()

    @verb(when=When.IN_CALL)
    async def closeMicrophone(self, given: Given) -> None:
        """Send silence; the others are told."""
        await self.engine.close_microphone()

    open_microphone, close_microphone = openMicrophone, closeMicrophone

    @verb("isMute", when=When.IN_CALL)
    async def setMicMute(self, given: Given) -> None:
        """True closes the microphone, False opens it."""
        muted = given.flag("isMute")
        await (self.engine.close_microphone() if muted else self.engine.open_microphone())

    set_mic_mute = setMicMute

    @verb("videoViewDomID", "isFrontCamera", when=When.IN_CALL)
    async def openCamera(self, given: Given) -> None:
        """Be seen."""
        await self.engine.open_camera()

    @verb(when=When.IN_CALL)
    async def closeCamera(self, given: Given) -> None:
        """Send no picture; the others are told."""
        await self.engine.close_camera()

    open_camera, close_camera = openCamera, closeCamera

    @verb("profile", when=When.READY)
    async def setVideoQuality(self, given: Given) -> None:
        """`480p`, `720p` or `1080p`."""
        self.engine.set_video_profile(given.text("profile"))

    set_video_quality = setVideoQuality

    def getTRTCCloudInstance(self) -> CallEngine:
        """What stands behind it all: the CallEngine, with every verb of its own."""
        return self.engine

    get_trtc_cloud_instance = getTRTCCloudInstance
