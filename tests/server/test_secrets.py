"""Nothing secret is ever in the log of a server, at its most talkative, whatever its clients and their friends do."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pycall.core import wire
from pycall.core.types import MediaType
from pycall.core.usersig import make_user_sig
from pycall.core.webhook import webhook_secret
from tests.server.office import END, INFO, ask, done
from tests.server.raw import APP_ID, Raw, Room, new_call_id, room_of

OTHER_APP = 1400000001
MARK = "words-that-only-the-two-should-read"


class Party:
    """One server process, and everything secret that was ever given to it or came from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = [secrets.token_hex(32) for _ in range(3)]
        self.turn_secret = secrets.token_hex(16)
        self.secrets = {*self.keys, self.turn_secret, MARK, "ice-pwd-of-somebody"}
        self.secrets |= {webhook_secret(key, APP_ID) for key in self.keys}

    def sign(self, user_id: str, **changes: Any) -> str:
        fields: dict[str, Any] = {"app_id": APP_ID, "secret_key": self.keys[0], "now": int(time.time())} | changes
        sig = make_user_sig(fields.pop("app_id"), fields.pop("secret_key"), user_id, **fields)
        self.secrets.add(sig)
        return sig

    async def start(self, log_format: str) -> asyncio.subprocess.Process:
        apps = self.folder / "apps.toml"
        apps.write_text(f'[[apps]]\napp_id = {OTHER_APP}\nsecret_keys = ["{self.keys[2]}"]\n')
        apps.chmod(0o600)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYCALL_")}
        return await asyncio.create_subprocess_exec(
            *[sys.executable, "-X", "dev", "-m", "signaling_server", "--port", "0", "--log", "debug"],
            *["--log-format", log_format, "--db", str(self.folder / "x.db"), "--apps-file", str(apps)],
            *["--turn-url", "turn:127.0.0.1:9", "--limits-failures", "3", "--callbacks-allow-private"],
            env=kept
            | {"PYCALL_SECRET_KEY": self.keys[0], "PYCALL_OLD_SECRET_KEY": self.keys[1]}
            | {"PYCALL_TURN_SECRET": self.turn_secret},
            stderr=asyncio.subprocess.PIPE,
        )

    async def sign_in_badly(self, room: Room) -> None:
        wrong = [
            "junk" + MARK,
            self.sign("bob"),
            self.sign("alice", secret_key="a key of nobody's"),
            self.sign("a")[:-9],
        ]
        for sig in [*wrong, self.sign("alice", now=1000)]:
            self.secrets.add(sig)
            raw = await room.open()
            await raw.say(raw.login_of("alice", user_sig=sig))
            await raw.hear(wire.Goodbye)
        raw = await room.open()
        await raw.socket.send_str('{"type":"login","user_sig":"' + MARK + '"')
        await raw.hear(wire.Goodbye)

    async def call(self, room: Room) -> None:
        alice, bob = await room.open(), await room.open()
        for raw, name in [(alice, "alice"), (bob, "bob")]:
            welcome = await raw.login(name, user_sig=self.sign(name))
            self.secrets |= {server.credential for server in welcome.ice_servers}
        call_id = new_call_id()
        fields: dict[str, Any] = {"callees": ("bob",), "media": MediaType.VIDEO, "timeout": 30, "user_data": MARK}
        assert (await alice.ask(wire.Invite, call_id=call_id, **fields)).ok
        await bob.hear(wire.Invited)
        assert (await bob.ask(wire.Accept, call_id=call_id)).ok
        sdp = "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:ice-pwd-of-somebody\r\n"
        await bob.say(wire.Signal(call_id=call_id, to="alice", kind="offer", sdp=sdp))
        await bob.say(wire.Signal(call_id=call_id, to="carol", kind="offer", sdp=sdp))
        for junk in ["{" + MARK, '{"type":"invite","req_id":1,"user_data":"' + MARK + '"}']:
            await bob.socket.send_str(junk)
        await self.renew(alice)
        await self.ask_office(room, call_id)
        alice.cut()

    async def renew(self, alice: Raw) -> None:
        for sig in [self.sign("alice"), self.sign("bob")]:
            await alice.say(alice.login_of("alice", user_sig=sig))
        told = 0
        while told < 2:
            told += isinstance(wire.decode_from_server((await alice.frame()).data), wire.Renewed)

    async def ask_office(self, room: Room, call_id: str) -> None:
        good = {"usersig": self.sign("administrator")}
        target = {"Url": f"http://127.0.0.1:9/?token={MARK}", "CallbackCommandList": ["Call.CallbackAfterEndCall"]}
        await done(room, "/v4/call_config/set_callback", target, **good)
        await done(room, INFO, {"CallId": call_id}, **good)
        await ask(room, INFO, {"CallId": MARK}, usersig=self.sign("alice"))
        await ask(room, INFO, text=f"usersig={MARK}%ff")
        await ask(room, INFO, data=MARK, **good)
        await done(room, END, {"CallId": call_id}, **good)


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_no_secret_is_in_any_log(tmp_path: Path, log_format: str) -> None:
    party = Party(tmp_path)
    process = await party.start(log_format)
    assert process.stderr is not None
    told = b""
    async with asyncio.timeout(30):
        while not (found := re.search(rb"listening on (\S+?/ws)", told)):
            told += await process.stderr.readline()
        reading = asyncio.create_task(process.stderr.read())
        async with room_of(found[1].decode(), party.sign) as room:
            await party.sign_in_badly(room)
            await party.call(room)
        process.terminate()
        told += await reading
        assert await process.wait() == 0
    log = told.decode()
    assert "refused" in log and "signaling_server.audit" in log or "by administrator" in log, log
    assert "Traceback" not in log
    leaked = [secret for secret in party.secrets if secret in log]
    assert not leaked, [line for line in log.splitlines() if any(secret in line for secret in leaked)]
    assert len(party.secrets) > 15
