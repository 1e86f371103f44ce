"""Calls that are answered, refused, ignored, cancelled or never answered; what each side is told."""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pycall import CallError, CallState, EndReason, ErrorCode, MediaType, Role
from pycall.core.events import (
    CallBegan,
    CallEnded,
    CallNotConnected,
    CallReceived,
    UserJoined,
    UserLeft,
    UserLineBusy,
    UserNoResponse,
    UserRejected,
    UserRinging,
)
from tests.media_tools import sine, write_media
from tests.phones import Phone, phone, ring, talk
from tests.switchroom import Switchroom

IN_OPEN = 0x20
"""Of sys/inotify.h."""


async def test_ring_accept_talk_hang_up(alice: Phone, bob: Phone) -> None:
    call_id = await alice.engine.call("bob", MediaType.AUDIO, timeout=20, user_data="hello Bob")
    assert alice.engine.state is CallState.DIALING
    received = await bob.saw(CallReceived)
    assert (received.call_id, received.caller, received.callees) == (call_id, "alice", ("bob",))
    assert (received.media, received.user_data) == (MediaType.AUDIO, "hello Bob")
    assert received.remaining is not None and 18 < received.remaining <= 20
    assert await alice.saw(UserRinging) == UserRinging(call_id, "bob")
    assert bob.engine.state is CallState.RINGING

    await bob.engine.accept()
    assert await alice.saw(CallBegan) == CallBegan(call_id, MediaType.AUDIO, Role.CALLER)
    assert await bob.saw(CallBegan) == CallBegan(call_id, MediaType.AUDIO, Role.CALLEE)
    assert (await alice.saw(UserJoined)).user_id == "bob"
    await bob.ear.tone(440)
    await alice.ear.tone(1000)
    assert 0 < alice.engine.duration < 10
    assert alice.engine.state is CallState.CONNECTED

    await alice.engine.hangup()
    for side, role in [(alice, Role.CALLER), (bob, Role.CALLEE)]:
        ended = await side.ended()
        assert isinstance(ended, CallEnded)
        assert (ended.call_id, ended.reason, ended.user_id, ended.role) == (call_id, EndReason.HANGUP, "alice", role)
        assert 0 < ended.duration < 10
        assert (side.engine.state, side.engine.call_id, side.engine.duration) == (None, None, 0.0)
    assert (await alice.ended()).duration == pytest.approx((await bob.ended()).duration, abs=1)  # type: ignore[union-attr]


async def test_nobody_is_heard_before_they_accept(alice: Phone, bob: Phone) -> None:
    await ring(alice, bob)
    assert bob.engine._driver._call is None
    assert bob.ear.started == 0
    await bob.engine.reject()
    assert bob.ear.started == 0


async def test_reject(alice: Phone, bob: Phone) -> None:
    received = await ring(alice, bob)
    await bob.engine.reject()
    assert await alice.saw(UserRejected) == UserRejected(received.call_id, "bob")
    for side in (alice, bob):
        ended = await side.ended()
        assert isinstance(ended, CallNotConnected)
        assert (ended.reason, ended.user_id) == (EndReason.REJECTED, "bob")


async def test_ignore_looks_like_a_busy_line(alice: Phone, bob: Phone) -> None:
    await ring(alice, bob)
    await bob.engine.ignore()
    assert (await alice.saw(UserLineBusy)).user_id == "bob"
    assert (await alice.ended()).reason is EndReason.BUSY


async def test_cancel_while_it_rings(alice: Phone, bob: Phone) -> None:
    await ring(alice, bob)
    await alice.engine.hangup()
    for side in (alice, bob):
        ended = await side.ended()
        assert isinstance(ended, CallNotConnected)
        assert (ended.reason, ended.user_id) == (EndReason.CANCELED, "alice")
    with pytest.raises(CallError):
        await bob.engine.accept()


async def test_no_answer_in_time(alice: Phone, bob: Phone) -> None:
    await ring(alice, bob, timeout=1)
    assert (await alice.saw(UserNoResponse)).user_id == "bob"
    for side in (alice, bob):
        assert (await side.ended()).reason is EndReason.NO_ANSWER


async def test_a_third_caller_finds_the_line_busy_and_the_talk_goes_on(
    alice: Phone, bob: Phone, server: Switchroom
) -> None:
    await talk(alice, bob)
    async with phone(server.url) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await carol.engine.call("bob")
        assert (await carol.saw(UserLineBusy)).user_id == "bob"
        assert (await carol.ended()).reason is EndReason.BUSY
    assert len(bob.all(CallReceived)) == 1
    await bob.ear.tone(440)


