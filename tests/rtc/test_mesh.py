"""Calls over a real Mesh on loopback: what one end sends is heard and seen at the other."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from pycall.core.errors import ErrorCode
from pycall.core.types import PeerState
from pycall.core.wire import Signaled
from pycall.rtc.mesh import Mesh
from tests.rtc.stage import CALL, End, NumberFeed, Stage, frequency_of

TEXTURE = np.random.default_rng(5).integers(40, 200, (480, 640), dtype=np.uint8)


async def talk(stage: Stage, generation: int = 0, sounds: int = 30) -> None:
    """Connect alice to bob and wait until both have heard and seen something for a while."""
    stage.connect("alice", "bob", generation)
    for end in stage.ends.values():
        await end.until(lambda end=end: len(end.heard) >= sounds and end.pictures >= 10)  # type: ignore[misc]


def codecs(end: End, other: str) -> list[str]:
    session = end.mesh.peers[other].session
    assert session is not None
    return [f"{terms.kind}/{terms.codecs[0].name}" for terms in session.terms.media]


async def test_both_hear_the_tone_and_see_the_numbers_of_the_other(pair: Stage) -> None:
    alice, bob = pair.ends["alice"], pair.ends["bob"]
    await talk(pair, sounds=60)
    assert frequency_of(alice.samples()) == pytest.approx(880, abs=5)
    assert frequency_of(bob.samples()) == pytest.approx(440, abs=5)
    for end, other in ((alice, bob), (bob, alice)):
        numbers = [number for _, number, _, _ in end.seen]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert numbers[0] <= 3
        late = [at - other.video_feeds[0].made_at[number] for at, number, _, _ in end.seen]
        assert sorted(late)[len(late) // 2] < 0.1
        assert all(samples.dtype == np.int16 and samples.ndim == 1 for samples in end.heard)
        assert 200 < len(end.heard[-1]) < 2000
    assert codecs(alice, "bob") == ["audio/opus", "video/H264"]


async def test_it_is_up_soon_and_says_so(pair: Stage) -> None:
    began = pair.connect("alice", "bob")
    for end, other in (("alice", "bob"), ("bob", "alice")):
        await pair.ends[end].until_state(other, PeerState.UP)
        states = pair.ends[end].states
        assert [(who, generation, state) for who, generation, state, _ in states] == [
            (other, 0, PeerState.CONNECTING),
            (other, 0, PeerState.UP),
        ]
        assert states[-1][3] - began < 1.0


def without_h264(signaled: Signaled) -> Signaled:
    """As from a peer that has no H.264."""
    if signaled.sdp is None:
        return signaled
    types = re.findall(r"a=rtpmap:(\d+) H264/90000\r\n", signaled.sdp)
    types += [rtx for rtx, of in re.findall(r"a=fmtp:(\d+) apt=(\d+)\r\n", signaled.sdp) if of in types]
    sdp = signaled.sdp
    for kind in types:
        sdp = re.sub(rf"a=(rtpmap|fmtp|rtcp-fb):{kind} .*\r\n", "", sdp)
        sdp = re.sub(rf"(m=video .*) {kind}\b", r"\1", sdp)
    return Signaled(call_id=CALL, sender=signaled.sender, kind=signaled.kind, sdp=sdp)


async def test_vp8_when_the_other_side_has_no_h264(pair: Stage) -> None:
    pair.change = without_h264
    await talk(pair)
    for end, other in (("alice", "bob"), ("bob", "alice")):
        assert codecs(pair.ends[end], other)[1] == "video/VP8"
        numbers = [number for _, number, _, _ in pair.ends[end].seen]
        assert numbers == sorted(numbers)


async def test_a_new_profile_in_the_running_call(pair: Stage) -> None:
    alice, bob = pair.ends["alice"], pair.ends["bob"]
    await talk(pair, sounds=5)
    feed = alice.video_feeds[0]
    for width, height, fps, bitrate in ((640, 360, 30, 1_000_000), (160, 120, 15, 200_000)):
        feed.width, feed.height, feed.fps, feed.bitrate = width, height, fps, bitrate
        seen = len(bob.seen)
        await bob.until(lambda: len(bob.seen) > seen + 5 and bob.seen[-1][2:] == (width, height))  # noqa: B023
    numbers = [number for _, number, _, _ in bob.seen]
    assert numbers == sorted(numbers)
    session = bob.mesh.peers["alice"].session
    assert session is not None and session.receiving.seeing is not None
    assert session.receiving.seeing.skipped == 0


async def test_the_bitrate_follows_the_profile(stage_of: Callable[..., Stage]) -> None:
    def textured() -> NumberFeed:
        feed = NumberFeed(640, 360, 30, 900_000)
        feed.texture = TEXTURE
        return feed

    stage = stage_of(End("alice", video=textured), End("bob"), stats_seconds=0.75)
    alice, bob = stage.ends["alice"], stage.ends["bob"]
    await talk(stage, sounds=5)
    await alice.until(lambda: len(alice.stats) >= 1)
    before = alice.stats[-1].bitrate_out
    alice.video_feeds[0].bitrate = 250_000
    count = len(alice.stats)
    await alice.until(lambda: len(alice.stats) >= count + 2)
    after = alice.stats[-1].bitrate_out
    assert 500_000 < before < 1_200_000
    assert after < 400_000
    assert bob.stats[-1].bitrate_in < 400_000


async def test_what_is_measured(stage_of: Callable[..., Stage]) -> None:
    stage = stage_of(End("alice"), End("bob"), stats_seconds=1.0)
    alice = stage.ends["alice"]
    await talk(stage, sounds=5)
    await alice.until(lambda: len(alice.stats) >= 2 and alice.stats[-1].rtt is not None)
    stats = alice.stats[-1]
    assert stats.loss_in == stats.loss_out == 0
    assert stats.rtt is not None and 0 <= stats.rtt < 0.1
    assert stats.jitter < 0.1
    assert 24 < stats.fps_in < 38 and 24 < stats.fps_out < 38
    assert stats.video_codec == "H264"
    assert stats.bitrate_in > 30_000 and stats.bitrate_out > 30_000
    assert not stats.silent


async def test_a_closed_camera_sends_nothing_and_opens_again(pair: Stage) -> None:
    alice, bob = pair.ends["alice"], pair.ends["bob"]
    await talk(pair, sounds=5)
    alice.video_feeds[0].open.clear()
    heard = len(bob.heard)
    await bob.until(lambda: len(bob.heard) > heard + 10)
    seen, given = bob.pictures, alice.video_feeds[0].given
    await bob.until(lambda: len(bob.heard) > heard + 40)
    assert bob.pictures == seen
    alice.video_feeds[0].open.set()
    await bob.until(lambda: bob.pictures >= seen + 10)
    assert bob.seen[seen][1] in (given, given + 1)


async def test_candidates_may_come_apart_from_the_description_and_before_it(pair: Stage) -> None:
    bob = pair.ends["bob"]
    sent = []

    def trickle(signaled: Signaled) -> Signaled | None:
        assert signaled.sdp is not None
        lines = re.findall(r"a=(candidate:.*)\r\n", signaled.sdp)
        sdp = re.sub(r"a=(candidate:.*|end-of-candidates)\r\n", "", signaled.sdp)
        target = pair.ends["bob" if signaled.sender == "alice" else "alice"]
        for line in [*dict.fromkeys(lines), None]:
            mid = None if line is None else "0"
            target.mesh.deliver(
                Signaled(call_id=CALL, sender=signaled.sender, kind="candidate", candidate=line, sdp_mid=mid)
            )
            sent.append(line)
        return Signaled(call_id=CALL, sender=signaled.sender, kind=signaled.kind, sdp=sdp)

    pair.change = trickle
    await talk(pair, sounds=5)
    assert len(sent) >= 4
    assert not bob.mesh.peers["alice"].negotiation.refused


async def test_an_offer_before_open_waits_for_it(pair: Stage) -> None:
    alice, bob = pair.ends["alice"], pair.ends["bob"]
    alice.mesh.open("bob", 0, offers=True)
    await pair.until_posted("offer")
    assert bob.audio_feeds == [] and bob.states == []
    bob.mesh.open("alice", 0, offers=False)
    await bob.until_state("alice", PeerState.UP)
    await alice.until_state("bob", PeerState.UP)


async def test_bad_messages_are_counted_and_the_good_ones_still_work(pair: Stage) -> None:
    alice, bob = pair.ends["alice"], pair.ends["bob"]
    bad = [
        Signaled(call_id=CALL, sender="alice", kind="offer", sdp="v=0"),
        Signaled(call_id=CALL, sender="alice", kind="offer", sdp=None),
        Signaled(call_id=CALL, sender="alice", kind="offer", sdp="x" * 60_000),
        Signaled(call_id=CALL, sender="alice", kind="answer", sdp="v=0"),
        Signaled(call_id="f" * 32, sender="alice", kind="offer", sdp="v=0"),
    ]
    bob.mesh.open("alice", 0, offers=False)
    for signaled in bad:
        bob.mesh.deliver(signaled)
    alice.mesh.open("bob", 0, offers=True)
    await bob.until_state("alice", PeerState.UP)
    wild = "candidate:1 1 udp 1 192.0.2.1 {} typ host"
    for port, mid, index in ((70000, "0", None), (-1, "0", None), (9, "x", None), (9, None, 7), (9, "0", -1)):
        line = wild.format(port)
        bob.mesh.deliver(
            Signaled(
                call_id=CALL, sender="alice", kind="candidate", candidate=line, sdp_mid=mid, sdp_m_line_index=index
            )
        )
    heard = len(bob.heard)
    await bob.until(lambda: len(bob.heard) > heard + 20)
    refused = bob.mesh.peers["alice"].negotiation.refused
    assert refused == {ErrorCode.BAD_SDP: 3, ErrorCode.BAD_CANDIDATE: 5}
    assert bob.state("alice") is PeerState.UP


async def test_messages_of_unknown_members_and_floods_are_bounded(pair: Stage) -> None:
    bob = pair.ends["bob"]
    for sender in range(100):
        for _ in range(100):
            bob.mesh.deliver(Signaled(call_id=CALL, sender=f"u{sender}", kind="offer", sdp="x"))
    assert sum(len(kept) for kept in bob.mesh._early.values()) <= 16 * 30
    bob.mesh.open("alice", 0, offers=False)
    for _ in range(1000):
        bob.mesh.deliver(Signaled(call_id=CALL, sender="alice", kind="candidate", candidate="x"))
    assert bob.mesh.peers["alice"]._inbox.qsize() <= 64


async def test_three_people_hear_each_other(stage_of: Callable[..., Stage]) -> None:
    tones = {"alice": 400.0, "bob": 600.0, "carol": 900.0}
    stage = stage_of(*[End(name, tone=tone) for name, tone in tones.items()])
    alice = stage.ends["alice"]
    heard: dict[str, list[np.ndarray]] = {"bob": [], "carol": []}
    original = alice.audio_arrived

    def keep(user_id: str, samples) -> None:  # type: ignore[no-untyped-def]
        heard[user_id].append(samples)
        original(user_id, samples)

    alice.audio_arrived = keep  # type: ignore[method-assign]
    for one, other in (("alice", "bob"), ("alice", "carol"), ("bob", "carol")):
        stage.connect(one, other)
    await alice.until(lambda: all(len(frames) > 40 for frames in heard.values()))
    for name, frames in heard.items():
        assert frequency_of(np.concatenate(frames[-25:])) == pytest.approx(tones[name], abs=5)


@pytest.mark.parametrize("url", ["stun:", "http://x", "turn:host"])
def test_a_bad_server_url_is_told_before_anything_starts(url: str) -> None:
    from pycall.core.errors import ConfigError

    end = End("alice")
    with pytest.raises(ConfigError):
        Mesh(end, end, call_id=CALL, ice_servers=(url,))
