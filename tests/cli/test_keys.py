"""The terminal: a live line, keys in a call and while it rings, and a terminal that is put back as it was."""

from __future__ import annotations

import json
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pycall.core.types import NetworkQuality
from tests.command import Command, Environment
from tests.terminal import PYCALL, Terminal

SOURCES = ("--audio-source", "tone:440", "--video-source", "pattern", "--audio-sink", "null", "--video-sink", "null")


@contextmanager
def answering(here: Environment, user: str) -> Iterator[Command]:
    with Command(here, "answer", "--as", user, "--json", "--auto", "--once", *SOURCES) as command:
        command.event("logged_in")
        yield command


def test_keys_in_a_call(here: Environment) -> None:
    with answering(here, "bob") as bob, Terminal(here, "call", "bob", "--as", "alice", "--video", *SOURCES) as alice:
        alice.read_until(" talking ")
        alice.read_until("them █")
        bob.event("user_video_available")
        alice.type("m")
        assert bob.event("user_audio_available") == {
            "event": "user_audio_available", "user_id": "alice", "available": False,
        }  # fmt: skip
        alice.read_until(" MUTED ")
        alice.type("c")
        assert bob.event("user_video_available")["available"] is False
        alice.read_until(" camera off ")
        alice.type("v")
        assert bob.event("call_media_changed")["new"] == "audio"
        alice.read_until("alice switched to voice")
        alice.type("q")
        alice.read_until("hung up (alice)")
        assert (alice.ended(), bob.ended()) == (0, 0)
        assert termios.tcgetattr(alice.slave) == alice.before


def test_after_a_switch_to_voice_nobody_s_line_is_bad(here: Environment) -> None:
    """The last pictures come when it is known already that no more will; they do not stand still."""
    with answering(here, "bob") as bob, Terminal(here, "call", "bob", "--as", "alice", "--video", *SOURCES) as alice:
        alice.read_until("them █")
        alice.type("v")
        bob.event("call_media_changed")
        grades = [bob.event("network_quality_changed")["qualities"] for _ in range(3)]
        assert grades[-1]["alice"] <= NetworkQuality.GOOD
        alice.type("q")
        alice.read_until("hung up (alice)", but="very bad")


def test_a_terminal_of_80_columns_shows_the_keys_and_no_muting_while_hanging_up(here: Environment) -> None:
    call = ("call", "bob", "--as", "alice", "--video", *SOURCES)
    with answering(here, "bob") as bob, Terminal(here, *call, columns=80) as alice:
        alice.read_until(" talking ")
        alice.type("mc")
        for shown in ("them ███", " MUTED ", " camera off ", " m c v q"):
            alice.read_until(shown)
        for media, word in (("audio", "voice"), ("video", "video")):
            alice.type("v")
            assert bob.event("call_media_changed")["new"] == media
            alice.read_until(f"switched to {word}")
        bob.event("voice_volume")  # a camera that opened by itself would have shown by now
        alice.type("q")
        alice.read_until(" hanging up ")
        alice.read_until("hung up (alice)", but="MUTED")
        assert (alice.ended(), bob.ended()) == (0, 0)
    told = [event for event in map(json.loads, bob.out) if event["event"] == "user_video_available"]
    assert not told[-1]["available"], "who had closed the camera has it closed after voice and back"


@pytest.mark.parametrize(("key", "reason", "code"), [("r", "rejected", 10), ("i", "busy", 11)])
def test_keys_while_it_rings(here: Environment, key: str, reason: str, code: int) -> None:
    with Terminal(here, "answer", "--as", "bob", "--once", *SOURCES) as bob:
        bob.read_until("signed in as bob")
        with Command(here, "call", "bob", "--as", "alice", "--json", *SOURCES) as alice:
            bob.read_until("alice calls (voice)")
            bob.type(key)
            assert alice.event("call_not_connected")["reason"] == reason
            assert (alice.ended(), bob.ended()) == (code, code)


