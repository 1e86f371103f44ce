"""Numbers for people: statistics while the call runs, and how it was when it is over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pycall import CallQuality, MediaType
from pycall.core.events import CallEnded, UserVideoAvailable
from tests.phones import Phone, phone, ring, talk
from tests.switchroom import Switchroom

PHASES = ["gathered", "described", "connected", "secured", "first_sound", "first_picture"]


def one(stats: list[dict[str, Any]], kind: str, media: str | None = None) -> dict[str, Any]:
    (found,) = [entry for entry in stats if entry["type"] == kind and entry.get("kind") in (media, None)]
    return found


async def test_statistics_count_what_is_heard_and_seen_in_the_names_of_w3c(alice: Phone, bob: Phone) -> None:
    assert alice.engine.get_stats() == {}
    await talk(alice, bob, MediaType.VIDEO)
    await bob.ear.tone(440)
    numbers = await bob.eye.pictures(20)
    stats = bob.engine.get_stats()
    assert list(stats) == ["alice"]
    json.dumps(stats)
    heard, seen = one(stats["alice"], "inbound-rtp", "audio"), one(stats["alice"], "inbound-rtp", "video")
    assert (
        heard["totalSamplesReceived"] >= 48000 * 0.2 and heard["concealedSamples"] < heard["totalSamplesReceived"] / 5
    )
    assert heard["packetsReceived"] >= 10 and heard["jitterBufferDelay"] / heard["jitterBufferEmittedCount"] < 0.5
    assert seen["framesDecoded"] >= len(numbers) and (seen["frameWidth"], seen["frameHeight"]) == (640, 360)
    assert seen["keyFramesDecoded"] >= 1 and 5 < seen["framesPerSecond"] < 30
    sent = one(alice.engine.get_stats()["bob"], "outbound-rtp", "video")
    assert sent["framesEncoded"] >= len(numbers) and sent["targetBitrate"] > 0
    assert sent["ssrc"] == seen["ssrc"] and sent["bytesSent"] >= seen["bytesReceived"] / 2
    codec = one([entry for entry in stats["alice"] if entry["id"] == "codec-video"], "codec")
    assert (codec["mimeType"], codec["clockRate"]) == ("video/H264", 90000)
    pair = one(stats["alice"], "candidate-pair")
    ends = [one(stats["alice"], kind) for kind in ("local-candidate", "remote-candidate")]
    assert [pair["localCandidateId"], pair["remoteCandidateId"]] == [end["id"] for end in ends]
    assert all(end["protocol"] == "udp" and end["candidateType"] in ("host", "prflx") for end in ends)
    assert one(stats["alice"], "transport")["dtlsState"] == "connected" and pair["availableOutgoingBitrate"] > 0


async def test_the_end_of_a_call_tells_how_it_was(alice: Phone, bob: Phone) -> None:
    await talk(alice, bob, MediaType.VIDEO)
    for one_end in (alice, bob):
        await one_end.eye.pictures(20)
        await one_end.until(lambda end=one_end: end.ear.frames >= 75)
    await alice.engine.hangup()
    for one_end, other in ((alice, "bob"), (bob, "alice")):
        await one_end.ended()
        quality = one_end.all(CallQuality)
        assert [type(event) for event in one_end.log[-2:]] == [CallQuality, CallEnded]
        (how,) = quality[0].users.values()
        assert list(quality[0].users) == [other] and len(quality) == 1
        assert how.mos is not None and how.mos > 3.5 and how.concealed < 0.2
        assert how.size == (640, 360) and 5 < how.fps < 31
        assert list(how.setup) == PHASES or sorted(how.setup) == sorted(PHASES)
        times = [how.setup[phase] for phase in PHASES[:4]]
        assert times == sorted(times) and 0 < times[-1] < min(how.setup["first_sound"], how.setup["first_picture"])
        assert 0 < (how.delay or 0) < 0.5


async def test_a_camera_closed_for_a_while_is_no_freeze(alice: Phone, bob: Phone) -> None:
    await talk(alice, bob, MediaType.VIDEO)
    await bob.eye.pictures(40)
    await alice.engine.close_camera()
    await bob.until(lambda: bob.all(UserVideoAvailable)[-1] == UserVideoAvailable("alice", False))
    await bob.until(lambda frames=bob.ear.frames: bob.ear.frames > frames + 60)
    before = one(bob.engine.get_stats()["alice"], "inbound-rtp", "video")["totalFreezesDuration"]
    await alice.engine.open_camera()
    await bob.eye.pictures(3)
    after = one(bob.engine.get_stats()["alice"], "inbound-rtp", "video")["totalFreezesDuration"]
    assert after - before < 1.0


async def test_a_call_that_never_began_has_no_quality(alice: Phone, bob: Phone) -> None:
    await ring(alice, bob)
    await bob.engine.reject()
    await alice.ended()
    assert not alice.all(CallQuality) and not bob.all(CallQuality)


@pytest.mark.parametrize("kind", ["inbound-rtp", "outbound-rtp"])
async def test_a_voice_call_has_a_voice_only(alice: Phone, bob: Phone, kind: str) -> None:
    await talk(alice, bob)
    await bob.ear.tone(440)
    stats = bob.engine.get_stats()["alice"]
    assert one(stats, kind, "audio")["ssrc"]
    assert not [entry for entry in stats if entry["type"] == "inbound-rtp" and entry["kind"] == "video"]


async def test_with_dtx_silence_is_hardly_sent_and_is_no_loss(bob: Phone, server: Switchroom) -> None:
    async with phone(server.url, audio_source="null", dtx=True) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await talk(carol, bob)
        await bob.until(lambda: bob.ear.frames >= 150)
        heard = one(bob.engine.get_stats()["carol"], "inbound-rtp", "audio")
        seconds = heard["totalSamplesReceived"] / 48000
        assert seconds > 2.5 and heard["packetsReceived"] < 30 + 10 * seconds
        assert heard["packetsLost"] == 0
        assert heard["concealedSamples"] - heard["silentConcealedSamples"] < 0.3 * 48000
        await carol.engine.use_audio_source("tone:440")
        await bob.ear.tone(440)
        await carol.engine.hangup()
        await bob.ended()
        how = bob.all(CallQuality)[0].users["carol"]
        assert how.concealed < 0.1 and how.loss == 0
