"""The whole server: how it starts, why it does not, its command, and how it ends."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pycall.cli.devfile import DevServer, read_dev_file
from pycall.core import wire
from pycall.core.errors import ConfigError, ErrorCode
from pycall.core.usersig import make_user_sig
from signaling_server.app import serve
from signaling_server.settings import Settings, make_settings
from tests.server.raw import KEY, Raw, Room, room_of

OpenRoom = Callable[..., Awaitable[Room]]
PROGRAM = [sys.executable, "-m", "signaling_server"]


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYCALL_")}
    return kept | {"PYCALL_DEV_FILE": str(folder / "dev.json")} | more


@asynccontextmanager
async def command(folder: Path, *arguments: str, **env: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`python -m signaling_server …`, listening; with its URL."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, *arguments, env=environment(folder, **env), stderr=subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(20):
            lines = [await process.stderr.readline()]
            while not (found := re.search(rb"listening on (\S+)", lines[-1])) and lines[-1]:
                lines.append(await process.stderr.readline())
        assert found, lines
        yield process, found[1].decode()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def failure(folder: Path, *arguments: str, **env: str) -> str:
    """What the command says when it cannot start."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, *arguments, env=environment(folder, **env), stderr=subprocess.PIPE
    )
    async with asyncio.timeout(20):
        _, errors = await process.communicate()
    assert process.returncode == 2
    [line] = [line for line in errors.decode().splitlines() if line.startswith("signaling_server: ")]
    assert "Traceback" not in errors.decode()
    return line


async def note_in(folder: Path) -> DevServer | None:
    return await asyncio.to_thread(read_dev_file, folder / "dev.json")


@pytest.mark.parametrize(
    ("hard", "sockets", "allowed", "warned"),
    [(700, "400", 600, False), (700, "800", 700, True)],
    ids=["enough", "less"],
)
async def test_as_many_files_may_be_open_as_there_may_be_sockets(
    tmp_path: Path, hard: int, sockets: str, allowed: int, warned: bool
) -> None:
    program = ["sh", "-c", f'ulimit -n {hard}; ulimit -Sn 256; exec "$@"', "sh", *PROGRAM]
    process = await asyncio.create_subprocess_exec(
        *[*program, "--db", str(tmp_path / "x.db"), "--port", "0", "--limits-sockets", sockets],
        env=environment(tmp_path, PYCALL_SECRET_KEY=KEY),
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    told = b""
    async with asyncio.timeout(20):
        while b"listening on" not in told:
            told += await process.stderr.readline()
    [limit] = re.findall(r"Max open files +(\d+)", Path(f"/proc/{process.pid}/limits").read_text())
    process.terminate()
    await process.communicate()
    assert (int(limit), b"too few for" in told) == (allowed, warned), told


# --- starting ---------------------------------------------------------------------------------------------------


async def test_a_free_port_is_found_and_told(tmp_path: Path) -> None:
    settings = Settings(secret_keys=(KEY,), port=0, db=str(tmp_path / "x.db"))
    async with serve(settings) as server:
        assert server.url == f"ws://127.0.0.1:{server.port}/ws"
        async with room_of(server.url) as room:
            await room.user("alice")
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", server.port)


@pytest.mark.parametrize("host", ["localhost", "::1", "0.0.0.0"])
async def test_other_hosts(open_room: OpenRoom, host: str) -> None:
    room = await open_room(host=host)
    await room.user("alice")
    assert "localhost" not in room.url and "0.0.0.0" not in room.url


async def test_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for _ in range(2):
            with pytest.raises(ConfigError) as caught:
                async with serve(Settings(secret_keys=(KEY,), port=port, db=str(tmp_path / "x.db"))):
                    raise AssertionError("two servers on one port")
            assert caught.value.code is ErrorCode.PORT_TAKEN
            assert str(port) in str(caught.value) and "\n" not in str(caught.value)
        assert str(port) in await failure(tmp_path, "--dev", "--port", str(port))
    assert list(tmp_path.iterdir()) == []


async def test_who_starts_a_second_time_is_told_that_a_server_runs_there(tmp_path: Path) -> None:
    settings = Settings(secret_keys=(KEY,), port=0, db=str(tmp_path / "x.db"))
    async with serve(settings) as server, room_of(server.url) as room:
        before = sorted(tmp_path.iterdir())
        with pytest.raises(ConfigError, match="a server is running there already") as caught:
            async with serve(replace(settings, port=server.port)):
                raise AssertionError("two servers on one port")
        assert caught.value.code is ErrorCode.PORT_TAKEN
        assert sorted(tmp_path.iterdir()) == before
        await room.user("alice")


async def test_a_server_that_is_refused_leaves_no_files_of_its_own_and_takes_none_away(tmp_path: Path) -> None:
    refused = Settings(secret_keys=(KEY,), host="192.0.2.1", port=0, db=str(tmp_path / "x.db"))
    with pytest.raises(ConfigError):
        async with serve(refused):
            raise AssertionError("listens elsewhere")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "x.db").touch()
    with pytest.raises(ConfigError):
        async with serve(refused):
            raise AssertionError("listens elsewhere")
    assert [path.name for path in tmp_path.iterdir()] == ["x.db"]
    async with serve(replace(refused, host="127.0.0.1")):
        """This one runs, and what it has made stays."""
    assert {path.name for path in tmp_path.iterdir()} == {"x.db", "x.db.lock"}


