"""How a call between pycall (alice) and Chromium (bob) begins, what both must hear and see, and how it ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pycall import MediaType
from pycall.core.events import CallBegan, CallEnded, CallReceived
from pycall.core.types import EndReason
from tests.interop.page import PagePhone
from tests.phones import Phone

Dial = Callable[[Phone, PagePhone, MediaType], Awaitable[None]]
PATIENCE = 25.0
"""Seconds for what takes one or two on an idle machine."""
ALICE_HERTZ, BOB_HERTZ = 440, 1000


async def pycall_calls(alice: Phone, bob: PagePhone, media: MediaType = MediaType.VIDEO) -> None:
    """Chromium is the newcomer, so it offers."""
    await alice.engine.call(bob.user_id, media)
    invited = await bob.told("invited", PATIENCE)
    assert (invited["call"]["caller"], invited["call"]["media"]) == ("alice", media.value)
    await bob.do("accept")
    await alice.saw(CallBegan, PATIENCE)
    await bob.connected(PATIENCE)


async def chromium_calls(alice: Phone, bob: PagePhone, media: MediaType = MediaType.VIDEO) -> None:
    """pycall is the newcomer, so it offers."""
    await bob.do("invite", "alice", media.value)
    received = await alice.saw(CallReceived, PATIENCE)
    assert (received.caller, received.media) == (bob.user_id, media)
    await alice.engine.accept()
    await alice.saw(CallBegan, PATIENCE)
    await bob.connected(PATIENCE)


async def both_hear(alice: Phone, bob: PagePhone) -> None:
    await alice.ear.tone(BOB_HERTZ, PATIENCE)
    await bob.tone(ALICE_HERTZ, PATIENCE)


async def alice_sees(alice: Phone, count: int = 15) -> None:
    """The numbers of Chromium's camera, which begin again every three seconds, one after the other, in its size; a
    picture may come twice (Chromium does that when it begins)."""
    numbers = await alice.eye.pictures(count, PATIENCE)
    steps = [(after - before) % 60 for before, after in zip(numbers, numbers[1:], strict=False)]
    assert all(0 <= step < 30 for step in steps) and len(set(numbers)) > count / 2, numbers
    if alice.eye.sizes[-1] != (640, 360):  # Chromium sends smaller pictures while the machine is busy
        await alice.eye.size(640, 360, PATIENCE)


async def bob_sees(bob: PagePhone, count: int = 5, *, again: bool = False) -> None:
    """Our pattern's numbers, rising. `again`: the page may still show the last picture of a camera that was closed."""
    numbers = await bob.pictures(count + again)
    if again and numbers[0] > numbers[1]:
        del numbers[0]
    assert numbers == sorted(set(numbers)), numbers


async def hung_up(alice: Phone, bob: PagePhone, *, by: str) -> None:
    """One hangs up; both are told the same, once."""
    if by == "alice":
        await alice.engine.hangup()
    else:
        await bob.do("hangup")
    told = await bob.told("ended", PATIENCE)
    event = await alice.ended(PATIENCE)
    assert isinstance(event, CallEnded)
    assert (event.reason, event.user_id) == (EndReason.HANGUP, by)
    assert (told["reason"], told["user_id"]) == ("hangup", by)
    assert abs(event.duration - told["duration"]) < 0.5
    assert await bob.until("p.call === null && p.connection === null && p.errors.length === 0")
