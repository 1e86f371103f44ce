"""What can be set on the calling component: props, and the switches that a user interface reads.

There is no user interface here. What only one could carry out (a button, a background, a layout) is kept and can be
read from the attributes; `settingsChanged(name, value)`, if given, is called for each change.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from pycall.compat.codes import TUICallError, TUIErrorCode
from pycall.compat.emitter import call_back, room_for

log = logging.getLogger(__name__)

LANGUAGES = ("en", "zh-cn", "ja_JP")


class VideoDisplayMode(StrEnum):
    """How others' pictures fill their views: with bars, cropped, or stretched (shown cropped here)."""

    CONTAIN = "contain"
    COVER = "cover"
    FILL = "fill"


class VideoResolution(StrEnum):
    """The picture's size."""

    RESOLUTION_360P = "360p"
    RESOLUTION_480P = "480p"
    RESOLUTION_540P = "540p"
    RESOLUTION_720P = "720p"
    RESOLUTION_1080P = "1080p"


class FeatureButton(StrEnum):
    """Buttons that can be hidden."""

    Camera = "camera"
    Microphone = "microphone"
    SwitchCamera = "switchCamera"
    InviteUser = "inviteUser"
    AudioPlaybackDevice = "audioPlaybackDevice"


class LayoutMode(StrEnum):
    """Whose picture is the large one."""

    LocalInLargeView = "local"
    RemoteInLargeView = "remote"


