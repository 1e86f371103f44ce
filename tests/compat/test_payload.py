"""Payloads, errors and arguments by all their documented spellings."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import pytest

from pycall.compat.codes import TUICallError, TUIErrorCode, documented, number_of
from pycall.compat.define import TUICallDefine, TUICommonDefine
from pycall.compat.emitter import Emitter
from pycall.compat.given import read
from pycall.compat.payload import Payload
from pycall.compat.structs import CallParams, OfflinePushInfo, RoomId, UserInfo, room_id
from pycall.compat.tui import TUICallEngine
from pycall.core.errors import ErrorCode, MediaError, PyCallError, SignalingError


def test_one_value_by_all_its_names() -> None:
    payload = Payload(callerId="alice", calleeIdList=["bob"], chatGroupID="team", message="gone", callMediaType=2)
    for name in ["callerId", "callerID", "caller_id", "sponsor"]:
        assert payload[name] == payload.get(name) == getattr(payload, name) == "alice"
        assert name in payload
    assert payload.userIDList == payload.user_id_list == ["bob"]
    assert payload.groupId == payload.chat_group_id == "team"
    assert (payload.msg, payload.mediaType, payload.callType) == ("gone", 2, 2)
    assert list(payload) == ["callerId", "calleeIdList", "chatGroupID", "message", "callMediaType"]


def test_an_exact_key_wins_and_an_unknown_one_is_told() -> None:
    payload = Payload(roomID=7, roomId=RoomId(7))
    assert (payload.roomID, payload.roomId) == (7, RoomId(7))
    assert payload.get("volume") is None and payload.get("volume", 3) == 3 and 5 not in payload
    with pytest.raises(KeyError):
        payload["volume"]
    with pytest.raises(AttributeError, match="no 'volume' here, only roomID, roomId"):
        _ = payload.volume


def test_rooms_and_people() -> None:
    assert room_id(None).chosen is None
    assert room_id("standup") == RoomId(strRoomId="standup")
    assert RoomId(7, "standup").chosen == 7, "a number beats a name"
    names = [UserInfo("bob").displayUserInfo, UserInfo("bob", nick="Bob").displayUserInfo]
    assert [*names, UserInfo("bob", nick="Bob", remark="plumber").displayUserInfo] == ["bob", "Bob", "plumber"]


def test_an_error_can_be_read_and_sent_elsewhere() -> None:
    error = TUICallError(-1202, "userID is missing", -120200)
    for one in (error, pickle.loads(pickle.dumps(error))):
        assert (one.code, one["code"], one["message"], one["msg"], one["innerCode"]) == (
            -1202,
            -1202,
            "userID is missing",
            "userID is missing",
            -120200,
        )
        assert str(one) == "userID is missing (-1202, -120200)"


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_a_documented_number(code: ErrorCode) -> None:
    error = documented(PyCallError(code, "something"))
    assert error.code in {one.value for one in TUIErrorCode}
    assert error.code != 0


def test_devices_and_links_are_told_apart() -> None:
    assert number_of(ErrorCode.DEVICE_BUSY, "the camera is used by another program") == 60004
    assert number_of(ErrorCode.NO_DEVICE, "there is no microphone") == 60003
    assert documented(SignalingError(ErrorCode.PORT_TAKEN, "x")).code == -1401
    assert documented(MediaError(ErrorCode.WRONG_STATE, "x")).code == 65535


def test_arguments_in_every_form_are_one() -> None:
    order = ("userID", "type", "params", "timeout", "roomID", "strRoomID", "userData", "chatGroupID")
    params = CallParams(RoomId(strRoomId="r"), timeout=7, userData="u")
    forms: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        (({"userID": "bob", "type": 2, "timeout": 7, "strRoomID": "r", "userData": "u", "offlinePushInfo": {}},), {}),
        ((), {"user_id": "bob", "type": 2, "timeout": 7, "str_room_id": "r", "user_data": "u"}),
        (("bob", 2, params), {}),
        (("bob",), {"callMediaType": 2, "params": {"timeout": 7, "roomId": RoomId(strRoomId="r"), "userData": "u"}}),
    ]
    for args, named in forms:
        given = read("call", order, args, named)
        found = (given.text("userID"), given.whole("timeout", 0, 9), given.room(), given.text("userData"))
        assert found == ("bob", 7, "r", "u")
        assert given.media().has_video
    with pytest.raises(TUICallError, match="takes 8 arguments, not 9"):
        read("call", order, tuple(range(9)), {})
    with pytest.raises(TUICallError, match="no option is called time"):
        read("call", order, (), {"time_": 3})


def test_the_same_parameter_object_fits_every_verb() -> None:
    """Natively all verbs take CallParams; what was given beside it counts more than its own fields."""
    invite = read("inviteUser", ("userIDList", "params", "timeout"), (["carol"], CallParams(RoomId(5), timeout=7)), {})
    assert (invite.texts("userIDList"), invite.whole("timeout", 0, 9)) == (["carol"], 7)
    order = ("groupID", "userIDList", "type", "params", "timeout")
    for params in (CallParams(), CallParams(chatGroupId="other", isEphemeralCall=True)):
        assert read("groupCall", order, ("team", ["bob"], 1, params), {}).text("groupID") == "team"
    push = OfflinePushInfo(title="alice calls", desc="come", ignoreIOSBadge=True, androidVIVOClassification=0)
    assert read("call", ("userID", "params"), ("bob", CallParams(offlinePushInfo=push)), {}).text("userID") == "bob"


def test_outside_of_a_loop_a_verb_says_so() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        TUICallEngine({"SDKAppID": 1}).call({"userID": "bob", "type": 1})


def test_androids_names() -> None:
    assert TUICallDefine.MediaType.Video == 2
    assert TUICallDefine.CallParams(TUICommonDefine.RoomId(7)).roomId.chosen == 7
    assert TUICommonDefine.Camera.Back == 1


def test_a_listener_takes_as_much_as_it_likes() -> None:
    emitter, heard = Emitter(["onError"]), []
    emitter.on("onError", lambda: heard.append("none"))
    emitter.on("onError", lambda *all_of_it: heard.append(all_of_it))
    emitter.on("onError", dict)
    emitter.emit("onError", Payload(code=1))
    assert heard == ["none", ({"code": 1},)]
    emitter.off("onError")
    emitter.emit("onError", Payload(code=2))
    assert len(heard) == 2
    for wrong in [("onErorr", print), ("onError", "print")]:
        with pytest.raises(TUICallError):
            emitter.on(*wrong)  # type: ignore[arg-type]
    with pytest.raises(TUICallError):
        emitter.off("onErorr")


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_the_names_load_only_what_they_need() -> None:
    assert not loaded_after("from pycall import TUICallEvent") & {"av", "numpy", "aiortc", "aiohttp"}
    everything = "from pycall import CallEngine, TUICallEngine, TUICallEvent, TUICallKit, TRTCCalling"
    assert not loaded_after(everything) & {"cv2", "sounddevice"}
