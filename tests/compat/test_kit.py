"""The calling component: its eight states from both ends, the bell, the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from pycall.compat.kit import FeatureButton, LayoutMode, TUICallEvent, TUICallKit, VideoDisplayMode
from pycall.compat.tui import TUICallError
from tests.compat.desk import Log, options, refusal
from tests.media_tools import sine, write_media
from tests.phones import Ear
from tests.switchroom import APP_ID, Switchroom


class Loudspeaker(Ear):
    """An ear that knows when it was taken and let go of."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: list[str] = []

    def start(self) -> None:
        super().start()
        self.turns.append("taken")

    def stop(self) -> None:
        super().stop()
        self.turns.append("let go")


class Kit:
    """A component with the list of its states and of what its `on` and its callbacks told."""

    def __init__(self, kit: TUICallKit, ear: Loudspeaker) -> None:
        self.kit, self.ear = kit, ear
        self.log = Log()
        self.moves: list[str] = []
        for name in TUICallEvent:
            kit.on(name, self.log.keeps(str(name)))
        kit.setProps(
            statusChanged=lambda change: self.moves.append(f"{change.oldStatus} -> {change.newStatus}"),
            beforeCalling=lambda kind: self.log.keeps("beforeCalling")(kind),
            afterCalling=lambda: self.log.keeps("afterCalling")(None),
            settingsChanged=lambda name, value: self.log.keeps("setting")((name, value)),
        )


@asynccontextmanager
async def component(server: Switchroom, user: str, **changes: Any) -> AsyncIterator[Kit]:
    ear = Loudspeaker()
    it = Kit(TUICallKit(options(server, audio_sink=ear, **changes)), ear)
    await it.kit.login(APP_ID, user, server.ticket(user))
    yield it
    await it.kit.getTUICallEngineInstance().destroyInstance()
    assert ear.started == ear.stopped


@pytest_asyncio.fixture
async def alice(server: Switchroom) -> AsyncIterator[Kit]:
    async with component(server, "alice") as it:
        yield it


@pytest_asyncio.fixture
async def bob(server: Switchroom) -> AsyncIterator[Kit]:
    async with component(server, "bob", audio_source="tone:1000") as it:
        yield it


async def talk(alice: Kit, bob: Kit, kind: int) -> None:
    await alice.kit.call({"userID": "bob", "type": kind})
    await bob.log.saw("onCallReceived")
    await bob.kit.accept()
    await alice.log.saw("onCallBegin")
    await bob.log.saw("onCallBegin")


async def test_the_states_of_a_call_that_switches_to_voice(alice: Kit, bob: Kit) -> None:
    await talk(alice, bob, 2)
    assert [one.userId for one in alice.kit.remoteUserInfoList] == ["bob"]
    assert alice.kit.remoteUserInfoList[0].isEnter
    await alice.log.until(lambda: alice.kit.remoteUserInfoList[0].volume > 0, 10, "a voice")
    assert alice.kit.callDuration >= 0
    await alice.kit.getTUICallEngineInstance().switchCallMediaType(1)
    await bob.log.saw("onCallTypeChanged")
    await refusal(alice.kit.getTUICallEngineInstance().switchCallMediaType(1))
    assert (await alice.log.saw("onError")).code == 60001
    await alice.kit.hangup()
    await bob.log.saw("afterCalling")
    await alice.log.saw("afterCalling")
    after = ["calling-c2c-video -> calling-c2c-audio", "calling-c2c-audio -> idle"]
    assert alice.moves == ["idle -> dialing-c2c", "dialing-c2c -> calling-c2c-video", *after]
    assert bob.moves == ["idle -> be-invited", "be-invited -> calling-c2c-video", *after]
    assert (alice.log.all("beforeCalling"), bob.log.all("beforeCalling")) == (["call"], ["invited"])


async def test_a_call_that_is_refused_or_never_made(alice: Kit, bob: Kit) -> None:
    await alice.kit.call({"userID": "bob", "type": 1})
    await bob.log.saw("onCallReceived")
    assert (await refusal(bob.kit.destroyed())).code == -1203
    await bob.kit.reject()
    await alice.log.saw("afterCalling")
    await bob.log.saw("afterCalling")
    assert alice.moves == ["idle -> dialing-c2c", "dialing-c2c -> idle"]
    assert bob.moves == ["idle -> be-invited", "be-invited -> idle"]
    assert (await refusal(alice.kit.call({"userID": "nobody", "type": 1}))).code == 8021
    assert alice.log.all("beforeCalling") == ["call"]


