"""The wire: what is let in, what is refused, and that whatever was let in can be passed on."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from pycall.core import wire
from pycall.core.bounds import MAX_SDP_BYTES, nested_too_deep
from pycall.core.errors import ErrorCode, RemoteProtocolError
from pycall.core.records import RecordResult
from pycall.core.types import MAX_JSON_DEPTH, MAX_MESSAGE_BYTES, EndReason, MediaType, MemberState, Scene
from pycall.core.wire_records import MAX_RECORDS

CALL = "0123456789abcdef" * 2
LOGIN = {"type": "login", "version": 1, "app_id": 1, "user_id": "alice", "user_sig": "x", "device_id": "d-1"}
INVITE = {"type": "invite", "req_id": 1, "call_id": CALL, "callees": ["bob"], "media": "video", "timeout": 30}
SIGNAL = {"type": "signal", "call_id": CALL, "to": "bob", "kind": "offer"}
ENDED = {"call_id": CALL, "seq": 4, "reason": "hangup", "user_id": "bob", "media": "audio"}


def frame(base: dict[str, Any], **changes: Any) -> str:
    return json.dumps({**base, **changes})


def refused(text: str | bytes) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        wire.decode_from_client(text)
    assert caught.value.code is ErrorCode.BAD_MESSAGE
    return str(caught.value)


def call_view(**changes: Any) -> wire.CallView:
    members = tuple(wire.MemberView(user_id=f"u{n}", state=MemberState.JOINED) for n in range(9))
    fields: dict[str, Any] = {"call_id": CALL, "seq": 3, "caller": "u0", "callees": tuple(f"u{n}" for n in range(1, 9))}
    fields |= {"media": MediaType.AUDIO, "members": members} | changes
    return wire.CallView(**fields)


# --- what goes through ------------------------------------------------------------------------------------------

RECORD: dict[str, Any] = {"call_id": CALL, "caller": "a" * 32, "callees": ("b" * 32,) * 8, "media": MediaType.VIDEO}
RECORD |= {"scene": Scene.GROUP, "room_id": "r" * 64, "chat_group_id": "g" * 64, "result": RecordResult.OUTGOING}
RECORD |= {"started_at": 1700000000.123456, "duration": 86400.123456}
EVERY_CLIENT_MESSAGE: list[wire.ClientMessage] = [
    wire.Login(version=1, app_id=1, user_id="alice", user_sig="s*-_", device_id="d", call_id=CALL),
    wire.Invite(req_id=0, call_id=CALL, callees=("bob",), media=MediaType.AUDIO, timeout=0, user_data="é\u2028\0"),
    wire.Accept(req_id=1, call_id=CALL),
    wire.Reject(req_id=2, call_id=CALL, busy=True),
    wire.Hangup(req_id=3, call_id=CALL, reason="media_lost"),
    wire.SwitchMedia(req_id=4, call_id=CALL, media=MediaType.VIDEO),
    wire.SetMedia(req_id=5, call_id=CALL, audio=False, video=True),
    wire.PeerReport(call_id=CALL, user_id="bob", up=True),
    wire.Signal(call_id=CALL, to="bob", kind="candidate", generation=2, sdp_mid="0", sdp_m_line_index=0),
    wire.Ping(id=2**53 - 1),
    wire.Logout(req_id=6),
    wire.InviteMore(req_id=7, call_id=CALL, callees=("carol",), timeout=30, user_data="x"),
    wire.Join(req_id=8, call_id=CALL, room_id="room 1", chat_group_id="@TGS#1", video=True),
    wire.SetMultiDevice(req_id=9, enabled=True),
    wire.SetSelfInfo(req_id=10, nickname='A\'ńe "x"', avatar="https://example.org/a.png"),
    wire.QueryRecords(req_id=11, result=RecordResult.MISSED, since=1.5, until=2.5, skip=50, at_most=50),
    wire.DeleteRecords(req_id=12, call_ids=(CALL,)),
]
EVERY_SERVER_MESSAGE: list[wire.ServerMessage] = [
    wire.Welcome(version=1, user_id="alice", server_time=1.5, call=call_view(), ended=wire.Ended(**ENDED)),
    wire.Goodbye(code=ErrorCode.KICKED, message="signed in elsewhere"),
    wire.Reply(req_id=1, ok=False, code=ErrorCode.WRONG_STATE, message="no", call=call_view(remaining=1.0)),
    wire.Pong(id=0),
    wire.Invited(call=call_view(user_data="x" * 4096)),
    wire.Ringing(call_id=CALL, seq=1, user_id="bob"),
    wire.Joined(call_id=CALL, seq=2, user_id="bob", audio=True, video=True),
    wire.Declined(call_id=CALL, seq=3, user_id="bob", reason=EndReason.BUSY),
    wire.Left(call_id=CALL, seq=3, user_id="bob", reason=EndReason.OFFLINE),
    wire.MediaSwitched(call_id=CALL, seq=3, user_id="bob", old=MediaType.AUDIO, new=MediaType.VIDEO),
    wire.MediaSet(call_id=CALL, seq=3, user_id="bob", audio=False, video=False),
    wire.Ended(**ENDED),
    wire.Signaled(call_id=CALL, sender="bob", kind="answer", sdp="v=0\r\n"),
    wire.TicketExpired(grace=60.0),
    wire.Renewed(ok=False, code=ErrorCode.SIG_EXPIRED, message="no"),
    wire.IceServers(ice_servers=(wire.IceServer(urls=("turn:192.0.2.1:3478",), username="9:a", credential="x"),)),
    wire.Inviting(call_id=CALL, seq=4, inviter="bob", user_id="carol"),
    wire.UserInfo(call_id=CALL, user_id="bob", nickname="Bob", avatar=""),
    wire.Records(req_id=11, records=(wire.RecordView(**RECORD),), deleted=(CALL,), code=ErrorCode.STORAGE, message="x"),
]


@pytest.mark.parametrize("message", EVERY_CLIENT_MESSAGE, ids=lambda m: type(m).__name__)
def test_client_messages_arrive_as_they_were_sent(message: wire.ClientMessage) -> None:
    assert wire.decode_from_client(wire.encode(message)) == message
    assert wire.decode_from_client(wire.encode(message).encode()) == message


@pytest.mark.parametrize("message", EVERY_SERVER_MESSAGE, ids=lambda m: type(m).__name__)
def test_server_messages_arrive_as_they_were_sent(message: wire.ServerMessage) -> None:
    assert wire.decode_from_server(wire.encode(message)) == message


def test_every_message_is_tried_above() -> None:
    assert {type(m) for m in EVERY_CLIENT_MESSAGE} == set(wire.ClientMessage.__args__)
    assert {type(m) for m in EVERY_SERVER_MESSAGE} == set(wire.ServerMessage.__args__)


def test_a_full_page_of_records_fits_into_a_frame() -> None:
    page = wire.Records(req_id=2**53 - 1, records=(wire.RecordView(**RECORD),) * MAX_RECORDS, message="x" * 4096)
    assert wire.decode_from_server(wire.encode(page)) == page


def test_unknown_fields_of_a_newer_peer_are_ignored() -> None:
    text = frame({"type": "ping", "id": 1, "color": {"deep": [1, 2, {"er": None}]}})
    assert wire.decode_from_client(text) == wire.Ping(id=1)


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *["", " ", "null", "[]", "7", '"ping"', "{", "{}", '{"id":1}', '{"type":"bogus"}', '{"type":7}', "not json"],
        *['{"type":"ping","id":1} more', '{"type":"ping","id":1}{}', "\ufeff" + '{"type":"ping","id":1}'],
        *['{"type":"ping","id":NaN}', '{"type":"ping","id":1e999}', '{"type":"ping","id":' + "9" * 5000 + "}"],
        *['{"type":"ping"}', '{"type":"ping","type":"accept","id":1}', '{"type":"welcome","version":1}'],
        *[frame({"type": "ping"}, id=value) for value in [True, 1.0, "1", None, -1, 2**53, [], {}]],
        *[frame(LOGIN, user_id=value) for value in ["", "a" * 33, "a b", "a\n", "é", "a:b", "../x", 0, None, []]],
        *[frame(LOGIN, device_id=value) for value in ["", "d" * 65, "d\n", None]],
        *[frame(LOGIN, user_sig="x" * 4097), frame(LOGIN, app_id="1"), frame(LOGIN, version=True)],
        *[frame(INVITE, call_id=value) for value in ["", "0" * 31, "0" * 33, "A" * 32, "g" * 32, CALL + "\n", 5]],
        *[frame(INVITE, callees=value) for value in ["bob", ["b"] * 9, ["b b"], [None], None, {"b": 1}]],
        *[frame(INVITE, timeout=value) for value in [-1, 86401, 1.5, "30", True, None]],
        *[frame(INVITE, user_data=value) for value in ["x" * 4097, "é" * 2049, "😀" * 1025, 1, None]],
        *[frame(INVITE, media=value) for value in ["", "VIDEO", "screen", 1, None]],
        *[frame(SIGNAL, kind="bogus"), frame(SIGNAL, to="b b"), frame(SIGNAL, generation=-1)],
        *[frame(SIGNAL, sdp="x" * (MAX_SDP_BYTES + 1)), frame(SIGNAL, sdp="\r\n" * (MAX_SDP_BYTES // 4 + 1))],
        *[frame(SIGNAL, candidate="x" * 1025), frame(SIGNAL, candidate="é" * 513), frame(SIGNAL, sdp_mid="x" * 65)],
        *[frame(SIGNAL, sdp_m_line_index=value) for value in [-1, 256, "0", 0.0]],
    ],
    ids=lambda text: text[-50:] if len(text) > 50 else text or "empty",
)
def test_refused(text: str) -> None:
    assert len(refused(text)) < 300


@pytest.mark.parametrize("escape", [r"\ud800", r"\udc00", r"\ud800A", r"\ud800\u0041", r"\udc00\ud800", "\ud800"])
def test_lone_surrogates_never_pass(escape: str) -> None:
    start = json.dumps(INVITE)[:-1]
    refused(start + f', "user_data": "{escape}"}}')


def test_surrogate_pairs_are_one_character() -> None:
    text = json.dumps(INVITE)[:-1] + r', "user_data": "\ud83d\ude00"}'
    message = wire.decode_from_client(text)
    assert isinstance(message, wire.Invite)
    assert message.user_data == "😀"


@pytest.mark.parametrize("data", [b"\xff", b'{"type":"ping","id":"\xff"}', '{"type":"ping","id":1}'.encode("utf-16")])
def test_bytes_that_are_not_utf8(data: bytes) -> None:
    refused(data)


def test_frames_over_64_kib() -> None:
    text = frame({"type": "ping", "id": 1, "pad": ""})
    fitting = text.replace('""', '"' + "x" * (MAX_MESSAGE_BYTES - len(text)) + '"')
    assert wire.decode_from_client(fitting) == wire.Ping(id=1)
    assert "65537 bytes" in refused(fitting + " ")


def test_a_refused_request_can_still_be_answered_by_its_number() -> None:
    assert wire.req_id_of(frame(INVITE, timeout=-1, req_id=77)) == 77
    for text in [frame(SIGNAL), "", "[]", '{"req_id":-1}', '{"req_id":true}', "[" * 9999]:
        assert wire.req_id_of(text) is None


# --- depth ------------------------------------------------------------------------------------------------------


def nested(depth: int, opening: str = "[", closing: str = "]", core: str = "") -> str:
    """A ping whose unknown field makes the whole frame `depth` levels deep."""
    return '{"type":"ping","id":1,"x":' + opening * (depth - 1) + core + closing * (depth - 1) + "}"


def test_depth_is_counted_exactly() -> None:
    wide = ",".join(["[]"] * 100)
    assert wire.decode_from_client(nested(MAX_JSON_DEPTH)) == wire.Ping(id=1)
    assert wire.decode_from_client(nested(MAX_JSON_DEPTH - 1, core=wide)) == wire.Ping(id=1)
    assert wire.decode_from_client(nested(MAX_JSON_DEPTH, '{"a":', "}", "0")) == wire.Ping(id=1)
    for text in [nested(MAX_JSON_DEPTH + 1), nested(MAX_JSON_DEPTH, core=wide), nested(17, '{"a":', "}", "0")]:
        assert "nested deeper" in refused(text)


@pytest.mark.parametrize("text", ["[" * 60000, '{"a":' * 10000, nested(30000), '"\\"' + "[" * 99, '\\"' + "[" * 60000])
def test_very_deep_or_open_frames(text: str) -> None:
    refused(text)


@pytest.mark.parametrize("text", ["[" * 40, "]" * 40, '\\"[[' * 40, "\\\\" + "{" * 40, '"' + "[" * 40, "[" * 40 + "\\"])
def test_brackets_in_strings_do_not_count(text: str) -> None:
    message = wire.decode_from_client(frame(INVITE, user_data=text))
    assert isinstance(message, wire.Invite)
    assert message.user_data == text


@pytest.mark.parametrize(
    "data",
    [b"[" * 65536, b"[" + b"[]," * 21000, b"[" * 32000 + b"]" * 32000, (b"[" * 16 + b"]" * 16 + b",") * 1985]
    + [b'"' + b'\\"' * 32000 + b"[" * 20, b"[" + b'"",' * 21000 + b"[" * 17, b"\\" * 65000 + b"[" * 20],
    ids=range(7),
)
def test_the_depth_check_is_fast_for_the_worst(data: bytes) -> None:
    def seconds() -> float:
        start = time.perf_counter()
        nested_too_deep(data)
        return time.perf_counter() - start

    assert min(seconds() for _ in range(10)) < 0.01


# --- passing on -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("char", ["a", "\n", "\x01", "é", "\u2028", "😀", '"', "\\", "\0"])
def test_the_longest_that_is_let_in_can_be_passed_on(char: str) -> None:
    each = len(json.dumps(char, ensure_ascii=False).encode()) - 2
    sdp = char * (MAX_SDP_BYTES // each)
    candidate = char * (1024 // len(char.encode()))
    text = json.dumps({**SIGNAL, "sdp": sdp, "candidate": candidate, "sdp_mid": char * 64}, ensure_ascii=False)
    message = wire.decode_from_client(text)
    assert isinstance(message, wire.Signal)
    passed_on = wire.Signaled(
        call_id=CALL,
        sender="a" * 32,
        kind=message.kind,
        generation=2**31 - 1,
        sdp=message.sdp,
        candidate=message.candidate,
        sdp_mid=message.sdp_mid,
        sdp_m_line_index=255,
    )
    assert wire.decode_from_server(wire.encode(passed_on)) == passed_on


@pytest.mark.parametrize("char", ["a", "\x01", "é", "😀", '"', "\0"])
def test_the_longest_user_data_fits_into_every_message_with_a_call(char: str) -> None:
    view = call_view(user_data=char * (4096 // len(char.encode())))
    welcome = wire.Welcome(version=1, user_id="alice", server_time=0.0, call=view, ended=wire.Ended(**ENDED))
    for message in [welcome, wire.Invited(call=view), wire.Reply(req_id=1, ok=False, message="x" * 4096, call=view)]:
        assert wire.decode_from_server(wire.encode(message)) == message