async def test_a_host_that_is_not_ours(tmp_path: Path) -> None:
    for host in ["192.0.2.1", "no.such.host.invalid"]:
        with pytest.raises(ConfigError) as caught:
            async with serve(Settings(secret_keys=(KEY,), host=host, port=0, db=str(tmp_path / "x.db"))):
                raise AssertionError("listens elsewhere")
        assert caught.value.code is ErrorCode.BAD_SETTING
        assert host in str(caught.value) and "\n" not in str(caught.value)


async def test_a_second_server_on_the_same_database(tmp_path: Path) -> None:
    settings = Settings(secret_keys=(KEY,), port=0, db=str(tmp_path / "x.db"))
    async with serve(settings) as server, room_of(server.url) as room:
        with pytest.raises(ConfigError, match="another server"):
            async with serve(settings):
                raise AssertionError("two servers on one database")
        await room.user("alice")


# --- the command ------------------------------------------------------------------------------------------------


async def test_what_the_command_refuses(tmp_path: Path) -> None:
    assert "PYCALL_SECRET_KEY" in await failure(tmp_path)
    assert "this machine only" in await failure(tmp_path, "--dev", "--host", "0.0.0.0")
    assert "--db" in await failure(tmp_path, "--dev", "--db", "foo://x")


async def test_a_development_server_is_usable_from_its_note(tmp_path: Path) -> None:
    async with command(tmp_path, "--dev", "--port", "0") as (process, url):
        note = await note_in(tmp_path)
        assert note is not None and note.url == url
        settings = await asyncio.to_thread(make_settings, environment(tmp_path), dev=True)
        assert settings.secret_keys == (note.secret_key,)

        def sign(user_id: str) -> str:
            return make_user_sig(note.app_id, note.secret_key, user_id, now=2**31)

        async with room_of(url, sign) as room:
            raw: Raw = await room.open()
            with pytest.raises(AssertionError, match="SIG_MALFORMED"):  # dated in the future
                await raw.login("alice")
        assert "another server" in await failure(tmp_path, "--dev", "--port", "0")
        assert await note_in(tmp_path) == note
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 3) == 0
    assert not (tmp_path / "dev.json").exists()
    assert (tmp_path / "dev.db").exists()


async def test_a_killed_development_server_comes_back_with_its_key(tmp_path: Path) -> None:
    async with command(tmp_path, "--dev", "--port", "0") as (process, _):
        before = await note_in(tmp_path)
        process.kill()
        await process.wait()
    async with command(tmp_path, "--dev", "--port", "0"):
        after = await note_in(tmp_path)
    assert before is not None and after is not None
    assert before.secret_key == after.secret_key


# --- ending -----------------------------------------------------------------------------------------------------


async def test_clients_are_sent_away_and_nothing_is_left_running(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with room_of("") as room:
        async with serve(Settings(secret_keys=(KEY,), port=0, db=str(tmp_path / "x.db"))) as server:
            room.url = server.url
            alice, waiting = await room.user("alice"), await room.open()
            hearing = asyncio.gather(alice.refused(), waiting.refused())
        assert await hearing == [("unreachable", 1012), ("unreachable", 1012)]
    assert asyncio.all_tasks() == before


async def test_a_client_that_does_not_answer_the_close_is_not_waited_for(tmp_path: Path) -> None:
    async with room_of("") as room:
        async with serve(Settings(secret_keys=(KEY,), port=0, db=str(tmp_path / "x.db"))) as server:
            room.url = server.url
            await room.user("alice")
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 2.5


async def test_a_second_login_on_one_socket_changes_nothing(open_room: OpenRoom) -> None:
    room = await open_room()
    alice = await room.user("alice")
    again = wire.Login(version=1, app_id=1400000000, user_id="bob", user_sig="", device_id="d")
    await alice.say(again)
    assert (await alice.hear(wire.Renewed)).code is ErrorCode.SIG_WRONG_USER
    await alice.settle()
    await alice.say(wire.Ping(id=1))
    await alice.hear(wire.Pong)
