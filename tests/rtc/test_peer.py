"""A connection's end: silence, failure, replacement, closing, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pycall.core.types import PeerState
from pycall.rtc.codecs import Decoder
from pycall.rtc.peer import Peer
from pycall.rtc.x264 import X264
from tests.rtc.stage import End, Stage, next_turn

QUICK = {"stall_seconds": 0.4, "fail_seconds": 1.2}


async def up(stage: Stage, generation: int = 0) -> None:
    stage.connect("alice", "bob", generation)
    for end, other in (("alice", "bob"), ("bob", "alice")):
        await stage.ends[end].until(
            lambda end=end, other=other: (  # type: ignore[misc]
                stage.ends[end].state(other) is PeerState.UP
                and stage.ends[end].mesh.peers[other].generation == generation
            )
        )


def deafen(peer: Peer) -> None:
    """From now on nothing gets through to it."""
    ice = peer.ice
    assert ice is not None
    ice.admits = lambda protocol, data, addr: False  # type: ignore[method-assign]


def history(end: End) -> list[PeerState]:
    return [state for _, _, state, _ in end.states]


async def test_silence_is_stalled_then_up_again(stage_of: Callable[..., Stage]) -> None:
    stage = stage_of(End("alice"), End("bob"), **QUICK)
    alice = stage.ends["alice"]
    await up(stage)
    peer = alice.mesh.peers["bob"]
    deafen(peer)
    began = time.monotonic()
    await alice.until_state("bob", PeerState.STALLED)
    assert 0.3 < time.monotonic() - began < 1.0
    del peer.ice.admits  # type: ignore[union-attr]
    await alice.until_state("bob", PeerState.UP)
    assert history(alice) == [PeerState.CONNECTING, PeerState.UP, PeerState.STALLED, PeerState.UP]


async def test_a_connection_of_which_a_part_breaks_fails_as_a_whole(
    stage_of: Callable[..., Stage], caplog: pytest.LogCaptureFixture
) -> None:
    stage = stage_of(End("alice"), End("bob"))
    await up(stage)
    alice = stage.ends["alice"]
    session = alice.mesh.peers["bob"].session
    assert session is not None

    def broken(ours: int, now: float) -> list[bytes]:
        raise RuntimeError("of this nobody has thought")

    session.receiving.requests = broken  # type: ignore[method-assign]
    await alice.until_state("bob", PeerState.FAILED)
    assert "the connection with bob broke" in caplog.text


async def test_a_peer_that_vanishes_is_stalled_then_failed_and_a_new_one_replaces_it(
    stage_of: Callable[..., Stage],
) -> None:
    stage = stage_of(End("alice", tone=300), End("bob", tone=700), **QUICK)
    alice, bob = stage.ends["alice"], stage.ends["bob"]
    await up(stage)
    deafen(alice.mesh.peers["bob"])
    deafen(bob.mesh.peers["alice"])
    await alice.until_state("bob", PeerState.FAILED)
    await bob.until_state("alice", PeerState.FAILED)
    assert history(alice)[-2:] == [PeerState.STALLED, PeerState.FAILED]
    heard = len(bob.heard)
    await up(stage, generation=1)
    await bob.until(lambda: len(bob.heard) > heard + 10 and bob.pictures > 0)
    assert len(alice.audio_feeds) == 1 and not alice.audio_feeds[0].closed


async def test_default_silence_is_three_seconds(stage_of: Callable[..., Stage]) -> None:
    stage = stage_of(End("alice"), End("bob"))
    alice = stage.ends["alice"]
    await up(stage)
    deafen(alice.mesh.peers["bob"])
    began = time.monotonic()
    await alice.until_state("bob", PeerState.STALLED)
    assert 2.5 < time.monotonic() - began < 3.6


async def test_a_newer_offer_replaces_a_connection_that_still_seems_to_live(pair: Stage) -> None:
    alice, bob = pair.ends["alice"], pair.ends["bob"]
    await up(pair)
    alice.mesh.open("bob", 1, offers=True)
    await bob.until(lambda: ("alice", 1, PeerState.UP) in [state[:3] for state in bob.states])
    told = [(generation, state) for _, generation, state, _ in bob.states]
    assert told[-2:] == [(1, PeerState.UP), (0, PeerState.CLOSED)], "at no moment there was none"
    assert bob.mesh.peers["alice"].generation == 1
    bob.mesh.open("alice", 1, offers=False)
    bob.mesh.open("alice", 0, offers=False)
    heard = len(bob.heard)
    await bob.until(lambda: len(bob.heard) > heard + 10)


async def test_an_old_message_does_not_disturb_the_new_connection(pair: Stage) -> None:
    alice, bob = pair.ends["alice"], pair.ends["bob"]
    await up(pair)
    old = next(signaled for signaled in pair.posted if signaled.kind == "offer")
    await up(pair, generation=1)
    bob.mesh.deliver(old)
    heard = len(bob.heard)
    await bob.until(lambda: len(bob.heard) > heard + 10)
    assert alice.state("bob") is PeerState.UP and bob.state("alice") is PeerState.UP


async def test_close_stops_media_at_once_and_the_other_side_notices(pair: Stage) -> None:
    alice, bob = pair.ends["alice"], pair.ends["bob"]
    await up(pair)
    await alice.until(lambda: len(alice.heard) > 3)
    peer = alice.mesh.peers["bob"]
    transport = peer.transport
    assert transport is not None
    sent = []
    send = transport.transport._connection.send

    async def record(data: bytes) -> None:
        sent.append(data)
        await send(data)

    transport.transport._send = record
    peer.stop()
    heard, seen = len(alice.heard), alice.pictures
    assert alice.state("bob") is PeerState.CLOSED
    given = alice.audio_feeds[0].given
    while alice.audio_feeds[0].given < given + 10:  # the source goes on until the mesh is closed
        await next_turn(0.02)
    alice.mesh.close("bob")
    began = time.monotonic()
    await peer.finish()
    assert time.monotonic() - began < 1
    assert [data for data in sent if data[0] >> 6 == 2 and not 192 <= data[1] <= 223] == []
    assert (len(alice.heard), alice.pictures) == (heard, seen)
    await bob.until_state("alice", PeerState.FAILED, 3)


async def test_closing_while_connecting(pair: Stage) -> None:
    for wait in range(0, 30, 3):
        pair.connect("alice", "bob")
        for _ in range(wait):
            await asyncio.sleep(0)
        pair.ends["alice"].mesh.close("bob")
        pair.ends["bob"].mesh.close("alice")
    began = time.monotonic()
    await pair.close()
    assert time.monotonic() - began < 1


async def test_closing_twice_and_closing_nobody(pair: Stage) -> None:
    await up(pair)
    mesh = pair.ends["alice"].mesh
    mesh.close("bob")
    mesh.close("bob")
    mesh.close("nobody")
    await asyncio.gather(mesh.aclose(), mesh.aclose())
    mesh.open("bob", 5, offers=True)
    assert mesh.peers == {}


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_codecs_are_given_back_without_waiting_for_python_s_collector(pair: Stage) -> None:
    def codecs() -> list[object]:
        return [one for one in gc.get_objects() if isinstance(one, Decoder | X264)]

    gc.collect()
    gc.disable()
    try:
        before = len(codecs())
        await up(pair)
        await pair.ends["bob"].until(lambda: pair.ends["bob"].pictures > 2)
        assert len(codecs()) >= before + 2
        await pair.close()
        assert len(codecs()) == before
    finally:
        gc.enable()


async def test_twenty_calls_leave_nothing_behind(pair: Stage) -> None:
    tasks, threads, files = [], [], []
    for generation in range(20):
        await up(pair, generation)
        for end in pair.ends.values():
            for peer in list(end.mesh.peers):
                end.mesh.close(peer)
            await asyncio.gather(*end.mesh._closing)
            await asyncio.gather(*end.mesh._source.studio._stopping)
        tasks.append(len(asyncio.all_tasks()))
        threads.append(threading.active_count())
        files.append(await asyncio.to_thread(descriptors))
    assert tasks[-1] <= tasks[1]
    assert threads[-1] <= threads[1]
    assert files[-1] <= files[1]


PROGRAM = """
import asyncio
from pycall.core.types import PeerState
from tests.rtc.stage import End, Stage, next_turn

