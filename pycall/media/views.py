"""Where one user's pictures are shown, and how: turned, mirrored, and fitted into the view's own size.

    picture of bob ─► turned and mirrored as asked for bob ─► fitted into the view's size, if it has one ─► sink

What is asked for a user holds for every view of them; a recording keeps the pictures as they came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pycall.core.types import UserId, VideoProfile
from pycall.media.frames import VideoFrame
from pycall.media.shape import PictureShaper
from pycall.media.sink import VideoSink, as_video_sink, open_video_sink
from pycall.media.turn import middle, turned

FillMode = Literal["fit", "fill"]
Size = tuple[int, int]
Showing = str | VideoSink | Callable[[VideoFrame], None]
"""What a user may be shown in: a sink by name or as an object, or a function that is called with each picture."""


@dataclass(frozen=True, slots=True)
class RenderParams:
    """How one user's pictures are shown.

    `fit` shows all of a picture with black bars, `fill` leaves out what sticks out of the view; both matter only in a
    view with a size. `rotation` is clockwise: 0, 90, 180 or 270 degrees. `mirror` swaps left and right after that.
    """

    fill_mode: FillMode = "fit"
    rotation: int = 0
    mirror: bool = False


_AS_IT_IS = RenderParams()


class RenderBook:
    """What is asked for each user; changed by the engine, read by every view at each picture."""

    def __init__(self) -> None:
        self._params: dict[UserId, RenderParams] = {}

    def set(self, user_id: UserId, params: RenderParams) -> None:
        self._params[user_id] = params

    def of(self, user_id: UserId) -> RenderParams:
        return self._params.get(user_id, _AS_IT_IS)


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """A view that is asked for: kept between calls, opened anew in each."""

    showing: Showing
    size: Size | None = None

    def make(self, book: RenderBook, user_id: UserId | None = None) -> View:
        """The view, not started yet; raises `ConfigError` or `MediaError` for a name that means nothing."""
        return View(_as_sink(self.showing), book, user_id, self.size)


class View:
    """A sink around another one, which gets the pictures of one user (None: of all) as they are to be shown."""

    def __init__(self, sink: VideoSink, book: RenderBook, user_id: UserId | None = None, size: Size | None = None):
        self.name = str(getattr(sink, "name", type(sink).__name__))
        self._sink = sink
        self._book = book
        self._user_id = user_id
        self._size = size
        self._shaper = PictureShaper(VideoProfile("", *size, 120, 0)) if size else None

    def start(self) -> None:
        self._sink.start()

    def see(self, user_id: UserId, frame: VideoFrame) -> None:
        """Turning and fitting take up to 3 ms at 720p, on the event loop like every sink."""
        if self._user_id in (None, user_id):
            self._sink.see(user_id, self._rendered(frame, self._book.of(user_id)))

    def stop(self) -> None:
        self._sink.stop()

    def _rendered(self, frame: VideoFrame, params: RenderParams) -> VideoFrame:
        picture = turned(frame.picture, -(params.rotation // 90), mirror=params.mirror)
        if self._shaper is not None and self._size is not None:
            whole = params.fill_mode == "fit"
            picture = self._shaper.fit(picture if whole else middle(picture, *self._size))
        return frame if picture is frame.picture else VideoFrame(picture, frame.time)


def _as_sink(showing: Showing) -> VideoSink:
    sink = as_video_sink(showing)
    return open_video_sink(sink) if isinstance(sink, str) else sink