async def test_both_call_each_other_and_talk(alice: Phone, bob: Phone) -> None:
    first, second = await asyncio.gather(
        alice.engine.call("bob", MediaType.VIDEO), bob.engine.call("alice", MediaType.AUDIO)
    )
    assert first == second
    await alice.saw(CallBegan)
    await bob.saw(CallBegan)
    assert alice.engine.media is bob.engine.media is MediaType.AUDIO
    await bob.ear.tone(440)
    await alice.engine.hangup()
    await alice.ended()
    await bob.ended()


async def test_a_second_call_after_the_first(alice: Phone, bob: Phone) -> None:
    await talk(alice, bob)
    await bob.engine.hangup()
    assert (await alice.ended()).user_id == "bob"
    await bob.ended()
    alice.log.clear()
    bob.log.clear()
    await talk(bob, alice, MediaType.VIDEO)
    await bob.ear.tone(440)
    numbers = await alice.eye.pictures(5)
    assert numbers == sorted(numbers)


async def test_the_other_side_signs_out_in_the_call(alice: Phone, bob: Phone) -> None:
    await talk(alice, bob)
    await bob.engine.logout()
    assert isinstance(await alice.ended(), CallEnded)
    assert isinstance(await bob.ended(), CallEnded)
    assert not bob.engine.signed_in
    assert not alice.all(UserLeft) or alice.all(UserLeft)[0].user_id == "bob"


async def test_closing_the_engine_hangs_up(alice: Phone, bob: Phone) -> None:
    await talk(alice, bob)
    await bob.engine.aclose()
    assert isinstance(bob.log[-1], CallEnded)
    assert (await alice.ended(timeout=3)).user_id == "bob"


async def test_calling_a_stranger(alice: Phone) -> None:
    with pytest.raises(CallError) as caught:
        await alice.engine.call("nobody-by-this-name")
    assert caught.value.code is ErrorCode.UNKNOWN_USER
    assert alice.engine.state is None
    assert alice.engine.call_id is None


async def test_verbs_in_the_wrong_state_are_refused_and_change_nothing(alice: Phone, bob: Phone) -> None:
    for verb in [alice.engine.accept, alice.engine.reject, alice.engine.ignore, alice.engine.hangup]:
        with pytest.raises(CallError) as caught:
            await verb()
        assert caught.value.code is ErrorCode.WRONG_STATE
    await talk(alice, bob)
    with pytest.raises(CallError) as caught:
        await alice.engine.call("carol")
    assert caught.value.code is ErrorCode.WRONG_STATE
    assert alice.engine.state is CallState.CONNECTED


async def test_the_same_verb_twice_at_once(alice: Phone, bob: Phone) -> None:
    await ring(alice, bob)
    results = await asyncio.gather(bob.engine.accept(), bob.engine.accept(), return_exceptions=True)
    refused = [result for result in results if isinstance(result, CallError)]
    assert [error.code for error in refused] == [ErrorCode.REPEATED]
    await alice.saw(CallBegan)
    assert len(bob.all(CallBegan)) <= 1


@contextmanager
def opened(file: Path) -> Iterator[asyncio.Event]:
    """Set when somebody opens this file: the kernel says so (inotify)."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert watch >= 0 and libc.inotify_add_watch(watch, os.fsencode(file), IN_OPEN) >= 0
    seen = asyncio.Event()
    asyncio.get_running_loop().add_reader(watch, seen.set)
    try:
        yield seen
    finally:
        asyncio.get_running_loop().remove_reader(watch)
        os.close(watch)


async def test_files_are_looked_into_while_it_rings_and_not_after_the_answer(
    alice: Phone, server: Switchroom, tmp_path: Path
) -> None:
    sound = Path(write_media(tmp_path / "talk.wav", sound=sine(880, 48_000 * 10)))
    async with phone(server.url, audio_source=f"file:{sound}") as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        with opened(sound) as looked:
            await ring(alice, carol)
            async with asyncio.timeout(10):
                await looked.wait()
        moved = sound.rename(tmp_path / "gone.wav")
        await carol.engine.accept()  # would refuse if it looked for the file now
        moved.rename(sound)
        await carol.engine.hangup()
        await alice.ended()
