"""`pycall call` and `pycall answer` between processes: what each side is told, and how each leaves."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.command import Command, Environment, run

SOURCES = ("--audio-source", "tone:440", "--video-source", "pattern")


@contextmanager
def answering(here: Environment, user: str, *options: str) -> Iterator[Command]:
    """`user` waits for calls."""
    with Command(here, "answer", "--as", user, "--json", *SOURCES, *options) as command:
        command.event("logged_in")
        yield command


def calling(here: Environment, user: str, callee: str, *options: str) -> Command:
    return Command(here, "call", callee, "--as", user, "--json", *SOURCES, *options)


@pytest.fixture(scope="module")
def away(here: Environment) -> str:
    """A user whom the server knows and who is not there."""
    assert run(here, "call", "stranger", "--as", "dora")[0] == 19
    return "dora"


def test_a_video_call_from_ring_to_hang_up(here: Environment) -> None:
    with (
        answering(here, "bob", "--auto", "--once") as bob,
        calling(here, "alice", "bob", "--video", "--for", "2") as alice,
    ):
        received = bob.event("call_received")
        assert (received["caller"], received["media"], received["remaining"]) == ("alice", "video", 30.0)
        for side, role in [(alice, "caller"), (bob, "callee")]:
            assert side.event("call_began")["role"] == role
        for side, other in [(alice, "bob"), (bob, "alice")]:
            volumes = side.event("voice_volume")["volumes"]
            while not volumes.get(other):
                volumes = side.event("voice_volume")["volumes"]
            assert 60 <= volumes[other] <= 90  # a sine at -12 dBFS
        for side in (alice, bob):
            ended = side.event("call_ended")
            assert ended["reason"] == "hangup" and ended["user_id"] == "alice"
            assert 1.5 <= ended["duration"] <= 3.5
        assert (alice.ended(), bob.ended()) == (0, 0)
    for line in [*alice.out, *bob.out]:
        assert "event" in json.loads(line)
    assert not any("Traceback" in line for line in [*alice.err, *bob.err])


def test_ctrl_c_in_a_call_hangs_up(here: Environment) -> None:
    with answering(here, "bob", "--auto", "--once") as bob, calling(here, "alice", "bob") as alice:
        alice.event("call_began")
        bob.event("call_began")
        bob.interrupt()
        assert alice.event("call_ended")["user_id"] == "bob"
        assert bob.event("call_ended")["reason"] == "hangup"
        assert (alice.ended(), bob.ended()) == (0, 0)


def test_ctrl_c_while_it_rings_cancels(here: Environment, away: str) -> None:
    with calling(here, "alice", away) as alice:
        alice.event("calling")
        alice.interrupt()
        assert alice.event("call_not_connected")["reason"] == "canceled"
        assert alice.ended() == 13


def test_ctrl_c_while_nothing_happens(here: Environment) -> None:
    with answering(here, "bob", "--auto") as bob:
        bob.interrupt()
        assert bob.ended() == 130
        assert not any("Traceback" in line for line in bob.err)


def test_refused(here: Environment) -> None:
    with answering(here, "bob", "--reject", "--once") as bob, calling(here, "alice", "bob") as alice:
        assert alice.event("call_not_connected")["reason"] == "rejected"
        assert (alice.ended(), bob.ended()) == (10, 10)


def test_busy(here: Environment) -> None:
    with answering(here, "bob", "--auto", "--once") as bob, calling(here, "alice", "bob") as alice:
        alice.event("call_began")
        bob.event("call_began")
        with calling(here, "carol", "bob") as carol:
            assert carol.event("call_not_connected")["reason"] == "busy"
            assert carol.ended() == 11
        alice.interrupt()
        assert (alice.ended(), bob.ended()) == (0, 0)


def test_nobody_answers(here: Environment, away: str) -> None:
    with calling(here, "alice", away, "--timeout", "1") as alice:
        assert alice.event("call_not_connected")["reason"] == "no_answer"
        assert alice.ended() == 12


def test_signed_in_elsewhere(here: Environment) -> None:
    with answering(here, "bob", "--auto") as first, answering(here, "bob", "--auto"):
        assert first.event("kicked_offline")
        assert first.ended() == 16
        assert first.err[-1].endswith("[kicked]")


def test_two_calls_one_after_the_other_in_plain_lines(here: Environment) -> None:
    """The second call has its own `--for`, not what was left of the first one's."""
    call = ("call", "bob", "--as", "alice", "--video", *SOURCES)
    with answering(here, "bob", "--auto", "--for", "1") as bob:
        with Command(here, *call, "--for", "0.2") as alice:
            assert alice.ended() == 0
        shown = [line for line in alice.out if not line.startswith("no ")]
        assert shown[1] == "calling bob (video)"
        assert "talking (video)" in shown
        assert shown[-1] == "call ended after 00:00: hung up (alice)"
        assert bob.event("call_ended")["user_id"] == "alice"
        with Command(here, *call) as alice:
            ended = bob.event("call_ended")
            assert ended["user_id"] == "bob" and ended["duration"] >= 0.8
            assert alice.ended() == 0


def test_a_recording_that_is_written_too_slowly_says_how_much_is_missing(here: Environment, tmp_path: Path) -> None:
    """The file is a pipe that nobody empties before the call is over."""
    pipe = tmp_path / "slow.mkv"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 4096)
    with (
        answering(here, "bob", "--auto", "--once"),
        calling(here, "alice", "bob", "--video", "--record", str(pipe)) as alice,
        os.fdopen(end, "rb") as reader,
    ):
        told = alice.event("error_occurred")
        assert told["code"] == "overloaded" and "too slow" in told["message"]
        alice.interrupt()
        alice.event("call_ended")
        os.set_blocking(end, True)
        reader.read()
        recorded = alice.event("recording_ended")
        assert recorded["path"] == str(pipe) and recorded["left_out"] > 0
        assert alice.ended() == 0
        assert len(alice.events("error_occurred")) == 1, "once, however many pictures are missing"


def test_a_recording_that_breaks_off_is_no_success(here: Environment, tmp_path: Path) -> None:
    (tmp_path / "full.mkv").symlink_to("/dev/full")
    record = ("--record", str(tmp_path / "full.mkv"))
    with (
        answering(here, "bob", "--auto", "--once") as bob,
        calling(here, "alice", "bob", "--for", "1", *record) as alice,
    ):
        assert alice.ended() == 23
        assert bob.ended() == 0
    told = alice.events("error_occurred")
    assert [line["code"] for line in told] == ["bad_file", "bad_file"], "when it happens, and as what ends the command"
    assert all("No space left" in line["message"] for line in told)
    assert json.loads(alice.out[-1]) == told[-1]
    assert "a file of it broke off" in alice.err[-1] and alice.err[-1].endswith("[bad_file]")