async def test_an_incoming_call_rings_until_it_is_answered(alice: Kit, bob: Kit, tmp_path: Path) -> None:
    bell = tmp_path / "bell.wav"
    write_media(bell, sound=sine(700, 48_000))
    bob.kit.setCallingBell(str(bell))
    await alice.kit.call({"userID": "bob", "type": 1})
    await bob.ear.tone(700)
    await bob.kit.accept()
    await bob.ear.tone(440)
    assert bob.ear.turns == ["taken", "let go", "taken"], "the bell lets go before the call takes it"
    await alice.ear.tone(1000)


async def test_the_usual_ringing_tone_and_an_end_to_it(alice: Kit, bob: Kit) -> None:
    await alice.kit.call({"userID": "bob", "type": 1})
    await bob.ear.tone(425)
    await alice.kit.hangup()
    await bob.ear.stopped_hearing()
    await bob.log.saw("afterCalling")
    assert alice.ear.started == 1, "the caller hears no bell"


async def test_mute_mode_and_a_bell_that_is_no_file(alice: Kit, bob: Kit, caplog: pytest.LogCaptureFixture) -> None:
    bob.kit.enableMuteMode(True)
    await alice.kit.call({"userID": "bob", "type": 1})
    await bob.log.saw("onCallReceived")
    await bob.kit.reject()
    await alice.log.saw("afterCalling")
    assert bob.ear.started == 0
    bob.kit.enableMuteMode(False)
    bob.kit.setCallingBell("/nowhere/bell.mp3")
    await talk(alice, bob, 1)
    assert "an incoming call does not ring: there is no file" in caplog.text


async def test_a_video_call_may_begin_with_the_camera_closed(alice: Kit, bob: Kit) -> None:
    for side in (alice, bob):
        side.kit.setCameraDefaultState(False)
    await talk(alice, bob, 2)
    assert not alice.kit.getTUICallEngineInstance().engine.camera_open
    await bob.log.until(lambda: not bob.kit.getTUICallEngineInstance().engine.camera_open, 5, "a closed camera")
    await alice.log.until(lambda: not alice.kit.remoteUserInfoList[0].isVideoAvailable, 5, "word of it")
    assert not bob.kit.remoteUserInfoList[0].isVideoAvailable


async def test_settings_are_kept_for_a_user_interface(alice: Kit, caplog: pytest.LogCaptureFixture) -> None:
    kit = alice.kit
    kit.setLanguage("ja_JP")
    kit.setLanguage("tlh")
    assert kit.language == "ja_JP"
    assert "en, zh-cn, ja_JP" in caplog.text
    kit.hideFeatureButton(FeatureButton.Camera)
    kit.hideFeatureButton("inviteUser")
    kit.disableControlButton(FeatureButton.AudioPlaybackDevice)
    hidden = {FeatureButton.Camera, FeatureButton.InviteUser, FeatureButton.AudioPlaybackDevice}
    assert kit.hiddenButtons == hidden
    kit.setRemoteViewBackgroundImage("*", "sky.png")
    kit.setLayoutMode("local")
    assert (kit.remoteViewBackgroundImages, kit.layoutMode) == ({"*": "sky.png"}, LayoutMode.LocalInLargeView)
    assert ("layoutMode", LayoutMode.LocalInLargeView) in alice.log.all("setting")
    kit.setProps(videoDisplayMode="contain")
    assert kit.videoDisplayMode is VideoDisplayMode.CONTAIN
    for wrong in [{"videoDisplayMode": "squeeze"}, {"colour": "red"}, {"beforeCalling": 7}, {"allowedMinimized": 1}]:
        with pytest.raises(TUICallError) as refused:
            kit.setProps(**wrong)
        assert refused.value.code == -1202
    with pytest.raises(TUICallError, match="enableFloatWindow"):
        kit.setMinimized(True)
    with pytest.raises(TUICallError):
        kit.enableMuteMode("yes")  # type: ignore[arg-type]


async def test_a_second_init_only_warns(alice: Kit, caplog: pytest.LogCaptureFixture, server: Switchroom) -> None:
    await alice.kit.init({"SDKAppID": APP_ID, "userID": "alice", "userSig": server.ticket("alice")})
    assert "signed in already" in caplog.text
