"""Every event has its words and its object, every ending and error its exit code."""

from __future__ import annotations

import json
import time

import pytest

from pycall.cli.exit_codes import ExitCode, for_error, for_reason
from pycall.cli.view import HANGING_UP, Status, status_line
from pycall.cli.wording import clock, sentence, to_json
from pycall.core import events as ev
from pycall.core.errors import CallError, ConfigError, ErrorCode, LoginError, MediaError, PyCallError, SignalingError
from pycall.core.types import CallId, DeviceKind, DeviceState, EndReason, MediaType, NetworkQuality, PeerQuality, Role
from signaling_server.database import StoreError

CALL = CallId("0" * 32)
EVENTS = [
    ev.CallReceived(CALL, "alice", ("bob",), MediaType.VIDEO, "", 29.5),
    ev.UserRinging(CALL, "bob"),
    ev.UserRejected(CALL, "bob"),
    ev.UserNoResponse(CALL, "bob"),
    ev.UserLineBusy(CALL, "bob"),
    ev.CallNotConnected(CALL, MediaType.AUDIO, EndReason.BUSY, "bob", Role.CALLER),
    ev.UserJoined(CALL, "bob"),
    ev.CallBegan(CALL, MediaType.VIDEO, Role.CALLER),
    ev.UserAudioAvailable("bob", False),
    ev.UserVideoAvailable("bob", True),
    ev.CallMediaChanged(CALL, MediaType.VIDEO, MediaType.AUDIO, "bob"),
    ev.VoiceVolume({"alice": 3, "bob": 70}),
    ev.NetworkQualityChanged({"alice": NetworkQuality.GOOD, "bob": NetworkQuality.BAD}),
    ev.MediaStatistics(1_250_000.0, 830_000.0, 0.02, 0.0, 0.01),
    ev.CallReconnecting(CALL),
    ev.CallReconnected(CALL),
    ev.UserLeft(CALL, "bob", EndReason.HANGUP),
    ev.CallEnded(CALL, MediaType.VIDEO, EndReason.HANGUP, "bob", Role.CALLER, 75.25),
    ev.SignalingLost(),
    ev.SignalingRestored(),
    ev.KickedOffline(),
    ev.UserSigExpired(),
    ev.ErrorOccurred(ErrorCode.DEVICE_LOST, "the camera is gone"),
    ev.CallQuality(CALL, {"bob": PeerQuality(mos=4.3, delay=0.1, size=(640, 360), fps=30.0, setup={"gathered": 0.01})}),
    ev.DevicesChanged(DeviceKind.SPEAKER, "Headset", DeviceState.REMOVE),
    ev.UserInviting(CALL, "alice", "carol"),
    ev.UserInfoChanged("bob", "Robert", ""),
    ev.ActiveSpeakerChanged("bob"),
    ev.RecordingEnded("talk.mkv", 300, 12),
]
PERIODIC = (ev.ActiveSpeakerChanged, ev.VoiceVolume, ev.NetworkQualityChanged, ev.MediaStatistics)


def test_no_event_is_forgotten() -> None:
    defined = {kind for kind in vars(ev).values() if isinstance(kind, type) and issubclass(kind, ev.Event)}
    assert {type(event) for event in EVENTS} == defined - {ev.Event}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_one_sentence_and_one_object(event: ev.Event) -> None:
    line = sentence(event)
    assert line is None if isinstance(event, PERIODIC) else line and "\n" not in line
    body = json.loads(to_json(event))
    assert body.pop("event").replace("_", "") == type(event).__name__.lower()
    assert body.keys() == set(type(event).__dataclass_fields__)


def test_values_in_json_are_plain() -> None:
    assert json.loads(to_json(EVENTS[0]))["media"] == "video"
    assert json.loads(to_json(EVENTS[12]))["qualities"] == {"alice": 2, "bob": 4}


def test_a_recording_says_what_it_lacks() -> None:
    assert sentence(EVENTS[-1]) == "recorded in talk.mkv; 12 of 312 pictures are left out"
    assert sentence(ev.RecordingEnded("talk.mkv", 300, 0)) == "recorded in talk.mkv"


def test_every_reason_has_an_exit_code() -> None:
    codes = {reason: for_reason(reason) for reason in EndReason}
    assert [reason for reason, code in codes.items() if code is ExitCode.OK] == [EndReason.HANGUP]


