"""What the application hands in wrong: one clear line with a stable code, before anything is sent or opened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pycall import (
    CallBegan,
    CallEngine,
    CallError,
    CallReceived,
    EngineConfig,
    ErrorCode,
    LoginError,
    MediaError,
    MediaType,
    PyCallError,
    Scene,
    SignalingError,
)
from pycall.bots.answering import AnsweringBot
from tests.media_tools import sine, write_media
from tests.phones import Phone, phone, ring, talk
from tests.switchroom import Switchroom

NO_IDS = ["", "a" * 33, "bob smith", "bob\n", "bob:1", "../bob", "böb", "bob\u200b", "ｂｏｂ", "🙂", None, 7, ["bob"]]


def test_the_defaults_make_an_engine_without_any_device() -> None:
    engine = CallEngine()
    assert (engine.user_id, engine.state, engine.call_id, engine.media, engine.role) == (None,) * 5
    assert (engine.members, engine.duration, engine.signed_in) == ((), 0.0, False)
    assert (engine.microphone_open, engine.camera_open) == (False, False)


@pytest.mark.parametrize("user_id", NO_IDS)
async def test_an_id_that_is_none_cannot_sign_in(user_id: Any) -> None:
    async with CallEngine() as engine:
        with pytest.raises(LoginError) as caught:
            await engine.login(user_id, "sig")
        assert caught.value.code is ErrorCode.BAD_ARGUMENT


@pytest.mark.parametrize("sig", ["", "x" * 5000, "sïg", None, b"sig"])
async def test_a_ticket_that_is_none(sig: Any) -> None:
    async with CallEngine() as engine:
        with pytest.raises(LoginError) as caught:
            await engine.login("alice", sig)
        assert caught.value.code is ErrorCode.SIG_MALFORMED


VERBS: list[Callable[[CallEngine], Any]] = [
    lambda engine: engine.call("bob"),
    lambda engine: engine.accept(),
    lambda engine: engine.reject(),
    lambda engine: engine.ignore(),
    lambda engine: engine.hangup(),
    lambda engine: engine.switch_media(MediaType.AUDIO),
    lambda engine: engine.open_microphone(),
    lambda engine: engine.close_microphone(),
    lambda engine: engine.open_camera(),
    lambda engine: engine.close_camera(),
]


@pytest.mark.parametrize("verb", VERBS)
async def test_verbs_before_the_login_say_so(verb: Callable[[CallEngine], Any]) -> None:
    async with CallEngine() as engine:
        with pytest.raises(LoginError) as caught:
            await verb(engine)
        assert caught.value.code is ErrorCode.NOT_LOGGED_IN


@pytest.mark.parametrize("verb", VERBS)
async def test_verbs_of_a_closed_engine_say_so(verb: Callable[[CallEngine], Any]) -> None:
    engine = CallEngine()
    await engine.aclose()
    await engine.aclose()
    with pytest.raises(PyCallError) as caught:
        await verb(engine)
    assert "closed" in str(caught.value)


async def test_no_server_at_the_login() -> None:
    async with CallEngine(EngineConfig(server="ws://127.0.0.1:1/ws")) as engine:
        with pytest.raises(SignalingError, match="pycall serve --dev") as caught:
            await engine.login("alice", "sig")
        assert caught.value.code is ErrorCode.UNREACHABLE
        assert not engine.signed_in


@pytest.mark.parametrize("callee", [*NO_IDS[:-1], ["bob smith"]])
async def test_an_id_that_is_none_cannot_be_called(alice: Phone, callee: Any) -> None:
    with pytest.raises(CallError) as caught:
        await alice.engine.call(callee)
    assert caught.value.code is ErrorCode.BAD_ARGUMENT


@pytest.mark.parametrize(
    ("callees", "options"),
    [
        ("alice", {}),
        ([], {}),
        (["alice", "alice"], {}),
        (["bob\n"], {}),
        (["bob", 7], {}),
        ([f"u{n}" for n in range(9)], {}),
        ("bob", {"timeout": -1}),
        ("bob", {"timeout": 86401}),
        ("bob", {"timeout": 1.5}),
        ("bob", {"timeout": True}),
        ("bob", {"timeout": None}),
        ("bob", {"media": "smell"}),
        ("bob", {"user_data": "x" * 4097}),
        ("bob", {"user_data": "ü" * 2049}),
        ("bob", {"user_data": "\ud800"}),
        ("bob", {"user_data": b"bytes"}),
        ("bob", {"room_id": 0}),
        ("bob", {"room_id": 2**31}),
        ("bob", {"room_id": True}),
        ("bob", {"room_id": "r" * 65}),
        ("bob", {"room_id": "room/1"}),
        ("bob", {"room_id": "room\n"}),
        ("bob", {"chat_group_id": "two words"}),
        ("bob", {"chat_group_id": None}),
        ("bob", {"chat_group_id": "g" * 65}),
    ],
)
async def test_a_call_that_cannot_be(alice: Phone, callees: Any, options: dict[str, Any]) -> None:
    with pytest.raises(CallError) as caught:
        await alice.engine.call(callees, **options)
    assert caught.value.code is ErrorCode.BAD_ARGUMENT
    assert "\n" not in str(caught.value)
    assert alice.engine.state is None


async def test_named_twice_is_called_once_and_never_oneself(alice: Phone, bob: Phone) -> None:
    await alice.engine.calls(["bob", "alice", "bob"], room_id="green room", timeout=0)
    received = await bob.saw(CallReceived)
    assert (received.callees, received.scene, received.room_id) == (("bob",), Scene.SINGLE, "green room")
    assert (alice.engine.scene, alice.engine.room_id) == (Scene.SINGLE, "green room")


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("join", ("",)),
        ("join", ("A" * 32,)),
        ("join", (None,)),
        ("join_in_group_call", (0, "team")),
        ("join_in_group_call", ("room", "")),
        ("join_in_group_call", ("room", "team", "smell")),
        ("group_call", ("", ["bob"])),
        ("invite_user", ([],)),
        ("invite_user", (["bob\n"],)),
        ("invite_user", ([f"u{n}" for n in range(9)],)),
        ("set_self_info", ("n" * 501,)),
        ("set_self_info", ("ok", "ü" * 251)),
        ("set_self_info", ("bell\a",)),
        ("enable_multi_device_ability", (1,)),
    ],
)
async def test_a_verb_that_cannot_be(alice: Phone, verb: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(CallError) as caught:
        await getattr(alice.engine, verb)(*arguments)
    assert caught.value.code is ErrorCode.BAD_ARGUMENT
    assert "\n" not in str(caught.value) and alice.engine.state is None


async def test_the_largest_user_data_arrives_whole(alice: Phone, bob: Phone) -> None:
    text = 'ü\n"\\\u0000🙂' * 200
    await alice.engine.call("bob", user_data=text)
    assert (await bob.saw(CallReceived)).user_data == text


@pytest.mark.parametrize(
    "changes",
    [
        {"audio_sink": "file:/no/such/folder/talk.mkv"},
        {"video_sink": "file:/no/such/folder/talk.mkv"},
        {"record": "/no/such/folder/talk.mkv"},
        {"record": "/proc/talk.mkv"},
    ],
)
async def test_a_file_that_cannot_be_read_or_written_fails_before_it_rings(
    server: Switchroom, changes: dict[str, Any]
) -> None:
    async with phone(server.url, **changes) as it:
        await it.engine.login("dora", server.ticket("dora"))
        with pytest.raises(MediaError) as caught:
            await it.engine.call("alice", MediaType.VIDEO)
        assert "\n" not in str(caught.value)
        assert it.engine.state is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"audio_source": "file:/no/such/file.mp4"}, ErrorCode.NO_SUCH_FILE),
        ({"video_source": "file:/no/such/file.mp4"}, ErrorCode.NO_SUCH_FILE),
        ({"video_source": "stamped:/no/such/file.mp4"}, ErrorCode.NO_SUCH_FILE),
        ({"audio_source": f"file:{__file__}"}, ErrorCode.BAD_FILE),
        ({"video_source": f"file:{__file__}"}, ErrorCode.BAD_FILE),
    ],
)
async def test_a_file_that_cannot_be_played_is_told_to_a_bot_when_it_signs_in(
    server: Switchroom, changes: dict[str, Any], code: ErrorCode
) -> None:
    bot = AnsweringBot(EngineConfig(**{"server": server.url, "audio_source": "null", "audio_sink": "null"} | changes))
    with pytest.raises(MediaError) as caught:
        await asyncio.wait_for(bot.run("dora", server.ticket("dora")), 10)
    assert caught.value.code is code
    assert "file.mp4" in caught.value.message or __file__ in caught.value.message


async def test_a_file_that_has_gone_fails_before_it_rings_and_keeps_no_ticket_out(
    server: Switchroom, tmp_path: Path
) -> None:
    sound = Path(write_media(tmp_path / "talk.wav", sound=sine(880, 4800)))
    async with phone(server.url, audio_source=f"file:{sound}") as it, phone(server.url) as erin:
        await it.engine.login("dora", server.ticket("dora"))
        await erin.engine.login("erin", server.ticket("erin"))
        await talk(it, erin)
        sound.unlink()
        await it.engine.login("dora", server.ticket("dora"))
        await it.engine.hangup()
        await it.ended()
        with pytest.raises(MediaError) as caught:
            await it.engine.call("erin")
        assert caught.value.code is ErrorCode.NO_SUCH_FILE
        assert it.engine.state is None


async def test_a_misspelt_source_at_the_callee_keeps_it_ringing(alice: Phone, bob: Phone) -> None:
    await ring(alice, bob)
    with pytest.raises(PyCallError):
        await bob.engine.use_audio_source("kazoo")
    await bob.engine.reject()
    await alice.ended()


async def test_a_profile_that_does_not_exist(alice: Phone) -> None:
    with pytest.raises(CallError) as caught:
        alice.engine.set_video_profile("900p")
    assert caught.value.code is ErrorCode.BAD_ARGUMENT


@pytest.mark.parametrize(
    "verb",
    [
        lambda engine: engine.call("b" * 100_000),
        lambda engine: engine.call("bob", timeout=10**5000),
        lambda engine: engine.call("bob", room_id=10**5000),
        lambda engine: engine.set_beauty_level(10**5000),
        lambda engine: engine.set_video_quality(10**5000),
        lambda engine: engine.join("0" * 100_000),
    ],
)
async def test_what_is_much_too_large_is_told_in_one_short_line(
    alice: Phone, verb: Callable[[CallEngine], Any]
) -> None:
    with pytest.raises(CallError) as caught:
        await verb(alice.engine)
    assert caught.value.code is ErrorCode.BAD_ARGUMENT
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("event_type", "listener"),
    [("CallReceived", print), (CallReceived, None), (int, print), (7, print), ((CallReceived, CallBegan), print)],
)
async def test_a_listener_that_can_never_hear_anything_is_refused(
    alice: Phone, bob: Phone, event_type: Any, listener: Any
) -> None:
    with pytest.raises(CallError) as caught:
        bob.engine.on(event_type, listener)
    assert caught.value.code is ErrorCode.BAD_ARGUMENT
    await ring(alice, bob)  # and everybody else still hears


@pytest.mark.parametrize(
    ("event_type", "timeout"), [("CallBegan", 1), ((), 1), ((CallBegan, int), 1), (CallBegan, "1")]
)
async def test_what_cannot_be_waited_for_is_refused(alice: Phone, event_type: Any, timeout: Any) -> None:
    with pytest.raises(CallError) as caught:
        await alice.engine.wait_for(event_type, timeout=timeout)
    assert caught.value.code is ErrorCode.BAD_ARGUMENT
