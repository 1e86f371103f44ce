"""The clip that comes with pycall, as the demo sends it and as it is compared afterwards."""

from __future__ import annotations

from pathlib import Path

import pycall
from pycall.core.types import VideoProfile
from pycall.media.source import AudioSource, VideoSource, open_audio_source, open_video_source
from pycall.media.stamped import ReferenceClip

CLIP = Path(pycall.__file__).parent / "data" / "bunny.mp4"
"""Five seconds of Big Buck Bunny, (c) Blender Foundation, CC BY 3.0."""


PROFILE = "720p30"


def open_sound() -> AudioSource:
    """The clip's sound, over and over."""
    return open_audio_source(f"file:{CLIP}")


def open_pictures(profile: VideoProfile) -> VideoSource:
    """The clip's pictures, over and over, each with its number and time drawn into its top lines."""
    return open_video_source(f"stamped:{CLIP}", profile)


def open_reference(profile: VideoProfile) -> ReferenceClip:
    """The same pictures by number, without the stamp; to be closed."""
    return ReferenceClip(str(CLIP), profile)