class KitSettings:
    """Props by their documented names, and the methods that set more."""

    def __init__(self) -> None:
        self.beforeCalling: Callable[..., object] | None = None
        """`(type, error)`: once a call is under way (`call`, `groupCall`) or somebody calls (`invited`)."""
        self.afterCalling: Callable[..., object] | None = None
        """`()`: when it is over."""
        self.onMinimized: Callable[..., object] | None = None
        """`(was, is)`: True while minimised."""
        self.kickedOut: Callable[..., object] | None = None
        """`()`: signed in elsewhere; the call is over."""
        self.statusChanged: Callable[..., object] | None = None
        """`({oldStatus, newStatus})`."""
        self.onMessageSentByMe: Callable[..., object] | None = None
        """Taken, never called: there are no chat messages here."""
        self.settingsChanged: Callable[..., object] | None = None
        """`(name, value)`: for a user interface; not documented elsewhere."""
        self.allowedMinimized = False
        self.allowedFullScreen = True
        self.videoDisplayMode = VideoDisplayMode.COVER
        self.videoResolution = VideoResolution.RESOLUTION_480P
        self.isMinimized = False
        self.isFullScreen = False
        self.language = "en"
        self.callingBell = ""
        self.muteMode = False
        self.virtualBackground = False
        self.incomingBanner = False
        self.hiddenButtons: frozenset[FeatureButton] = frozenset()
        self.localViewBackgroundImage = ""
        self.remoteViewBackgroundImages: dict[str, str] = {}
        self.layoutMode = LayoutMode.RemoteInLargeView
        self.cameraDefaultState = True
        self.screenOrientation = 0
        self.adapter: object = None

    def setProps(self, **props: Any) -> None:
        """Bind props, as the component's template does. Raises `TUICallError` (-1202) for one no document has."""
        for name, value in props.items():
            fits = isinstance(value, bool) if name in _SWITCHES else value is None or callable(value)
            if name in _CALLBACKS | _SWITCHES and fits:
                setattr(self, name, value)
            elif name == "videoDisplayMode":
                self.videoDisplayMode = _member(VideoDisplayMode, name, value)
            elif name == "videoResolution":
                self.videoResolution = _member(VideoResolution, name, value)
            else:
                raise _wrong(f"the component has no prop {name} that could be {value!r}")

    setCallback = set_callback = set_props = setProps

    # --- switches ------------------------------------------------------------------------------------------------

    def setCallingBell(self, filePath: str = "") -> None:
        """The sound of an incoming call, a file; empty: the usual ringing tone. Heard by the audio sink."""
        self._set("callingBell", filePath, str)

    def enableMuteMode(self, enable: bool) -> None:
        """True: incoming calls do not ring."""
        self._set("muteMode", enable, bool)

    def enableFloatWindow(self, enable: bool) -> None:
        """True: the component may be minimised."""
        self._set("allowedMinimized", enable, bool)

    def enableVirtualBackground(self, enable: bool) -> None:
        """True: a user interface shows the button for it."""
        self._set("virtualBackground", enable, bool)

    def enableIncomingBanner(self, enable: bool) -> None:
        """True: a user interface shows a banner for an incoming call, not a full view."""
        self._set("incomingBanner", enable, bool)

    def setLanguage(self, language: str) -> None:
        """`en`, `zh-cn` or `ja_JP`; others are ignored, with a warning."""
        if language in LANGUAGES:
            self._set("language", language, str)
        else:
            log.warning("setLanguage: there are %s only", ", ".join(LANGUAGES))

    def hideFeatureButton(self, *buttons: str) -> None:
        """Buttons that a user interface leaves out."""
        wanted = {_member(FeatureButton, "button", button) for button in buttons}
        self._set("hiddenButtons", self.hiddenButtons | wanted, frozenset)

    def setLocalViewBackgroundImage(self, url: str) -> None:
        """Shown while the own camera is closed."""
        self._set("localViewBackgroundImage", url, str)

    def setRemoteViewBackgroundImage(self, userId: str, url: str) -> None:
        """Shown while that user's camera is closed; `*` is everybody."""
        self._set("remoteViewBackgroundImages", {**self.remoteViewBackgroundImages, userId: url}, dict)

    def setLayoutMode(self, layoutMode: str) -> None:
        """Whose picture is the large one."""
        self._set("layoutMode", _member(LayoutMode, "layoutMode", layoutMode), LayoutMode)

    def setCameraDefaultState(self, isOpen: bool) -> None:
        """False: a video call begins with the camera closed."""
        self._set("cameraDefaultState", isOpen, bool)

    def setScreenOrientation(self, orientation: int) -> None:
        """0 upright, 1 wide, 2 as the device is held."""
        if orientation not in (0, 1, 2):
            raise _wrong("setScreenOrientation takes 0, 1 or 2")
        self._set("screenOrientation", int(orientation), int)

    def setAdapter(self, adapter: object) -> None:
        """Whatever draws the views; kept for it."""
        self._set("adapter", adapter, object)

    def setMinimized(self, minimized: bool) -> None:
        """What a user interface's button does; only where `allowedMinimized`. Not documented elsewhere."""
        if not self.allowedMinimized:
            raise TUICallError(TUIErrorCode.REQUEST_REFUSED, "enableFloatWindow(True) comes before minimising")
        self._minimize(minimized)

    def setFullScreen(self, fullScreen: bool) -> None:
        """What a user interface's button does; only where `allowedFullScreen`. Not documented elsewhere."""
        if not self.allowedFullScreen:
            raise TUICallError(TUIErrorCode.REQUEST_REFUSED, "allowedFullScreen is False")
        self._set("isFullScreen", fullScreen, bool)

    set_calling_bell, enable_mute_mode, enable_float_window = setCallingBell, enableMuteMode, enableFloatWindow
    enable_virtual_background, enable_incoming_banner = enableVirtualBackground, enableIncomingBanner
    set_language, hide_feature_button, set_layout_mode = setLanguage, hideFeatureButton, setLayoutMode
    disableControlButton = disable_control_button = hideFeatureButton
    set_local_view_background_image = setLocalViewBackgroundImage
    set_remote_view_background_image = setRemoteViewBackgroundImage
    set_camera_default_state, set_screen_orientation = setCameraDefaultState, setScreenOrientation
    set_adapter, set_minimized, set_full_screen = setAdapter, setMinimized, setFullScreen

    # --- steps ---------------------------------------------------------------------------------------------------

    def _minimize(self, minimized: bool) -> None:
        was = self.isMinimized
        self._set("isMinimized", minimized, bool)
        if was is not minimized:
            self._call(self.onMinimized, "onMinimized", was, minimized)

    def _set(self, name: str, value: Any, kind: type) -> None:
        if not isinstance(value, kind):
            raise _wrong(f"{name} cannot be {value!r}")
        setattr(self, name, value)
        self._call(self.settingsChanged, "settingsChanged", name, value)

    def _call(self, callback: Callable[..., object] | None, name: str, *values: object) -> None:
        """A callback that takes fewer arguments gets the first ones."""
        if callback is not None:
            call_back(name, callback, *values[: room_for(callback)])


_CALLBACKS = frozenset(
    [
        "beforeCalling",
        "afterCalling",
        "onMinimized",
        "kickedOut",
        "statusChanged",
        "onMessageSentByMe",
        "settingsChanged",
    ]
)
_SWITCHES = frozenset(["allowedMinimized", "allowedFullScreen"])


def _member(kind: type[Any], name: str, value: object) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise _wrong(f"{name} is {value!r}; use one of {', '.join(str(one) for one in kind)}") from None


def _wrong(problem: str) -> TUICallError:
    return TUICallError(TUIErrorCode.PARAM_INVALID, problem, TUIErrorCode.PARAM_RANGE)
