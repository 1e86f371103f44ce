"""How a call is shown: a live status line on a terminal, plain lines elsewhere, JSON lines for scripts."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pycall.core import events as ev
from pycall.core.types import MediaType, NetworkQuality, UserId

from .wording import clock, sentence, to_json

if TYPE_CHECKING:
    from rich.text import Text

PLAIN_STATUS_SECONDS = 10.0
HANGING_UP = "hanging up"
METER_WIDTH, NARROW_METER_WIDTH = 8, 4
LEAST_FIRST = ("wide meters", "rates", "quality", "camera", "levels", "time")
"""What the status line does without, one after the other, until it fits; state, MUTED and the keys stay."""


@dataclass(slots=True)
class Status:
    """What the status line shows, gathered from events."""

    user_id: UserId
    state: str = "waiting for calls"
    media: MediaType | None = None
    began: float | None = None
    microphone_open: bool = True
    camera_open: bool = False
    volumes: Mapping[UserId, int] = field(default_factory=dict)
    qualities: Mapping[UserId, NetworkQuality] = field(default_factory=dict)
    bitrate_in: float = 0.0
    bitrate_out: float = 0.0

    def take(self, event: ev.Event) -> None:
        """Remember what an event says about the call."""
        match event:
            case ev.VoiceVolume(volumes):
                self.volumes = volumes
            case ev.NetworkQualityChanged(qualities):
                self.qualities = qualities
            case ev.MediaStatistics():
                self.bitrate_in, self.bitrate_out = event.bitrate_in, event.bitrate_out
            case ev.CallMediaChanged(new=new):
                self.media = new
            case ev.UserJoined() if self.began is None:
                self._come_to("connecting")
            case ev.CallBegan(media=media):
                self.media, self.began = media, time.monotonic()
                self._come_to("talking")
            case ev.CallReconnecting():
                self._come_to("reconnecting")
            case ev.CallReconnected():
                self._come_to("talking")
            case ev.CallNotConnected() | ev.CallEnded():
                self.media, self.began = None, None
                self.volumes, self.qualities, self.bitrate_in, self.bitrate_out = {}, {}, 0.0, 0.0

    def _come_to(self, state: str) -> None:
        """Whatever still happens, who hangs up is hanging up."""
        self.state = self.state if self.state == HANGING_UP else state

    @property
    def own_level(self) -> int:
        return self.volumes.get(self.user_id, 0)

    @property
    def other_level(self) -> int:
        return max((v for user, v in self.volumes.items() if user != self.user_id), default=0)

    @property
    def quality(self) -> NetworkQuality:
        """The worst of all connections, ours included."""
        return max(self.qualities.values(), default=NetworkQuality.UNKNOWN)


class View(Protocol):
    """Where a call is shown."""

    def event(self, event: ev.Event) -> None: ...

    def notice(self, text: str) -> None: ...

    def status(self, status: Status) -> None: ...

    def pause(self) -> None:
        """The terminal belongs to somebody else now; lines may still be written."""
        ...

    def resume(self) -> None:
        """It is ours (again)."""
        ...

    def close(self) -> None: ...


def _write(stream: str, text: str) -> None:
    out = getattr(sys, stream)
    out.write(text + "\n")
    out.flush()


class _Lines:
    """What only writes lines needs no terminal."""

    def pause(self) -> None:
        pass

    def resume(self) -> None:
        pass

    def close(self) -> None:
        pass


class JsonView(_Lines):
    """One JSON object per event on stdout; notices go to stderr."""

    def event(self, event: ev.Event) -> None:
        _write("stdout", to_json(event))

    def notice(self, text: str) -> None:
        _write("stderr", f"pycall: {text}")

    def status(self, status: Status) -> None:
        pass


class PlainView(_Lines):
    """One line per event, and the status every ten seconds of a call."""

    def __init__(self) -> None:
        self._next_status = 0.0

    def event(self, event: ev.Event) -> None:
        line = sentence(event)
        if line is not None:
            _write("stdout", line)

    def notice(self, text: str) -> None:
        _write("stdout", text)

    def status(self, status: Status) -> None:
        now = time.monotonic()
        if status.began is not None and now >= max(self._next_status, status.began + PLAIN_STATUS_SECONDS):
            self._next_status = now + PLAIN_STATUS_SECONDS
            _write("stdout", status_line(status).plain)


class LiveView:
    """Events as lines that scroll, and under them one status line that moves."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def event(self, event: ev.Event) -> None:
        line = sentence(event)
        if line is not None:
            self.notice(line)

    def notice(self, text: str) -> None:
        self._console.print(text, markup=False)

    def status(self, status: Status) -> None:
        if self._live.is_started:
            self._live.update(status_line(status, self._console.width), refresh=True)

    def pause(self) -> None:
        self._live.stop()

    def resume(self) -> None:
        self._live.start()

    def close(self) -> None:
        self._live.stop()


def open_view(*, json: bool, screen_taken: bool = False) -> View:
    """The view that fits: JSON if asked for, a live line on a terminal, else (or under pictures) plain lines."""
    if json:
        return JsonView()
    return LiveView() if sys.stdout.isatty() and not screen_taken else PlainView()


_QUALITY = {
    NetworkQuality.UNKNOWN: ("quality ?", "dim"),
    NetworkQuality.EXCELLENT: ("excellent", "green"),
    NetworkQuality.GOOD: ("good", "green"),
    NetworkQuality.POOR: ("poor", "yellow"),
    NetworkQuality.BAD: ("bad", "red"),
    NetworkQuality.VERY_BAD: ("very bad", "red"),
    NetworkQuality.DOWN: ("down", "bold red"),
}


def _meter(level: int, width: int) -> str:
    filled = round(level / 100 * width)
    return "█" * filled + "░" * (width - filled)


def _rate(bits: float) -> str:
    return f"{bits / 1e6:.1f}M" if bits >= 1e6 else f"{bits / 1e3:.0f}k"


def status_line(status: Status, width: int | None = None) -> Text:
    """State, time, levels (ours, theirs), quality, rates (up, down), microphone, camera and keys, in `width` columns.

    Where that is too narrow for all, what tells least is left out. None: as wide as it gets.
    """
    without: set[str] = set()
    line = _line(status, without)
    for name in LEAST_FIRST:
        if width is None or line.cell_len <= width:
            break
        without.add(name)
        line = _line(status, without)
    return line


def _line(status: Status, without: Collection[str]) -> Text:
    from rich.text import Text

    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f" {status.state} ", "reverse")
    if status.began is None:
        return line
    for name, text, style in _parts(status, NARROW_METER_WIDTH if "wide meters" in without else METER_WIDTH):
        if name not in without:
            line.append(text, style)
    return line


def _parts(status: Status, meter: int) -> Iterator[tuple[str, str, str]]:
    """What is shown behind the state of a call: what it is, the text, its style."""
    assert status.began is not None
    yield "time", f" {clock(time.monotonic() - status.began)} ", "bold"
    if status.state == HANGING_UP:
        return
    yield "levels", f" me {_meter(status.own_level, meter)} them {_meter(status.other_level, meter)} ", ""
    quality, colour = _QUALITY[status.quality]
    yield "quality", f" {quality} ", colour
    yield "rates", f" ↑{_rate(status.bitrate_out)} ↓{_rate(status.bitrate_in)} ", "cyan"
    if not status.microphone_open:
        yield "muted", " MUTED ", "bold white on red"
    if status.media is not None and status.media.has_video:
        yield "camera", " camera on " if status.camera_open else " camera off ", "dim"
    yield "keys", " m c v q", "dim"
