"""The media verbs that TUICallEngine and TRTCCalling have in common: views, camera, microphone, quality, log level."""

from __future__ import annotations

from typing import Literal

from pycall.compat.codes import TUIErrorCode
from pycall.compat.enums import LOG_LEVEL, TUICamera
from pycall.compat.given import Given
from pycall.compat.handset import Handset
from pycall.compat.promise import When, verb

_FITS: dict[str, Literal["fit", "fill"]] = {"contain": "fit", "cover": "fill", "fill": "fill"}
_RENDER = ("objectFit", "mirror", "muted")


class SharedNames(Handset):
    """A view (`videoViewDomID`) is a sink's name, a `VideoSink`, or a function that is called with each picture."""

    @verb("userID", "videoViewDomID", "options", *_RENDER, when=When.CONNECTED)
    async def startRemoteView(self, given: Given) -> None:
        """Show somebody in a view of their own: `{userID, videoViewDomID, options?: {objectFit, mirror}}`."""
        user = given.text("userID")
        await self._render(given, user)
        await self.engine.start_remote_view(user, given.any("videoViewDomID"))

    @verb("userID", "videoViewDomID", when=When.CONNECTED)
    async def stopRemoteView(self, given: Given) -> None:
        """Close that view."""
        await self.engine.stop_remote_view(given.text("userID"))

    @verb("userID", "videoViewDomID", *_RENDER)
    async def startLocalView(self, given: Given) -> None:
        """Show what the camera sends."""
        await self.engine.start_local_view(given.any("videoViewDomID"))

    @verb("userID", "videoViewDomID")
    async def stopLocalView(self, given: Given) -> None:
        """Close the view of oneself."""
        await self.engine.stop_local_view()

    start_remote_view, stop_remote_view = startRemoteView, stopRemoteView
    start_local_view, stop_local_view = startLocalView, stopLocalView

    async def _render(self, given: Given, user: str) -> None:
        """Web options become render parameters; without any, what was set before stays."""
        if not given.has("objectFit") and not given.has("mirror"):
            return
        wanted = given.text("objectFit", "contain")
        if wanted not in _FITS:
            raise given.wrong(TUIErrorCode.PARAM_RANGE, f"objectFit is {wanted!r}; use one of {', '.join(_FITS)}")
        mirror = given.flag("mirror", False)
        await self.engine.set_video_render_params(user, fill_mode=_FITS[wanted], mirror=mirror)

    @verb("videoViewDomID", "isFrontCamera", when=When.IN_CALL)
    async def openCamera(self, given: Given) -> None:
        """Be seen; with a view, also by oneself. Natively `(camera, view)`."""
        view = given.any("videoViewDomID", None)
        if isinstance(view, TUICamera):
            view = given.any("isFrontCamera", None)
        if view is not None:
            await self.engine.start_local_view(view)
        await self.engine.open_camera()

    @verb(when=When.IN_CALL)
    async def closeCamera(self, given: Given) -> None:
        """Send no picture; the others are told."""
        await self.engine.close_camera()

    @verb("isMute", when=When.IN_CALL)
    async def setMicMute(self, given: Given) -> None:
        """True closes the microphone, False opens it."""
        await (self.engine.close_microphone() if given.flag("isMute") else self.engine.open_microphone())

    @verb("profile")
    async def setVideoQuality(self, given: Given) -> None:
        """`480p`, `720p` or `1080p`."""
        await self.engine.set_video_quality(given.text("profile"))

    @verb("level", when=When.ALWAYS)
    async def setLogLevel(self, given: Given) -> None:
        """0 writes everything, 1 what is worth knowing, 2 warnings, 3 errors, 4 nothing."""
        await self.engine.set_log_level(int(given.one_of("level", LOG_LEVEL)))

    open_camera, close_camera = openCamera, closeCamera
    set_mic_mute, set_video_quality, set_log_level = setMicMute, setVideoQuality, setLogLevel
