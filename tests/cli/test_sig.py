"""`pycall sig`: tickets that the server takes, from every place a key can come from; and that it starts quickly."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from pycall import __version__
from pycall.core.usersig import check_user_sig
from tests.command import ROOT, Environment, run

KEY = "5ca1ab1e" * 8


def test_a_ticket_made_from_the_environment(nowhere: Environment) -> None:
    environment = Environment(ROOT / "nonexistent", PYCALL_SECRET_KEY=KEY, PYCALL_APP_ID="1400000001")
    code, out, err = run(environment, "sig", "alice", "--expire", "60")
    assert (code, len(out), err) == (0, 1, [])
    check_user_sig(out[0], app_id=1400000001, secret_keys=[KEY], user_id="alice", now=time.time())


def test_a_ticket_made_with_the_dev_servers_key_is_taken(here: Environment) -> None:
    _, out, _ = run(here, "sig", "alice")
    code, lines, _ = run(here, "call", "stranger", "--as", "alice", "--json", "--sig", out[0])
    assert code == 19 and '"event":"logged_in"' in lines[0] and "unknown_user" in lines[1]
    assert '"logged_in"' in lines[0]


@pytest.mark.parametrize(
    "command", [["call", "bob", "--as", "alice"], ["bot", "echo", "--as", "bob"], ["sig", "bob"], ["hooks", "secret"]]
)
def test_an_app_that_is_not_the_dev_servers_is_refused(here: Environment, command: list[str]) -> None:
    code, out, err = run(here, *command, "--app-id", "7")
    assert (code, out, len(err)) == (2, [], 1)
    assert "app is 1400000000, not 7" in err[0] and "[bad_setting]" in err[0]


def test_the_dev_servers_own_app_may_be_named(here: Environment) -> None:
    code, lines, _ = run(here, "call", "stranger", "--as", "alice", "--json", "--app-id", "1400000000")
    assert code == 19 and '"event":"logged_in"' in lines[0]


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments", [["sig", "alice", "--secret-key", KEY], ["devices"], ["devices", "--json"], ["--help"]]
)
def test_an_output_that_cannot_be_written_is_told_as_what_it_is(
    nowhere: Environment, arguments: list[str], unbuffered: str
) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pycall", *arguments],
            env={**nowhere.values, "PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            timeout=30,
        )
    told = "pycall: the output could not be written: No space left on device [bad_output]\n"
    assert (done.returncode, done.stderr) == (2, told)


@pytest.mark.parametrize("arguments", [["sig", "alice", "--secret-key", KEY], ["--version"], ["call", "--help"]])
def test_light_commands_load_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom pycall.cli.main import run\n"
        f"assert run({arguments!r}) == 0\n"
        "print(*{'av', 'aiortc', 'numpy', 'aiohttp', 'sounddevice', 'cv2'} & {m.split('.')[0] for m in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=30
    )
    assert done.stdout.splitlines()[-1] == ""


def test_version(nowhere: Environment) -> None:
    assert run(nowhere, "--version") == (0, [f"pycall {__version__}"], [])


def test_every_exit_code_is_in_the_help(nowhere: Environment) -> None:
    from pycall.cli.exit_codes import MEANINGS, ExitCode

    for command in ["call", "answer"]:
        _, out, _ = run(nowhere, command, "--help")
        text = " ".join(" ".join(out).split())
        for code in ExitCode:
            assert f"{code.value} {MEANINGS[code]}" in text
