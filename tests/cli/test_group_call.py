"""`pycall call` with several names: four terminals, one call; who is told what, what is heard, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pycall import Scene
from tests.command import Command, Environment, run
from tests.media.listening import play, strength

QUIET = ("--video-source", "null", "--video-sink", "null", "--audio-sink", "null")
TONES = {"bob": 1000, "carol": 1700, "dave": 2500}


@pytest.fixture
def others(here: Environment) -> Iterator[dict[str, Command]]:
    """bob and carol accept whatever comes, dave refuses."""
    with ExitStack() as stack:
        people = {}
        for name, hertz in TONES.items():
            reply = "--reject" if name == "dave" else "--auto"
            sound = ("--audio-source", f"tone:{hertz}")
            people[name] = stack.enter_context(
                Command(here, "answer", "--as", name, "--json", "--once", reply, *sound, *QUIET)
            )
        for person in people.values():
            person.event("logged_in")
        yield people


def hears(one: Command, *names: str) -> None:
    """Wait until somebody hears all these at once, ten times."""
    times = 0
    while times < 10:
        volumes = one.event("voice_volume")["volumes"]
        times += all(volumes.get(name) for name in names)


def test_one_calls_three(here: Environment, others: dict[str, Command], tmp_path: Path) -> None:
    heard = tmp_path / "heard.mkv"
    ears = ("--audio-source", "tone:440", "--video-source", "null", "--audio-sink", f"file:{heard}")
    with Command(here, "call", "bob", "carol", "dave", "bob", "--as", "alice", "--json", *ears) as alice:
        assert [alice.event("calling")["user_id"] for _ in TONES] == ["bob", "carol", "dave"]
        received = others["dave"].event("call_received")
        assert (received["scene"], received["callees"]) == (Scene.MULTI.value, ["bob", "carol", "dave"])
        hears(alice, "bob", "carol")
        hears(others["bob"], "alice", "carol")
        hears(others["carol"], "alice", "bob")
        assert others["dave"].ended() == 10
        others["bob"].interrupt()
        assert alice.event("user_left")["user_id"] == "bob"
        assert others["bob"].ended() == 0
        hears(alice, "carol")
        others["carol"].interrupt()
        ended = alice.event("call_ended")
        assert (ended["reason"], ended["user_id"]) == ("hangup", "carol")
        assert (alice.ended(), others["carol"].ended()) == (0, 0)
    for name, users in [("user_ringing", set(TONES)), ("user_joined", {"bob", "carol"}), ("user_rejected", {"dave"})]:
        assert {event["user_id"] for event in alice.events(name)} == users
    sound = play(heard).sound.reshape(-1)
    pieces = [sound[at : at + 12000] for at in range(0, len(sound) - 12000, 6000)]
    both = [min(strength(piece, 1000), strength(piece, 1700)) for piece in pieces]
    assert max(both) > 1000, f"the two are never heard together: {both}"


def test_what_the_terminals_say(here: Environment) -> None:
    """Nobody is there: the call ends by itself, and each is named."""
    people = ["erin", "frank"]
    for name in people:
        assert run(here, "call", "stranger", "--as", name)[0] == 19  # known to the server from now on
    code, out, err = run(here, "call", *people, "--as", "alice", "--timeout", "1", *QUIET, "--audio-source", "null")
    assert code == 12, err
    for line in ("calling erin (voice)", "calling frank (voice)", "erin did not answer", "frank did not answer"):
        assert line in out
    assert out[-1].startswith("no call: no answer")


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([f"user{n}" for n in range(9)], "1 to 8 callees, not 9"),
        (["bob", "no body"], "'no body' cannot be a user"),
        (["alice", "alice"], "you cannot call yourself"),
    ],
)
def test_whom_nobody_can_call(here: Environment, names: list[str], told: str) -> None:
    code, out, err = run(here, "call", *names, "--as", "alice", *QUIET, "--audio-source", "null")
    assert code == 2
    assert told in err[-1] and not any("calling" in line for line in out)