async def main():
    stage = Stage(End("alice"), End("bob"))
    stage.connect("alice", "bob")
    await stage.ends["alice"].until(lambda: stage.ends["alice"].pictures > 3)
    print("talking", flush=True)

asyncio.run(main())
"""


def test_a_program_that_forgets_to_close_ends_all_the_same() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=root, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (0, "talking\n", "")


async def test_the_first_picture_is_encoded_while_the_path_is_opened_and_forgotten_if_that_takes_long(
    pair: Stage,
) -> None:
    alice, bob = pair.ends["alice"], pair.ends["bob"]
    shut = True
    pair.connect("alice", "bob")
    await pair.until_posted("offer")
    for end, other in ((alice, "bob"), (bob, "alice")):
        ice = end.mesh.peers[other].ice
        ice.admits = lambda *datagram, admits=ice.admits: not shut and admits(*datagram)  # type: ignore[method-assign]
    async with asyncio.timeout(5):
        while (session := alice.mesh.peers["bob"].session) is None or not len(session.sending.outbox.pacer):
            await next_turn()
    while len(session.sending.outbox.pacer):
        await next_turn()
    shown, shut = alice.video_feeds[0].given, False
    assert bob.pictures == 0
    await bob.until(lambda: bob.pictures > 3)
    numbers = [number for _, number, _, _ in bob.seen]
    assert numbers[0] >= shown - 1 and numbers == sorted(set(numbers)), "only what is new is shown"


async def test_a_silent_connection_goes_on_at_once_if_the_link_is_back_before_its_successor_is_up(
    stage_of: Callable[..., Stage],
) -> None:
    stage = stage_of(End("alice"), End("bob"), stall_seconds=0.4, fail_seconds=10.0)
    alice, bob = stage.ends["alice"], stage.ends["bob"]
    await up(stage)
    cut = True
    for end, other in ((alice, "bob"), (bob, "alice")):
        ice = end.mesh.peers[other].ice
        ice.admits = lambda *datagram, admits=ice.admits: not cut and admits(*datagram)  # type: ignore[method-assign]
    await alice.until_state("bob", PeerState.STALLED)
    stage.change = lambda signaled: None  # the successor's offer is lost with the link
    alice.mesh.open("bob", 2, offers=True)
    heard, cut = len(bob.heard), False
    alice.heard.clear()
    await bob.until(lambda: len(bob.heard) > heard + 20)
    await alice.until(lambda: len(alice.heard) > 20)
    told = [(generation, state) for _, generation, state, _ in alice.states[3:]]
    assert told == [(2, PeerState.CONNECTING), (0, PeerState.UP)], "the old one is heard again"
    cut = True
    await alice.until(lambda: ("bob", 0, PeerState.STALLED) in [state[:3] for state in alice.states[5:]])
    cut = False
    stage.change = lambda signaled: signaled
    await bob.until_state("alice", PeerState.UP)
    alice.mesh.open("bob", 4, offers=True)
    for end, other in ((alice, "bob"), (bob, "alice")):
        await end.until(lambda end=end, other=other: (other, 4, PeerState.UP) in [state[:3] for state in end.states])
    await alice.until(lambda: ("bob", 0, PeerState.CLOSED) in [state[:3] for state in alice.states])
