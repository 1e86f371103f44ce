"""Microphone and loudspeaker over a real PortAudio and a private sound server: heard, lost, missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.media.listening import loudest, strength, tone
from tests.pulse import Pulse, pulse_server

PROGRAM = Path(__file__).with_name("sound_program.py")


def program(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *arguments],
        env={**environment, "PYTHONPATH": os.getcwd()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def answer(environment: dict[str, str], *arguments: str) -> dict:
    """The last line of a program that runs by itself."""
    with program(environment, *arguments) as child:
        output, _ = child.communicate(timeout=20)
    assert child.returncode == 0
    return json.loads(output.splitlines()[-1])


@pytest.fixture
def no_server(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment without any sound server or card."""
    yield {**os.environ, "PULSE_SERVER": f"unix:{tmp_path}/none", "HOME": str(tmp_path)}


def test_a_tone_is_heard_from_the_loudspeaker(pulse: Pulse) -> None:
    with program(pulse.environment, "speak", "440") as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline()) == {"playing": True}
        heard = pulse.record(0.8)
        output, _ = child.communicate(timeout=10)
    assert loudest(heard) == pytest.approx(440, abs=3)
    pieces = [strength(heard[at : at + 4800], 440) for at in range(0, len(heard) - 4800, 4800)]
    assert sorted(pieces)[len(pieces) // 2] == pytest.approx(8000, rel=0.05)
    assert json.loads(output)["dropped"] == 0


def test_the_microphone_hears_a_tone(pulse: Pulse) -> None:
    pulse.play(tone(1000, 0, 48000 * 30))  # longer than a program may take to start
    heard = answer(pulse.environment, "listen")
    assert heard["filled"]
    assert heard["hertz"] == pytest.approx(1000, abs=3)
    assert heard["level"] == pytest.approx(8000, rel=0.1)
    assert 0 < heard["newest"] <= heard["oldest"] < 0.3, "a block is stamped with its capture, not its arrival"
    assert heard["median_step"] == pytest.approx(0.01, abs=0.005)
    assert heard["errors"] == []


def test_two_channels_are_played_and_heard_apart(pulse: Pulse) -> None:
    assert min(answer(pulse.environment, "stereo")["apart"]) > 40


def test_a_sound_server_that_dies_is_noticed_by_both() -> None:
    with pulse_server(awake=False) as server, program(server.environment, "lose") as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline()) == {"running": True}
        server.kill_daemon()
        lost = json.loads(child.communicate(timeout=15)[0])
    assert lost == {"speaker": "device_lost", "microphone": ["device_lost"]}


def test_a_sound_server_that_hangs_is_noticed_by_both_and_holds_nobody_up() -> None:
    with pulse_server(awake=False) as server, program(server.environment, "lose") as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline()) == {"running": True}
        server.freeze_daemon()
        lost = json.loads(child.communicate(timeout=15)[0])  # it would wait for the sound server for ever
    assert lost == {"speaker": "device_lost", "microphone": ["device_lost"]}


def test_opening_on_a_sound_server_that_hangs_gives_up() -> None:
    with pulse_server(awake=False) as server:
        server.freeze_daemon()
        refused = answer(server.environment, "open")
    for code, line in (refused["microphone"], refused["speaker"]):
        assert code == "device_busy"
        assert "the sound system does not answer" in line


def test_devices_are_listed(pulse: Pulse) -> None:
    assert "pulse" in answer(pulse.environment, "list")["names"]


def test_a_device_is_found_by_a_part_of_its_name(pulse: Pulse) -> None:
    opened = answer(pulse.environment, "open", "PUL")
    assert (opened["microphone"], opened["speaker"]) == (["opened", ""], ["opened", ""])


def test_an_unknown_name_lists_what_there_is(pulse: Pulse) -> None:
    refused = answer(pulse.environment, "open", "gramophone")
    assert refused["microphone"][0] == refused["speaker"][0] == "no_device"
    assert "no microphone is called 'gramophone'; there are: " in refused["microphone"][1]
    assert "pulse" in refused["speaker"][1]


def test_a_name_that_fits_several_is_refused(pulse: Pulse) -> None:
    refused = answer(pulse.environment, "open", "u")
    assert refused["microphone"][0] == "no_device"
    assert "'u' fits more than one microphone: " in refused["microphone"][1]


def test_without_any_device_one_line_says_so(no_server: dict[str, str]) -> None:
    refused = answer(no_server, "open")
    assert refused["microphone"][0] == refused["speaker"][0] == "no_device"
    assert refused["microphone"][1].startswith("no microphone was found; plug one in, or use ")
    assert refused["speaker"][1].startswith("no loudspeaker was found; plug one in, or use ")
    assert answer(no_server, "list") == {"names": []}


WITHOUT_PORTAUDIO = """
import ctypes.util
find = ctypes.util.find_library
ctypes.util.find_library = lambda name: None if "portaudio" in name else find(name)  # as where it is not installed
from pycall.core.errors import MediaError
from pycall.media.devices.sound import Microphone, Speaker, list_audio_devices
for use in (lambda: Microphone().start(None), Speaker().start, list_audio_devices):
    try:
        use()
    except MediaError as error:
        print(error.code.value, error)
"""


def test_without_portaudio_one_line_says_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PORTAUDIO],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        timeout=20,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 3, done.stderr
    assert all(line.startswith("no_library ") and "apt install libportaudio2" in line for line in lines)
