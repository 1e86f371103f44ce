"""A view shows the user it is for, and a sink of any kind may be one."""

from __future__ import annotations

import numpy as np

from pycall.media.frames import VideoFrame
from pycall.media.views import RenderBook, RenderParams, View, ViewSpec
from tests.quarters import Watcher, quarters


def test_a_view_of_one_user_shows_nobody_else() -> None:
    watcher = Watcher()
    view = View(watcher, RenderBook(), "bob")
    frame = VideoFrame.from_numpy(quarters())
    view.see("eve", frame)
    assert watcher.newest is None
    view.see("bob", frame)
    assert watcher.users == {"bob"}


def test_each_user_is_turned_as_asked_for_them_in_the_view_of_all() -> None:
    watcher, book = Watcher(), RenderBook()
    view = ViewSpec(watcher).make(book)
    book.set("bob", RenderParams(rotation=270))
    frame = VideoFrame.from_numpy(quarters())
    view.see("eve", frame)
    assert watcher.newest is not None and watcher.newest.shape == (360, 640, 3)
    view.see("bob", frame)
    assert watcher.newest.shape == (640, 360, 3)


def test_a_picture_that_needs_nothing_is_passed_on_itself() -> None:
    seen: list[VideoFrame] = []
    frame = VideoFrame.from_numpy(np.zeros((90, 160, 3), np.uint8))
    ViewSpec(seen.append).make(RenderBook(), "bob").see("bob", frame)
    assert seen == [frame]
