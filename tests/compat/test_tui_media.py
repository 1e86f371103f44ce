"""Views, encoder and render parameters, log level and the experimental door, by their documented names."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from pycall.compat.enums import FillMode, Resolution, ResolutionMode, Rotation, TUICamera
from pycall.compat.structs import VideoEncoderParams, VideoRenderParams
from tests.compat.desk import Trtc, Tui, View, refusal, talk


@pytest.fixture
def log_level() -> Iterator[None]:
    before = logging.getLogger("pycall").level
    yield
    logging.getLogger("pycall").setLevel(before)


class Playing:
    """A PlayCallback as native programs have it."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def onLoading(self, userId: str) -> None:
        self.told.append(f"loading {userId}")

    def onPlaying(self, userId: str) -> None:
        self.told.append(f"playing {userId}")

    def onError(self, userId: str, code: int, message: str) -> None:
        self.told.append(f"error {userId} {code}")


async def test_somebody_and_oneself_are_shown_in_views(alice: Tui, bob: Tui) -> None:
    error = await refusal(alice.engine.startRemoteView({"userID": "bob", "videoViewDomID": "null"}))
    assert error.code == -1203
    params = VideoEncoderParams(Resolution.Resolution_640_360, ResolutionMode.Landscape)
    await bob.engine.setVideoEncoderParams(params)
    await talk(alice, bob, 2)
    view, mirror = View(), View()
    options = {"objectFit": "cover", "mirror": True, "muted": False}
    await alice.engine.startRemoteView({"userID": "bob", "videoViewDomID": view, "options": options})
    await view.saw("640x360")
    played = Playing()
    await alice.engine.startRemoteView("bob", view, played)
    await alice.engine.startRemoteView({"userID": "bob", "videoViewDomID": "no-sink"}, played)
    assert played.told == ["loading bob", "playing bob", "loading bob", "error bob -1202"]
    await alice.engine.setVideoRenderParams("bob", VideoRenderParams(FillMode.Fit, Rotation.Rotation_90))
    await view.saw("360x640")
    await alice.engine.setVideoRenderParams({"userID": "bob", "muted": True})
    later = View()
    await alice.engine.startRemoteView("bob", later)
    await later.saw("360x640")
    await alice.engine.openCamera(TUICamera.Front, mirror)
    await mirror.saw("640x360")
    await alice.engine.stopLocalView()
    await alice.engine.stopRemoteView({"userID": "bob"})
    await bob.engine.setVideoEncoderParams(resolution=108, resolutionMode=1)
    await bob.engine.startLocalView({"userID": "bob", "videoViewDomID": mirror})
    await mirror.saw("360x640")


async def test_effects_and_one_that_needs_a_model(alice: Tui) -> None:
    assert (await refusal(alice.engine.setBlurBackground(3))).code == -1002
    await alice.engine.setBlurBackground({"level": 3, "mode": "whole"})
    await alice.engine.setBlurBackground(0)
    assert (await refusal(alice.engine.setVirtualBackground("no-such.png", mode="chroma_key"))).code == -1202
    await alice.engine.setVirtualBackground("")
    await alice.engine.setBeautyLevel(4.5)
    assert (await refusal(alice.engine.set_beauty_level(10))).inner_code == -120203
    await alice.engine.enableAIVoice(True)
    assert (await refusal(alice.engine.enableAIVoice(1))).inner_code == -120201


@pytest.mark.parametrize(
    ("verb", "arguments", "inner"),
    [
        ("setVideoRenderParams", {"userID": "bob", "objectFit": "squeeze"}, -120203),
        ("setVideoRenderParams", {"userID": "bob", "rotation": 90}, -120203),
        ("setVideoEncoderParams", {"resolution": 1}, -120203),
        ("setVideoEncoderParams", {}, -120200),
        ("setVideoQuality", {"profile": 720}, -120201),
        ("setLogLevel", {"level": 5}, -120203),
        ("callExperimentalAPI", {}, -120200),
    ],
)
async def test_wrong_settings_are_refused(alice: Tui, verb: str, arguments: dict[str, Any], inner: int) -> None:
    assert (await refusal(getattr(alice.engine, verb)(arguments))).inner_code == inner


@pytest.mark.usefixtures("log_level")
async def test_log_level_quality_and_the_experimental_door(alice: Tui, invitee: Trtc) -> None:
    await invitee.calling.setLogLevel(3)
    assert logging.getLogger("pycall").level == logging.ERROR
    await alice.engine.set_log_level(0)
    assert logging.getLogger("pycall").level == logging.DEBUG
    await alice.engine.setVideoQuality("480p")
    for asked in ('{"api": "forceUseV2API", "params": {"enable": true}}', "{}", "[]", "no JSON"):
        error = await refusal(alice.engine.callExperimentalAPI(asked))
        assert (error.code, error.inner_code) == (-1205, None)
        assert str(error).count("-1205") == 1
