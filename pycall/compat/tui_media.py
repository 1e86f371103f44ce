"""The verbs that only TUICallEngine has for microphone, camera, devices and pictures."""

from __future__ import annotations

from typing import Literal, cast

from pycall import CallEngine
from pycall.compat.enums import FillMode, Resolution, ResolutionMode, Rotation
from pycall.compat.given import Given
from pycall.compat.promise import When, verb
from pycall.compat.shared_names import SharedNames
from pycall.core.errors import CallError, ErrorCode

_PROFILES = {
    Resolution.Resolution_640_360: "360p",
    Resolution.Resolution_960_540: "540p",
    Resolution.Resolution_1280_720: "720p",
    Resolution.Resolution_1920_1080: "1080p",
}
_WEB, _NATIVE = ("objectFit", "mirror", "muted"), ("fillMode", "rotation")
"""Of `setVideoRenderParams`; a view has no sound, so `muted` changes nothing."""
Degrees = Literal[0, 90, 180, 270]


class MediaNames(SharedNames):
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

    @verb("params", "resolution", "resolutionMode")
    async def setVideoEncoderParams(self, given: Given) -> None:
        """`VideoEncoderParams(resolution, resolutionMode)`."""
        size = given.one_of("resolution", Resolution)
        mode = given.one_of("resolutionMode", ResolutionMode, ResolutionMode.Landscape)
        portrait = mode is ResolutionMode.Portrait
        await self.engine.set_video_encoder_params(_PROFILES[size], "portrait" if portrait else "landscape")

    @verb("userID", "params", "fillMode", "rotation", "objectFit", "mirror", "muted")
    async def setVideoRenderParams(self, given: Given) -> None:
        """Natively `(userId, VideoRenderParams(fillMode, rotation))`, on the Web `{userID?, objectFit, mirror}`."""
        user = given.text("userID", self._own)
        web, native = [any(map(given.has, names)) for names in (_WEB, _NATIVE)]
        if web and (given.has("objectFit") or given.has("mirror") or not native):
            await self._render(given, user)
            return
        crop = given.one_of("fillMode", FillMode, FillMode.Fit) is FillMode.Fill
        turn = cast("Degrees", 90 * given.one_of("rotation", Rotation, Rotation.Rotation_0))
        await self.engine.set_video_render_params(user, fill_mode="fill" if crop else "fit", rotation=turn)

    set_video_encoder_params, set_video_render_params = setVideoEncoderParams, setVideoRenderParams

    # --- the way out ---------------------------------------------------------------------------------------------

    @verb("jsonStr", when=When.ALWAYS)
    async def callExperimentalAPI(self, given: Given) -> None:
        """Refused, always, whatever the text: there is none."""
        given.text("jsonStr")
        raise CallError(ErrorCode.NOT_SUPPORTED, f"{given.verb}: there is no experimental API here")

    def getTRTCCloudInstance(self) -> CallEngine:
        """What stands behind it all: the CallEngine, with every verb of its own."""
        return self.engine

    call_experimental_api, get_trtc_cloud_instance = callExperimentalAPI, getTRTCCloudInstance
