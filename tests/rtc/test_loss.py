"""Calls over a line that loses packets: sound without lasting delay, pictures without damage."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from pycall.rtc.peer import Peer
from pycall.rtc.receive.jitter import JitterStats
from pycall.rtc.receive.picture import PictureReceiver
from pycall.rtc.send.picture import PictureSender
from tests.rtc.stage import End, Stage, frequency_of

OPUS = 111
"""Our payload type for sound that carries no copies."""


def is_media(data: bytes) -> bool:
    """RTP, not RTCP, DTLS or STUN (RFC 7983, RFC 5761)."""
    return len(data) > 12 and data[0] >> 6 == 2 and not 64 <= data[1] & 0x7F <= 95


def lose(peer: Peer, lost: Callable[[bytes], bool]) -> None:
    """From now on the RTP packets for which `lost` says so do not arrive."""
    ice = peer.ice
    assert ice is not None
    admits = ice.admits
    ice.admits = lambda protocol, data, addr: (  # type: ignore[method-assign]
        not (is_media(data) and lost(data)) and admits(protocol, data, addr)
    )


async def talk(stage: Stage) -> tuple[End, End, Peer]:
    alice, bob = stage.ends["alice"], stage.ends["bob"]
    stage.connect("alice", "bob")
    await bob.until(lambda: len(bob.heard) > 5 and bob.pictures > 5)
    return alice, bob, bob.mesh.peers["alice"]


def receiving(peer: Peer) -> tuple[JitterStats, PictureReceiver]:
    assert peer.session is not None and peer.session.receiving.seeing is not None
    return peer.session.receiving.hearing.playout.buffer.stats, peer.session.receiving.seeing


def sending(peer: Peer) -> PictureSender:
    assert peer.session is not None and peer.session.sending.picture is not None
    return peer.session.sending.picture


def behind(speaker: End, listener: End) -> float:
    """How much of what was said has not been heard yet, in pieces of 20 ms."""
    return speaker.audio_feeds[0].given - sum(len(samples) for samples in listener.heard) / 960


async def lag(speaker: End, listener: End, pieces: int = 50) -> float:
    """The least that was `behind` while so many pieces are heard: a delay that lasts, not that of a busy machine."""
    seen, until = [behind(speaker, listener)], len(listener.heard) + pieces

    def heard() -> bool:
        seen.append(behind(speaker, listener))
        return len(listener.heard) >= until

    await listener.until(heard)
    return min(seen)


async def test_five_percent_loss(stage_of: Callable[..., Stage]) -> None:
    stage = stage_of(End("alice"), End("bob"), stats_seconds=1.0)
    alice, bob, peer = await talk(stage)
    before = await lag(alice, bob)
    rng = random.Random(11)
    lose(peer, lambda data: rng.random() < 0.05)
    seen, heard = bob.pictures, len(bob.heard)
    given = alice.video_feeds[0].given
    await bob.until(lambda: len(bob.heard) > heard + 150)
    shown, given = bob.pictures - seen, alice.video_feeds[0].given - given
    sound, picture = receiving(peer)
    assert sound.concealed + sound.recovered + sound.copied > 2
    # All time is covered, the lost packets too, and what is heard is as young as before: no delay stays.
    await bob.until(lambda: behind(alice, bob) <= before + 5)  # a busy machine is late for a while, loss never
    assert frequency_of(bob.samples(50)) == pytest.approx(440, abs=5)
    numbers = [number for _, number, _, _ in bob.seen]
    assert numbers == sorted(set(numbers))
    assert shown >= 0.8 * given
    assert picture.decode_errors == 0
    await bob.until(lambda: bool(bob.stats) and bob.stats[-1].loss_in > 0.005)
    await alice.until(lambda: bool(alice.stats) and alice.stats[-1].loss_out > 0.005)


async def test_one_lost_sound_packet_costs_neither_silence_nor_delay(pair: Stage) -> None:
    alice, bob, peer = await talk(pair)
    left = [1]

    def once(data: bytes) -> bool:
        if data[1] & 0x7F == OPUS and left:
            left.pop()
            return True
        return False

    before = behind(alice, bob)
    lose(peer, once)
    heard = len(bob.heard)
    await bob.until(lambda: len(bob.heard) > heard + 40)
    sound, _ = receiving(peer)
    assert sound.concealed + sound.recovered >= 1
    assert behind(alice, bob) <= before + 1.5
    assert all(abs(samples).max() > 3000 for samples in bob.heard[heard:])


async def test_after_an_outage_a_keyframe_brings_the_picture_back(pair: Stage) -> None:
    alice, bob, peer = await talk(pair)
    sender = sending(alice.mesh.peers["bob"])
    keys = sender.keyframes
    repairs = {sender.codec.rtx}
    out = True
    lose(peer, lambda data: out or data[1] & 0x7F in repairs)
    given = alice.video_feeds[0].given
    await alice.until(lambda: alice.video_feeds[0].given > given + 20)
    out = False
    seen, given = bob.pictures, alice.video_feeds[0].given
    await bob.until(lambda: bob.pictures > seen + 10)
    assert alice.video_feeds[0].given - given <= 3 * alice.video_feeds[0].fps, "within 3 s of pictures"
    assert sender.keyframes > keys
    numbers = [number for _, number, _, _ in bob.seen]
    assert numbers == sorted(set(numbers))


async def test_a_lost_first_keyframe_is_asked_for(stage_of: Callable[..., Stage]) -> None:
    stage = stage_of(End("alice"), End("bob"))
    bob = stage.ends["bob"]
    stage.connect("alice", "bob")
    await stage.until_posted("answer")
    left = list(range(3))
    lose(bob.mesh.peers["alice"], lambda data: data[1] & 0x7F != OPUS and bool(left) and left.pop() is not None)
    await bob.until(lambda: bob.pictures > 10, 3)


async def test_keyframes_asked_for_all_the_time_come_only_every_300_ms(pair: Stage) -> None:
    alice, bob, _ = await talk(pair)
    sender = sending(alice.mesh.peers["bob"])
    keys = sender.keyframes
    seen = bob.pictures
    while bob.pictures < seen + 45:
        sender.asked_for_key()
        now = bob.pictures
        await bob.until(lambda: bob.pictures > now)  # noqa: B023
    assert 3 <= sender.keyframes - keys <= 6