@pytest.mark.parametrize("code", ErrorCode)
def test_no_error_leaves_with_zero_or_like_a_bug(code: ErrorCode) -> None:
    for kind in [PyCallError, LoginError, CallError, SignalingError, MediaError, ConfigError]:
        assert for_error(kind(code, "")) not in {ExitCode.OK, ExitCode.INTERNAL}


def test_errors_leave_with_the_documented_codes() -> None:
    for error in [CallError(ErrorCode.STORAGE, ""), SignalingError(ErrorCode.STORAGE, "")]:
        assert for_error(error) is ExitCode.REFUSED, "the database is the server's"
    assert for_error(StoreError(ErrorCode.STORAGE, "")) is ExitCode.USAGE
    assert for_error(LoginError(ErrorCode.SIG_EXPIRED, "")) is ExitCode.LOGIN_REFUSED
    assert for_error(LoginError(ErrorCode.KICKED, "")) is ExitCode.KICKED
    assert for_error(SignalingError(ErrorCode.UNREACHABLE, "")) is ExitCode.UNREACHABLE
    assert for_error(ConfigError(ErrorCode.PORT_TAKEN, "")) is ExitCode.PORT_TAKEN
    assert for_error(MediaError(ErrorCode.NO_DEVICE, "")) is ExitCode.MEDIA_ERROR


def test_the_status_line_tells_the_call() -> None:
    status = Status("alice")
    for event in EVENTS[6:8]:
        status.take(event)
    for event in EVENTS[11:14]:
        status.take(event)
    status.microphone_open = False
    line = status_line(status).plain
    for part in ["talking", "00:00", "me ░░░░░░░░", "them ██████░░", "bad", "↑830k", "↓1.2M", "MUTED", "camera off"]:
        assert part in line
    status.take(EVENTS[17])
    assert "them" not in status_line(status).plain


@pytest.mark.parametrize("width", [80, 60, 40, 30])
@pytest.mark.parametrize("state", ["talking", "reconnecting"])
def test_a_narrow_terminal_leaves_out_what_tells_least_and_never_the_keys(width: int, state: str) -> None:
    status = Status("alice", state=state, media=MediaType.VIDEO, began=time.monotonic(), microphone_open=False)
    status.take(ev.NetworkQualityChanged({"bob": NetworkQuality.VERY_BAD}))
    status.take(ev.MediaStatistics(12_250_000.0, 10_830_000.0, 0.02, 0.0, 0.01))
    line = status_line(status, width).plain
    assert len(line) <= width and state in line and "MUTED" in line and line.endswith(" m c v q")
    assert ("very bad" in line) == (width == 80) and ("them" in line) == (width >= 60)


def test_who_hangs_up_is_hanging_up_and_not_muted() -> None:
    status = Status("alice", state=HANGING_UP, began=0.0, microphone_open=False)
    for event in (
        ev.UserJoined(CALL, "bob"),
        ev.CallBegan(CALL, MediaType.VIDEO, Role.CALLER),
        ev.CallReconnected(CALL),
    ):
        status.take(event)
        assert status_line(status, 80).plain.split()[:2] == ["hanging", "up"]
        assert "MUTED" not in status_line(status, 80).plain and "camera" not in status_line(status, 80).plain


def test_clock() -> None:
    assert [clock(s) for s in (0, 75.9, 3600, 36061)] == ["00:00", "01:15", "1:00:00", "10:01:01"]


def test_the_quality_of_a_call_has_a_line_for_each_person() -> None:
    setup = {"gathered": 0.01, "described": 0.02, "connected": 0.03, "secured": 0.05, "first_sound": 0.11}
    voice = PeerQuality(mos=4.31, concealed=0.012, delay=0.0834, setup=setup)
    seen = PeerQuality(size=(640, 360), fps=29.96, freezes=2, frozen=0.61, setup={"first_picture": 1.26})
    line = sentence(ev.CallQuality(CALL, {"bob": voice, "carol": seen, "dave": PeerQuality()}))
    assert line is not None
    assert line.splitlines() == [
        "quality of bob: voice 4.3 of 4.4, 1.2% made up, 83 ms behind; connected after 0.1 s, first heard after 0.1 s",
        "quality of carol: picture 640x360 at 30.0 fps, froze 2 times (0.6 s); first seen after 1.3 s",
        "quality of dave: nothing arrived",
    ]
    assert json.loads(to_json(ev.CallQuality(CALL, {"bob": voice})))["users"]["bob"]["mos"] == 4.31
    assert json.loads(to_json(ev.CallQuality(CALL, {"bob": voice})))["users"]["bob"]["setup"] == setup
