"""Any bytes into the decoders and the ticket check: only the declared errors come out."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from pycall.core import wire
from pycall.core.bounds import nested_too_deep
from pycall.core.errors import LoginError, RemoteProtocolError
from pycall.core.types import MAX_JSON_DEPTH, MAX_MESSAGE_BYTES
from pycall.core.usersig import check_user_sig, make_user_sig

quick = settings(max_examples=300, deadline=None)

CALL = "0123456789abcdef" * 2
SEEDS = [
    {"type": "login", "version": 1, "app_id": 1, "user_id": "a", "user_sig": "s", "device_id": "d", "call_id": CALL},
    {"type": "invite", "req_id": 1, "call_id": CALL, "callees": ["b"], "media": "audio", "timeout": 0, "user_data": ""},
    {"type": "signal", "call_id": CALL, "to": "b", "kind": "offer", "sdp": "v=0", "sdp_mid": "0", "generation": 1},
    {"type": "set_media", "req_id": 1, "call_id": CALL, "audio": True, "video": False},
    {"type": "hangup", "req_id": 2, "call_id": CALL, "reason": "hangup"},
    {"type": "ping", "id": 1},
    {"type": "signaled", "call_id": CALL, "sender": "b", "kind": "candidate", "candidate": "c"},
    {"type": "ended", "call_id": CALL, "seq": 1, "reason": "busy", "user_id": "b", "media": "video", "duration": 1.5},
    {"type": "reply", "req_id": 1, "ok": False, "code": "busy", "message": "no", "call": None},
    {"type": "welcome", "version": 1, "user_id": "a", "server_time": 1.5, "call": {"call_id": CALL, "members": []}},
]
text = st.text(max_size=40) | st.text('\\"[]{}\u2028\0é😀', max_size=40)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | text
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4))


def decode_both(frame: str | bytes) -> None:
    for decode in [wire.decode_from_client, wire.decode_from_server]:
        try:
            message = decode(frame)
        except RemoteProtocolError as error:
            assert "\n" not in str(error)
            continue
        again = wire.encode(message)
        assert len(again.encode()) <= MAX_MESSAGE_BYTES
        assert decode(again) == message


@quick
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_and_any_text(frame: str | bytes) -> None:
    decode_both(frame)
    wire.req_id_of(frame)


@quick
@given(st.sampled_from(SEEDS), st.dictionaries(st.sampled_from(sorted({k for s in SEEDS for k in s})), values))
def test_messages_with_fields_of_any_kind(seed: dict[str, Any], changes: dict[str, Any]) -> None:
    decode_both(json.dumps(seed | changes))
    decode_both(json.dumps(seed | changes, ensure_ascii=False))


@quick
@given(st.sampled_from(SEEDS), st.data())
def test_messages_with_bytes_changed(seed: dict[str, Any], data: st.DataObject) -> None:
    frame = bytearray(json.dumps(seed).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    decode_both(bytes(frame))


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@quick
@given(values, st.integers(0, 20), st.booleans())
def test_the_depth_is_the_depth_that_json_has(value: Any, wrapping: int, ascii_only: bool) -> None:
    for _ in range(wrapping):
        value = [value, "]\\"] if wrapping % 2 else {'"[': value}
    frame = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert nested_too_deep(frame) == (depth_of(value) > MAX_JSON_DEPTH)


# --- tickets ----------------------------------------------------------------------------------------------------

GOOD = make_user_sig(1, "the key of this test", "alice", now=1000)


def accepted(sig: Any) -> bool:
    try:
        check_user_sig(sig, app_id=1, secret_keys=["the key of this test"], user_id="alice", now=1000)
    except LoginError as error:
        assert "\n" not in str(error)
        return False
    return True


@quick
@given(st.text(max_size=300) | st.text("ABCabc0129*-_", max_size=300) | st.binary(max_size=50) | scalars)
def test_any_ticket(sig: Any) -> None:
    assert not accepted(sig)


@quick
@given(st.binary(max_size=300) | values.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")))
def test_tickets_with_anything_inside(data: bytes) -> None:
    for packed in [data, zlib.compress(data)]:
        assert not accepted(base64.b64encode(packed).decode().translate(str.maketrans("+/=", "*-_")))


@quick
@given(st.integers(0, len(GOOD) - 1), st.sampled_from("ABCabc019*-_ é\n"))
def test_a_ticket_with_one_character_changed(place: int, character: str) -> None:
    changed = GOOD[:place] + character + GOOD[place + 1 :]
    assert accepted(changed) == (changed == GOOD) or inside(changed) == inside(GOOD)


def inside(sig: str) -> bytes | None:
    """What the ticket says; some characters carry bits that base64 does not use."""
    try:
        return zlib.decompress(base64.b64decode(sig.translate(str.maketrans("*-_", "+/=")), validate=True))
    except (ValueError, zlib.error):
        return None
