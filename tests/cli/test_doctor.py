"""`pycall devices` and `pycall doctor` on a machine without hardware, and with a server to find."""

from __future__ import annotations

import json
from pathlib import Path

from tests.command import Environment, run


def test_devices_says_what_is_not_there(nowhere: Environment) -> None:
    code, out, err = run(nowhere, "devices")
    assert (code, err) == (0, [])
    assert "none found" in out[1]
    assert any("DISPLAY" in line for line in out)


def test_devices_as_json(nowhere: Environment) -> None:
    code, out, _ = run(nowhere, "devices", "--json")
    found = json.loads("\n".join(out))
    assert (code, len(out)) == (0, 1)
    assert found.keys() == {"microphones", "speakers", "cameras", "window", "problems"}
    assert found["microphones"] == [] and found["window"] is False


def test_doctor_without_a_server_says_how_to_start_one(nowhere: Environment) -> None:
    note = {"url": "ws://127.0.0.1:1/ws", "app_id": 1, "secret_key": "x"}  # of a server that is gone
    Path(nowhere.values["PYCALL_DEV_FILE"]).write_text(json.dumps(note))
    code, out, err = run(nowhere, "doctor")
    assert (code, err, out[-1]) == (0, [], "a call is possible")
    assert any("pycall serve --dev" in line for line in out)


def test_doctor_finds_the_server(here: Environment) -> None:
    code, out, _ = run(here, "doctor", "--json")
    assert (code, len(out)) == (0, 1)
    report = json.loads(out[0])
    assert report["call_possible"] is True
    checks = {check["name"]: check for check in report["checks"]}
    for name in ["server", "H.264", "VP8", "Opus", "UDP"]:
        assert checks[name]["ok"], checks[name]
    assert not checks["camera"]["ok"] and checks["camera"]["advice"]


def test_doctor_fails_for_a_server_that_is_named_and_away(nowhere: Environment) -> None:
    code, out, _ = run(nowhere, "doctor", "--server", "ws://127.0.0.1:9/ws")
    assert code == 24
    assert any(line.startswith("FAIL  server") for line in out)


def test_without_portaudio_it_says_what_to_install(tmp_path: Path) -> None:
    """As on a machine where the sounddevice package is there and its library is not."""
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    bare = Environment(tmp_path, PYTHONPATH=str(tmp_path), PYCALL_SECRET_KEY="5ca1ab1e" * 8)
    code, out, _ = run(bare, "devices")
    assert code == 0 and "libportaudio2" in out[1]
    away = ("call", "bob", "--as", "alice", "--server", "ws://127.0.0.1:9/ws", "--json")
    code, _, err = run(bare, *away, "--audio-source", "mic")
    assert code == 23 and err[-1].endswith("[no_library]") and "libportaudio2" in err[-1]
    code, _, err = run(bare, *away)
    assert code == 21 and err[0].startswith("pycall: sending silence: ") and "libportaudio2" in err[0]
