"""Descriptions of the other side: what is taken, what is cleaned, and that nothing else ever escapes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

from pycall.core.errors import ErrorCode, MediaError
from pycall.rtc.descriptions import MAX_SDP_BYTES, check_description

MUTATIONS = 1500
INSERTS = ["\0", "-1", "99999999999", ":", " ", "é", "\u2028", "/"]


def check(text: object, kind: str = "offer", refused: list[MediaError] | None = None):  # type: ignore[no-untyped-def]
    keep = refused.append if refused is not None else lambda error: None
    return check_description(kind, text, allow_loopback=False, refused=keep)


def test_our_own_offer_is_taken_and_says_the_same_afterwards(offer: str) -> None:
    cleaned = str(check(offer))
    for line in ("a=group:BUNDLE 0 1", "a=mid:0", "a=rtcp-mux", "a=setup:actpass", "useinbandfec=1", "H264/90000"):
        assert line in cleaned
    assert re.findall("a=candidate:.*", cleaned)[0] in offer
    assert str(check(cleaned)) == cleaned


def test_voice_alone_is_taken(offer: str) -> None:
    voice = offer[: offer.index("m=video")].replace("BUNDLE 0 1", "BUNDLE 0")
    assert [media.kind for media in check(voice).media] == ["audio"]


CHANGES: dict[str, Callable[[str], str]] = {
    "empty": lambda sdp: "",
    "one line": lambda sdp: "v=0",
    "no media": lambda sdp: sdp[: sdp.index("m=audio")],
    "too long": lambda sdp: sdp + "a=x\r\n" * MAX_SDP_BYTES,
    "too many media": lambda sdp: sdp + sdp[sdp.index("m=video") :] * 9,
    "two videos": lambda sdp: sdp + sdp[sdp.index("m=video") :].replace("a=mid:1", "a=mid:2"),
    "data channel": lambda sdp: sdp.replace("m=video", "m=application"),
    "no ufrag": lambda sdp: re.sub("a=ice-ufrag:.*\r\n", "", sdp),
    "short password": lambda sdp: re.sub("a=ice-pwd:.*", "a=ice-pwd:short", sdp),
    "no fingerprint": lambda sdp: re.sub("a=fingerprint:.*\r\n", "", sdp),
    "unknown hash": lambda sdp: re.sub("sha-[0-9]+", "md5", sdp),
    "short fingerprint": lambda sdp: re.sub("(fingerprint:sha-256 [0-9A-F:]{20}).*", r"\1", sdp),
    "no setup": lambda sdp: re.sub("a=setup:.*\r\n", "", sdp),
    "wrong setup": lambda sdp: sdp.replace("setup:actpass", "setup:maybe"),
    "no mux": lambda sdp: sdp.replace("a=rtcp-mux\r\n", ""),
    "plain RTP": lambda sdp: sdp.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
    "same mids": lambda sdp: sdp.replace("a=mid:1", "a=mid:0"),
    "long mid": lambda sdp: sdp.replace("a=mid:1", "a=mid:" + "1" * 300),
    "bundle of strangers": lambda sdp: sdp.replace("BUNDLE 0 1", "BUNDLE 7 8"),
    "one voice in a bundle of two": lambda sdp: sdp[: sdp.index("m=video")],
    "no bundle": lambda sdp: sdp.replace("a=group:BUNDLE 0 1\r\n", ""),
    "payload type 256": lambda sdp: sdp.replace("SAVPF 111", "SAVPF 256"),
    "payload type -1": lambda sdp: sdp.replace("rtpmap:96", "rtpmap:-1"),
    "payload type twice": lambda sdp: sdp.replace("rtpmap:63 red", "rtpmap:111 red"),
    "no clock": lambda sdp: sdp.replace("opus/48000/2", "opus"),
    "clock 0": lambda sdp: sdp.replace("opus/48000/2", "opus/0/2"),
    "fmtp for nobody": lambda sdp: sdp.replace("fmtp:111", "fmtp:99"),
    "ssrc of 33 bits": lambda sdp: re.sub("a=ssrc:[0-9]+", "a=ssrc:8589934592", sdp),
    "NUL": lambda sdp: sdp.replace("m=audio", "m=au\0dio"),
}


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_bad_descriptions(offer: str, change: str) -> None:
    text = CHANGES[change](offer)
    assert text != offer
    with pytest.raises(MediaError) as caught:
        check(text)
    assert caught.value.code is ErrorCode.BAD_SDP


def test_an_answer_has_to_choose_a_role(offer: str) -> None:
    with pytest.raises(MediaError):
        check(offer, "answer")
    assert check(offer.replace("setup:actpass", "setup:active"), "answer")


def test_bad_candidates_are_left_out_and_told(offer: str) -> None:
    line = re.findall("a=candidate:.*\r\n", offer)[0]
    bad = re.sub(r" [0-9]+ typ", " 70000 typ", line)
    refused: list[MediaError] = []
    cleaned = str(check(offer.replace(line, line + bad, 1), refused=refused))
    assert "70000" not in cleaned and line in cleaned
    assert [error.code for error in refused] == [ErrorCode.BAD_CANDIDATE]


def test_no_more_than_forty_candidates(offer: str) -> None:
    many = "".join(f"a=candidate:{i} 1 udp 1 192.0.2.{i + 1} 5000 typ host\r\n" for i in range(200))
    refused: list[MediaError] = []
    at = offer.index("a=candidate:")
    session = check(offer[:at] + many + offer[at:], refused=refused)
    assert sum(len(media.ice_candidates) for media in session.media) == 40
    assert refused


def test_header_extensions_that_cannot_be_packed_are_left_out(offer: str) -> None:
    assert "extmap:300" not in str(check(offer.replace("a=extmap:1 ", "a=extmap:300 ")))


def mutate(text: str, rng: random.Random) -> str:
    """One to four edits as a hostile or broken sender would make them."""
    lines = text.split("\r\n")
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(lines))
        line = lines[at]
        match rng.randrange(6):
            case 0:
                del lines[at]
                lines = lines or [""]
            case 1:
                lines.insert(at, rng.choice(lines))
            case 2:
                cut = rng.randrange(len(line) + 1)
                lines[at] = line[:cut]
            case 3:
                cut = rng.randrange(len(line) + 1)
                lines[at] = line[:cut] + rng.choice(INSERTS) + line[cut:]
            case 4:
                lines[at] = re.sub("[0-9]+", lambda _: str(rng.choice([0, -1, 256, 2**33])), line, count=1)
            case _:
                other = rng.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
    return "\r\n".join(lines)


def test_mutated_offers_are_taken_or_refused_but_nothing_else(offer: str) -> None:
    rng = random.Random(20)
    taken = 0
    for _ in range(MUTATIONS):
        text = mutate(offer, rng)
        try:
            assert str(check(text))
            taken += 1
        except MediaError as error:
            assert error.code is ErrorCode.BAD_SDP
    assert 0 < taken < MUTATIONS
