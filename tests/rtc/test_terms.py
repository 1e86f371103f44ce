"""What an offer and its answer agree on."""

from __future__ import annotations

import pytest
from aiortc import RTCIceCandidate
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceParameters
from aiortc.sdp import SessionDescription

from pycall.rtc.terms import TRANSPORT, Local, read_answer, write_answer, write_offer


def local(*codecs: str, stereo: bool = False) -> Local:
    return Local(
        ice=RTCIceParameters("abcd", "p" * 22),
        candidates=[RTCIceCandidate(1, "1", "192.0.2.1", 5000, 1, "udp", "host")],
        dtls=RTCDtlsParameters([RTCDtlsFingerprint("sha-256", ":".join(["00"] * 32))]),
        ssrcs={"audio": [1], "video": [2, 3]},
        cname="x",
        session=1,
        codecs=("opus", *codecs),
        stereo=stereo,
    )


def test_feedback_comes_with_one_line_that_has_it() -> None:
    """Firefox numbers the packets of its pictures only."""
    lines = write_offer(local("VP8")).splitlines(keepends=True)
    first = next(index for index, line in enumerate(lines) if TRANSPORT in line)
    offer = SessionDescription.parse("".join(lines[:first] + lines[first + 1 :]))
    _, terms = write_answer(offer, local("VP8"))
    assert not terms.audio.has(TRANSPORT)
    assert terms.transport_feedback


def agreed(offered: tuple[str, ...], answered: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The picture codecs in the terms of both sides, the offerer's first."""
    offer = SessionDescription.parse(write_offer(local(*offered)))
    text, theirs = write_answer(offer, local(*answered))
    ours = read_answer(SessionDescription.parse(text), ("opus", *offered))
    assert ours.video is not None and theirs.video is not None
    return [c.name for c in ours.video.codecs], [c.name for c in theirs.video.codecs]


def test_both_send_the_answers_first_codec() -> None:
    assert agreed(("H264", "VP8"), ("H264", "VP8")) == (["H264", "VP8"], ["H264", "VP8"])


def test_what_the_answer_leaves_out_is_not_sent_but_understood() -> None:
    ours, theirs = agreed(("H264", "VP8", "AV1"), ("VP8",))
    assert (ours[0], theirs) == ("VP8", ["VP8"])
    assert set(ours) == {"VP8", "H264", "AV1"}


def test_what_is_left_out_keeps_its_repairs() -> None:
    offer = write_offer(local("H264", "VP8"))
    text, _ = write_answer(SessionDescription.parse(offer), local("VP8"))
    terms = read_answer(SessionDescription.parse(text), ("opus", "H264", "VP8"))
    assert terms.video is not None
    assert {c.name: (c.payload_type, c.rtx) for c in terms.video.codecs} == {"VP8": (96, 97), "H264": (102, 103)}


def test_repairs_that_the_answer_does_not_take_are_not_sent() -> None:
    offer = SessionDescription.parse(write_offer(local("VP8")))
    text, _ = write_answer(offer, local("VP8"))
    plain = "".join(line for line in text.splitlines(True) if ":97" not in line and "FID" not in line)
    plain = plain.replace("SAVPF 96 97", "SAVPF 96")
    terms = read_answer(SessionDescription.parse(plain), ("opus", "VP8"))
    assert terms.video is not None
    assert [(c.name, c.rtx) for c in terms.video.codecs] == [("VP8", None)]


@pytest.mark.parametrize("offers", [False, True])
@pytest.mark.parametrize("answers", [False, True])
def test_each_side_says_that_it_likes_stereo_and_is_sent_what_it_likes(offers: bool, answers: bool) -> None:
    """RFC 7587, 6.1: `stereo` is what one wants to hear; who says nothing wants mono."""
    offer = write_offer(local("VP8", stereo=offers))
    text, theirs = write_answer(SessionDescription.parse(offer), local("VP8", stereo=answers))
    ours = read_answer(SessionDescription.parse(text), ("opus", "VP8"), stereo=offers)
    assert ("stereo=1;sprop-stereo=1" in offer, "stereo=1;sprop-stereo=1" in text) == (offers, answers)
    assert (ours.audio.hears, ours.audio.sends) == (1 + offers, 1 + answers)
    assert (theirs.audio.hears, theirs.audio.sends) == (1 + answers, 1 + offers)


def test_who_is_likely_to_send_stereo_need_not_like_to_hear_it() -> None:
    offer = write_offer(local("VP8")).replace("useinbandfec=1", "useinbandfec=1;sprop-stereo=1;stereo=0")
    _, terms = write_answer(SessionDescription.parse(offer), local("VP8", stereo=True))
    assert terms.audio.sends == 1
