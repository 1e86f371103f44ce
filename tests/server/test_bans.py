"""Administrators sign users off and ban them: the admin API, the database, and a login at the same moment."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pycall.core import wire
from pycall.core.types import EndReason
from pycall.core.usersig import make_user_sig
from signaling_server.apps import Admin, App, Scope
from signaling_server.ban import Ban
from signaling_server.clock import Clock
from signaling_server.purge import Purge
from signaling_server.store import Store
from tests.postgres import Postgres
from tests.server.raw import KEY, LeapingClock, Room, new_call_id, talking
from tests.server.test_admin import ask, header, refused, told
from tests.server.test_store import CALL

OpenRoom = Callable[..., Awaitable[Room]]
FOREVER = Ban(user_id="bob", since=5.0, by="administrator")
BRIEF = Ban(user_id="carol", since=6.0, until=100.0, by="root")


# --- over the admin API -----------------------------------------------------------------------------------------


async def test_a_banned_user_is_thrown_out_and_stays_out(room: Room) -> None:
    alice, bob, call_id = await talking(room)
    assert await told(room, "users/ban", {"user_id": "bob"}) == {"devices": 1}
    goodbye = await bob.hear(wire.Goodbye)
    assert (goodbye.code.value, goodbye.retry) == ("banned", False) and "administrator" in goodbye.message
    assert await bob.close_code() == 4403
    ended = await alice.hear(wire.Ended)
    assert (ended.call_id, ended.reason, ended.user_id) == (call_id, EndReason.KICKED, "bob")
    again = await room.open()
    await again.say(again.login_of("bob"))
    assert await again.refused() == ("banned", 4403)
    [ban] = (await told(room, "users/bans"))["bans"]
    assert (ban["user_id"], ban["until"], ban["by"]) == ("bob", None, "administrator")
    assert await told(room, "users/unban", {"user_id": "bob"}) == {}
    assert await refused(room, "users/unban", {"user_id": "bob"}) == (404, "no_ban")
    await room.user("bob")
    assert await told(room, "users/bans") == {"total": 0, "bans": []}


async def test_a_kicked_user_may_come_back(room: Room) -> None:
    bob = await room.user("bob")
    assert await told(room, "users/kick", {"user_id": "bob"}) == {"devices": 1}
    assert await bob.refused() == ("signed_off", 4403)
    assert await told(room, "users/kick", {"user_id": "bob"}) == {"devices": 0}
    await room.user("bob")


async def test_a_ban_ends_when_it_was_meant_to(open_room: OpenRoom) -> None:
    clock = LeapingClock()
    room = await open_room(clock=clock)
    until = float(int(clock.now())) + 100
    await told(room, "users/ban", {"user_id": "bob", "until": until})
    bob = await room.open()
    await bob.say(bob.login_of("bob"))
    goodbye = await bob.hear(wire.Goodbye)
    assert time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(until)) in goodbye.message
    clock.ahead = 101.0
    await (await room.open()).login("bob", user_sig=make_user_sig(1400000000, KEY, "bob", now=int(clock.now())))


@pytest.mark.parametrize(
    "body",
    [{}, {"user_id": ""}, {"user_id": "a b"}, {"user_id": "b\n"}, {"user_id": "bob", "until": 5}]
    + [{"user_id": "bob", "until": until} for until in ("soon", -1, 1e12, True)]
    + [[]],
)
async def test_what_is_no_ban(room: Room, body: Any) -> None:
    assert await refused(room, "users/ban", body) == (400, "parameter")
    assert (await told(room, "users/bans"))["total"] == 0


async def test_who_may_ban(open_room: OpenRoom, caplog: pytest.LogCaptureFixture) -> None:
    other = App(app_id=77, secret_keys=(KEY[::-1],))
    admins = (Admin("root", frozenset(Scope)), Admin("auditor", frozenset({Scope.READ})))
    room = await open_room(admins=admins, more_apps=(other,))
    bob = await room.user("bob")
    for path in ["users/kick", "users/ban", "users/unban"]:
        for who in ["auditor", "bob"]:
            assert await refused(room, path, {"user_id": "bob"}, sign=header(who)) == (403, "not_admin")
        assert (await refused(room, path, {"user_id": "bob"}, sign=""))[0] == 401
    sig = make_user_sig(77, KEY[::-1], "administrator", now=int(time.time()))
    elsewhere = header(app_id=77, sig=sig)
    assert await ask(room, "users/ban", {"user_id": "bob"}, sign=elsewhere) == (200, {"devices": 0})
    await bob.settle()
    with caplog.at_level(logging.INFO, "signaling_server.audit"):
        assert await ask(room, "users/ban", {"user_id": "bob"}, sign=header("root")) == (200, {"devices": 1})
    assert any("users/ban bob by root" in record.getMessage() for record in caplog.records)
    status, answer = await ask(room, "users/bans", sign=header("auditor"))
    assert status == 200 and [ban["by"] for ban in answer["bans"]] == ["root"]


async def test_pages_of_bans(room: Room) -> None:
    for number in range(5):
        await told(room, "users/ban", {"user_id": f"u{number}"})
    page = await told(room, "users/bans?per_page=2&page=2")
    assert page["total"] == 5 and [ban["user_id"] for ban in page["bans"]] == ["u2", "u1"]
    assert (await told(room, "users/bans?per_page=2&page=4"))["bans"] == []


@pytest.mark.parametrize("login_first", [True, False])
async def test_p10_a_login_at_the_same_moment(room: Room, login_first: bool) -> None:
    """Nobody is left inside, whichever comes first; everybody is told why."""
    await told(room, "users/bans")
    comers = [await room.open() for _ in range(4)]
    logins = [raw.say(raw.login_of("bob", f"d{number}")) for number, raw in enumerate(comers)]
    banning = told(room, "users/ban", {"user_id": "bob"})
    await asyncio.gather(*([*logins, banning] if login_first else [banning, *logins]))
    for raw in comers:
        heard = [wire.decode_from_server((await raw.frame()).data)]
        while not isinstance(heard[-1], wire.Goodbye):
            heard.append(wire.decode_from_server((await raw.frame()).data))
        last = heard[-1]
        assert isinstance(last, wire.Goodbye) and last.code.value in ("banned", "kicked"), heard
        assert await raw.close_code() == (4403 if last.code.value == "banned" else 4409)
    assert (await told(room, "now"))["users_online"] == 0


async def test_nobody_waits_for_somebody_who_was_banned(room: Room) -> None:
    alice, bob = await room.user("alice"), await room.user("bob")
    await alice.invite("bob", timeout=0)
    await bob.hear(wire.Invited)
    await alice.hear(wire.Ringing)
    await told(room, "users/ban", {"user_id": "bob"})
    assert (await alice.hear(wire.Declined)).reason is EndReason.NO_ANSWER
    assert (await alice.hear(wire.Ended)).reason is EndReason.NO_ANSWER
    reply = await alice.ask(wire.Hangup, call_id=new_call_id())
    assert reply.ok


# --- in the database --------------------------------------------------------------------------------------------


async def check_storage(url: str) -> None:
    """Bans are there after a restart, with the calls they ended, until they are over or taken back."""
    store = await Store.open(url, app_id=1)
    await store.save([CALL], ["bob"], [], {"bob": FOREVER, "carol": BRIEF}, now=6.0)
    await store.for_app(2).save([], [], [], {"bob": BRIEF, "dave": None}, now=6.0)
    assert await store.live_calls() == [CALL]
    await store.close()
    store = await Store.open(url, app_id=1)
    assert sorted(await store.bans(99.0), key=lambda ban: ban.since) == [FOREVER, BRIEF]
    assert await store.bans(100.0) == [FOREVER]
    longer = Ban(user_id="carol", since=7.0, until=200.0, by="root")
    await store.save([], [], [], {"bob": None, "carol": longer}, now=7.0)
    assert await store.bans(99.0) == [longer]
    await Purge([store], Clock(), keep_seconds=0.0).once()
    assert await store.bans(0.0) == [] and len(await store.for_app(2).bans(0.0)) == 1
    await store.close()


async def test_bans_in_sqlite(tmp_path: Path) -> None:
    await check_storage(str(tmp_path / "bans.db"))


@pytest.mark.postgres
async def test_bans_in_postgresql() -> None:
    postgres = Postgres()
    try:
        await check_storage(postgres.new())
    finally:
        postgres.stop()