def test_accept_by_key_and_leave_by_ctrl_c(here: Environment) -> None:
    with Terminal(here, "answer", "--as", "bob", *SOURCES) as bob:
        bob.read_until(" waiting for calls ")
        with Command(here, "call", "bob", "--as", "alice", "--json", *SOURCES) as alice:
            bob.read_until("a accept, r reject, i ignore")
            bob.type("a")
            alice.event("call_began")
            bob.read_until(" talking ")
            bob.type("\x03")
            ended = json.loads(alice.line('"call_ended"'))
            assert (ended["reason"], ended["user_id"]) == ("hangup", "bob")
            assert (alice.ended(), bob.ended()) == (0, 0)
        assert termios.tcgetattr(bob.slave) == bob.before


def test_the_terminal_is_put_back_after_an_error(here: Environment) -> None:
    with Terminal(here, "call", "stranger", "--as", "alice", *SOURCES) as alice:
        assert alice.ended() == 19
        assert "[unknown_user]" in alice.shown
        assert termios.tcgetattr(alice.slave) == alice.before


def test_who_stays_is_not_shown_as_muted_when_the_other_hangs_up(here: Environment) -> None:
    call = ("call", "bob", "--as", "alice", "--video", *SOURCES)
    answer = ("answer", "--as", "bob", "--json", "--auto", "--once", "--for", "1.5", *SOURCES)
    with Command(here, *answer) as bob:
        bob.event("logged_in")
        with Terminal(here, *call) as alice:
            alice.read_until(" camera on ")
            alice.read_until("hung up (bob)", but="MUTED")
            assert "camera off" not in alice.shown
            assert (alice.ended(), bob.ended()) == (0, 0)


def test_who_waits_is_told_how_to_leave(here: Environment) -> None:
    with Terminal(here, "answer", "--as", "bob", *SOURCES) as bob:
        bob.read_until("q or Ctrl-C leaves")
        bob.type("q")
        assert bob.ended() == 0
        assert termios.tcgetattr(bob.slave) == bob.before


def test_a_terminal_that_is_closed_hangs_up(here: Environment) -> None:
    with Command(here, "answer", "--as", "bob", "--json", "--auto", "--once", *SOURCES) as bob:
        bob.event("logged_in")
        with Terminal(here, "call", "bob", "--as", "alice", *SOURCES) as alice:
            bob.event("call_began")
            alice.close()
            assert bob.event("call_ended")["reason"] == "hangup"
            alice.process.wait(10)
        assert bob.ended() == 0


def shell(here: Environment) -> Terminal:
    return Terminal(here, program=("bash", "--norc", "--noprofile", "--noediting", "-i"))


def call_from_a_shell(alice: Terminal) -> None:
    alice.type(" ".join([*PYCALL, "call", "bob", "--as", "alice", *SOURCES]) + "\n")
    alice.read_until(" talking ")
    alice.read_until("them █")


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(here: Environment) -> None:
    with answering(here, "bob") as bob, shell(here) as alice:
        call_from_a_shell(alice)
        alice.type("\x1a")
        alice.read_until("\x1b[?25h")  # the cursor is shown again
        alice.read_until("Stopped")
        alice.type("stty -a\n")
        alice.read_until(" icanon ")
        alice.read_until(" echo ")
        alice.type("fg\n")
        alice.read_until("them ")
        alice.type("m")
        alice.read_until(" MUTED ")
        while bob.event("user_audio_available")["available"]:
            pass
        alice.type("q")
        alice.read_until("hung up (alice)")
        assert bob.ended() == 0
        alice.type("stty -a; exit 7\n")
        alice.read_until(" icanon ")
        assert alice.ended() == 7


def test_a_call_sent_to_the_background_goes_on_and_ends_without_the_terminal(here: Environment) -> None:
    with answering(here, "bob") as bob, shell(here) as alice:
        call_from_a_shell(alice)
        alice.type("\x1a")
        alice.read_until("Stopped")
        alice.type("bg\n")
        alice.read_until("bg")
        volumes = bob.event("voice_volume")["volumes"]
        while not volumes.get("alice"):
            volumes = bob.event("voice_volume")["volumes"]
        alice.type("echo q is for the $((40 + 2))\n")
        alice.read_until("q is for the 42", but=" talking ")
        bob.interrupt()
        alice.read_until("hung up (bob)")
        alice.type("wait; exit 7\n")
        alice.read_until("Done")
        assert (alice.ended(), bob.ended()) == (7, 0)
