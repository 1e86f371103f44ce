"""What a CallEngine can be told when it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Literal

from pycall.config_checks import check_config
from pycall.core.codecs import DEFAULT_VIDEO_CODECS

if TYPE_CHECKING:
    from pycall.core.wire import IceServer
    from pycall.media.frames import AudioFrame, VideoFrame
    from pycall.media.process.segmentation import SegmentationModel
    from pycall.media.sink import AudioSink, VideoSink
    from pycall.media.source import AudioSource, VideoSource

DEFAULT_SERVER = "ws://127.0.0.1:8790/ws"
DEFAULT_APP_ID = 1400000000


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """Settings of one CallEngine; nothing here changes while it lives.

    Sources and sinks are named (`mic`, `camera:0`, `file:talk.mp4`, `tone:440`, `pattern`, `speaker`, `null`, ...) or
    given as objects that fit the protocols of `pycall.media.source` and `pycall.media.sink`. A sink may be a plain
    function as well: it is called with each frame on the event loop and must return at once.
    """

    server: str = DEFAULT_SERVER
    """WebSocket URL of the signaling server, `ws://` or `wss://`."""
    app_id: int = DEFAULT_APP_ID
    """SDKAppID; must be the server's."""
    audio_profile: Literal["voice", "music"] = "voice"
    """`voice`: mono, 40 kbit/s. `music`: stereo both ways, 128 kbit/s if the link takes it; who did not ask for stereo
    gets a mono mix of 64 kbit/s. Sinks then get two channels; noise suppression and DTX are off."""
    audio_source: str | AudioSource = "mic"
    video_source: str | VideoSource = "camera:0"
    audio_sink: str | AudioSink | Callable[[AudioFrame], None] = "speaker"
    video_sink: str | VideoSink | Callable[[VideoFrame], None] = "null"
    segmentation_model: str | SegmentationModel | None = None
    """ONNX file that finds people in pictures, for `BackgroundMode.PERSON`; a path alone takes values from 0 to 1."""
    record: str | PathLike[str] | None = None
    """Write each call to this file (`.mkv` or `.mp4`): their picture and ours, both voices in one track.

    An existing file is replaced; an engine's second call goes to `name-2.mkv` and so on.
    """
    video_profile: str = "720p30"
    """`360p`, `480p`, `540p`, `720p`, `1080p` with 15 or 30 behind it; without a number 15 fps."""
    video_codecs: tuple[str, ...] = DEFAULT_VIDEO_CODECS
    """Of `H264`, `VP8` and `AV1`, the best one first; the first that the other side has too is what we send.

    AV1 looks better at the same bitrate and costs more CPU.
    """
    dtx: bool = False
    """While nobody speaks, send a sign of life every 0.4 s instead of 50 packets a second of silence."""
    hardware: bool = False
    """Encode H.264 by the graphics processor if it can; whether it can is tried at the first sign-in (up to 2 s)."""
    ice_servers: tuple[str | IceServer, ...] = ()
    """STUN and TURN servers: `stun:host:3478`, `turn:user:password@host:3478?transport=udp` (or `tcp`, or `turns:` for
    TLS), or `IceServer(urls=(...), username=..., credential=...)`. All are asked at once, beside those that the
    signaling server hands out. None are needed on one machine or one local network."""
    relay_only: bool = False
    """Send everything by TURN, so that nobody in a call learns this machine's addresses."""
    volume_interval: float = 1.0
    """Seconds between `VoiceVolume` events, 0.1 to 10."""
    quality_interval: float = 2.0
    """Seconds between `NetworkQualityChanged` events, 1 to 10."""
    connect_timeout: float = 20.0
    """Seconds that media may take to come up after the answer before the call ends with MEDIA_FAILED."""
    reply_timeout: float = 10.0
    """Seconds that a verb waits for the server's answer before it raises SignalingError."""

    def __post_init__(self) -> None:
        """Raises `ConfigError`, which names the setting, for a value that can never work; opens nothing."""
        check_config(self)
