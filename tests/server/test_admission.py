"""Who gets in and how often one may fail, come and call; several apps side by side."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pycall.core import wire
from pycall.core.errors import ConfigError, ErrorCode
from pycall.core.types import MediaType
from pycall.core.usersig import make_user_sig
from signaling_server.addresses import bucket_of
from signaling_server.admission import Failures
from signaling_server.apps import App
from signaling_server.limits import KeyedLimit, Limits
from tests.server.raw import APP_ID, KEY, Raw, Room, case, new_call_id, talking, ticket

OpenRoom = Callable[..., Awaitable[Room]]
OTHER_APP, OTHER_KEY = 1400000001, secrets.token_hex(32)
SECOND = App(app_id=OTHER_APP, secret_keys=(OTHER_KEY,))


def other_ticket(user_id: str) -> str:
    return make_user_sig(OTHER_APP, OTHER_KEY, user_id, now=int(time.time()))


async def refused_login(room: Room, user_id: str, **changes: Any) -> tuple[str, int, int | None]:
    raw = await room.open()
    await raw.say(raw.login_of(user_id, **changes))
    goodbye = await raw.hear(wire.Goodbye)
    return goodbye.code.value, goodbye.number, await raw.close_code()


async def dial(raw: Raw, *callees: str) -> wire.Reply:
    fields: dict[str, Any] = {"call_id": new_call_id(), "callees": callees, "media": MediaType.AUDIO, "timeout": 9}
    return await raw.ask(wire.Invite, **fields)


# --- failing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"user_sig": "x"}, ("sig_malformed", 70003, 4401)),
        ({"user_sig": ticket("alice", now=int(time.time()) - 100, expire=99)}, ("sig_expired", 70001, 4401)),
        ({"user_sig": ticket("alice", secret_key=OTHER_KEY)}, ("sig_invalid", 70009, 4401)),
        ({"user_sig": ticket("bob")}, ("sig_wrong_user", 70013, 4401)),
        ({"app_id": 7}, ("sig_wrong_app", 70014, 4401)),
        ({"version": 2}, ("bad_version", 0, 4400)),
    ],
    ids=case,
)
async def test_each_refusal_has_its_number(room: Room, changes: dict[str, Any], expected: tuple[str, int, int]) -> None:
    assert await refused_login(room, "alice", **changes) == expected


async def test_who_fails_too_often_is_told_nothing_more_but_a_good_ticket_gets_in(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(failures=3))
    for _ in range(3):
        assert (await refused_login(room, "alice", user_sig=ticket("bob")))[2] == 4401
    assert await refused_login(room, "alice", user_sig=ticket("bob")) == ("too_many", 70050, 4429)
    assert await refused_login(room, "alice", user_sig="junk") == ("too_many", 70050, 4429)
    assert (await refused_login(room, "carol", user_sig="junk"))[2] == 4401, "another user, from this machine"
    await room.user("alice")


async def test_failures_are_counted_by_address_too(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(failures=3, count_this_machine=True))
    for name in ["a", "b", "c"]:
        assert (await refused_login(room, name, user_sig="junk"))[2] == 4401
    assert await refused_login(room, "d", user_sig="junk") == ("too_many", 70050, 4429)
    await room.user("alice")


def test_nothing_is_kept_of_strangers_beyond_a_bound() -> None:
    failures = Failures(Limits())
    for number in range(12_000):
        failures.add(f"2001:db8:0:{number:x}::1", 1, f"user{number}")
    assert len(failures) <= 20_000


def test_a_v6_network_counts_as_one_address() -> None:
    assert bucket_of("2001:db8::1") == bucket_of("2001:db8::ffff") != bucket_of("2001:db8:0:1::1")
    assert bucket_of("192.0.2.1") != bucket_of("192.0.2.2")


def test_a_keyed_limit_counts_each_key_and_forgets_the_oldest() -> None:
    limit = KeyedLimit(2, 10.0, keys=2)
    assert [limit.take("a", 0.0) for _ in range(3)] == [True, True, False]
    assert limit.wait("a", 0.0) == 5.0 and limit.wait("b", 0.0) == 0.0
    assert limit.take("a", 5.0) and not limit.take("a", 5.0)
    assert limit.take("b", 5.0) and limit.take("c", 5.0)
    assert len(limit) == 2 and limit.wait("a", 5.0) == 0.0


# --- too many ---------------------------------------------------------------------------------------------------


async def test_sockets_of_one_user(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(sockets_per_user=1, close_seconds=0.3))
    alice = await room.user("alice")
    assert await refused_login(room, "alice") == ("too_many", 70050, 1013)
    await room.user("bob")
    await alice.socket.close()
    for _ in range(50):  # the server learns of the close when it reads it
        raw = await room.open()
        await raw.say(raw.login_of("alice"))
        if isinstance(wire.decode_from_server((await raw.frame()).data), wire.Welcome):
            return
    raise AssertionError("the place of a closed socket is not free again")


@pytest.mark.parametrize("limits", [Limits(sockets=2), Limits(sockets_per_address=2, count_this_machine=True)])
async def test_sockets_in_all_and_from_one_address(open_room: OpenRoom, limits: Limits) -> None:
    room = await open_room(limits=limits)
    kept = [await room.user("alice"), await room.user("bob")]
    raw = await room.open()
    assert await raw.refused() == ("too_many", 1013)
    await kept[0].say(wire.Ping(id=1))
    await kept[0].hear(wire.Pong)


async def test_sockets_of_this_machine_are_not_counted_by_address(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(sockets_per_address=1))
    kept = [await room.user(name) for name in ["alice", "bob", "carol"]]
    assert len(kept) == 3


async def test_behind_a_proxy_the_clients_own_address_counts(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(sockets_per_address=1), proxies=("127.0.0.0/8",))
    first = await room.open(headers={"X-Forwarded-For": "10.9.9.9, 192.0.2.1"})
    await first.login("alice")
    second = await room.open(headers={"X-Forwarded-For": "192.0.2.1"})
    assert await second.refused() == ("too_many", 1013)
    third = await room.open(headers={"X-Forwarded-For": "192.0.2.2"})
    await third.login("bob")


async def test_nobody_else_is_believed_where_they_come_from(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(sockets_per_address=1, count_this_machine=True))
    first = await room.open(headers={"X-Forwarded-For": "192.0.2.1"})
    await first.login("alice")
    second = await room.open(headers={"X-Forwarded-For": "192.0.2.2"})
    assert await second.refused() == ("too_many", 1013)


@pytest.mark.parametrize(("proxies", "told"), [((), 1), (("127.0.0.1",), 0)])
async def test_a_proxy_that_nobody_has_named_is_told_once(
    open_room: OpenRoom, proxies: tuple[str, ...], told: int, caplog: pytest.LogCaptureFixture
) -> None:
    room = await open_room(proxies=proxies)
    await room.open()
    assert "--proxy" not in caplog.text
    for _ in range(2):
        await room.open(headers={"X-Forwarded-For": "192.0.2.1"})
    assert caplog.text.count("through a proxy at 127.0.0.1; name it with --proxy") == told


@pytest.mark.parametrize(
    ("limits", "dialed"),
    [
        (Limits(calls_per_user=2), ["bob", "carol", "bob"]),
        (Limits(calls_to_callee=2), ["bob", "bob", "bob"]),
        (Limits(calls_per_address=2, count_this_machine=True), ["bob", "carol", "bob"]),
    ],
    ids=["user", "callee", "address"],
)
async def test_too_many_calls_and_the_callee_sees_nothing(
    open_room: OpenRoom, limits: Limits, dialed: list[str]
) -> None:
    room = await open_room(limits=limits)
    alice, bob, carol = [await room.user(name) for name in ["alice", "bob", "carol"]]
    phones = {"bob": bob, "carol": carol}
    for name in dialed[:2]:
        reply = await dial(alice, name)
        assert reply.ok
        await alice.hear(wire.Ringing)
        call_id = (await phones[name].hear(wire.Invited)).call.call_id
        assert (await alice.ask(wire.Hangup, call_id=call_id)).ok
        await alice.hear(wire.Ended)
        await phones[name].hear(wire.Ended)
    reply = await dial(alice, dialed[2])
    assert (reply.ok, reply.code) == (False, ErrorCode.TOO_MANY)
    assert reply.retry_after is not None and 0 < reply.retry_after <= 1800
    await phones[dialed[2]].settle()


async def test_those_invited_later_count_as_well(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(calls_per_user=2))
    carol, dave = await room.user("carol"), await room.user("dave")
    alice, _, call_id = await talking(room)
    first = await alice.ask(wire.InviteMore, call_id=call_id, callees=("carol",), timeout=30)
    assert first.ok
    await carol.hear(wire.Invited)
    await alice.say(wire.InviteMore(req_id=10**9, call_id=call_id, callees=("dave",), timeout=30))
    while not isinstance(reply := wire.decode_from_server((await alice.frame()).data), wire.Reply):
        pass
    assert (reply.ok, reply.code) == (False, ErrorCode.TOO_MANY)
    await dave.settle()


# --- apps -------------------------------------------------------------------------------------------------------


async def test_two_apps_know_nothing_of_each_other(open_room: OpenRoom) -> None:
    room = await open_room(more_apps=(SECOND,))
    alice, bob = await room.user("alice"), await room.user("bob")
    twin = await room.open()
    await twin.login("bob", app_id=OTHER_APP, user_sig=other_ticket("bob"))
    stranger = await room.open()
    await stranger.login("carol", app_id=OTHER_APP, user_sig=other_ticket("carol"))
    call_id = await alice.invite("bob")
    await bob.hear(wire.Invited)
    await alice.hear(wire.Ringing)
    for raw in [twin, stranger]:
        for kind in [wire.Accept, wire.Reject]:
            assert (await raw.ask(kind, call_id=call_id)).code is ErrorCode.NO_SUCH_CALL
    assert (await dial(stranger, "alice")).code is ErrorCode.UNKNOWN_USER
    assert (await bob.ask(wire.Accept, call_id=call_id)).ok
    await alice.hear(wire.Joined)
    await twin.say(wire.Signal(call_id=call_id, to="alice", kind="offer", sdp="v=0"))
    await twin.settle()
    await alice.settle()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"app_id": OTHER_APP}, "sig_wrong_app"),
        ({"app_id": OTHER_APP, "user_sig": ticket("alice", app_id=OTHER_APP)}, "sig_invalid"),
        ({"user_sig": other_ticket("alice")}, "sig_wrong_app"),
        ({"user_sig": ticket("alice", secret_key=OTHER_KEY)}, "sig_invalid"),
    ],
    ids=["other app", "own key for the other app", "ticket of the other app", "other key for the own app"],
)
async def test_no_ticket_is_good_in_two_apps(open_room: OpenRoom, changes: dict[str, Any], code: str) -> None:
    room = await open_room(more_apps=(SECOND,))
    assert (await refused_login(room, "alice", **changes))[0] == code


async def test_each_app_finds_its_own_calls_after_a_restart(open_room: OpenRoom, tmp_path: Path) -> None:
    from signaling_server.app import serve
    from signaling_server.settings import Settings
    from tests.server.raw import room_of

    settings = Settings(secret_keys=(KEY,), app_id=APP_ID, port=0, db=str(tmp_path / "two.db"), more_apps=(SECOND,))
    async with serve(settings) as server, room_of(server.url) as room:
        alice = await room.user("alice")
        bob = await room.user("bob")
        call_id = await alice.invite("bob", timeout=600)
        await bob.hear(wire.Invited)
    async with serve(settings) as server, room_of(server.url) as room:
        twin = await room.open()
        welcome = await twin.login("bob", app_id=OTHER_APP, user_sig=other_ticket("bob"), call_id=call_id)
        assert welcome.call is None and welcome.ended is None
        welcome = await (await room.open()).login("bob", call_id=call_id)
        assert welcome.call is not None and welcome.call.call_id == call_id


# --- TLS --------------------------------------------------------------------------------------------------------


async def test_tls_by_certificate_files(open_room: OpenRoom, certificate: tuple[Path, Path]) -> None:
    from signaling_server.tls import Tls

    cert, key = certificate
    room = await open_room(tls=Tls(cert=str(cert), key=str(key)))
    assert room.url.startswith("wss://127.0.0.1:")
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await room.session.ws_connect(room.url)
    with pytest.raises(aiohttp.ClientError):
        await room.session.ws_connect(room.url.replace("wss:", "ws:"))
    trust = ssl.create_default_context(cafile=str(cert))
    await (await room.open(ssl=trust)).login("alice")
    context = Tls(cert=str(cert), key=str(key)).context()
    assert context is not None and context.minimum_version is ssl.TLSVersion.TLSv1_2


async def test_certificates_that_cannot_be(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    from signaling_server.tls import Tls

    cert, key = certificate
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    for wrong in [(junk, key), (cert, junk), (tmp_path / "none.pem", key), (cert, cert)]:
        with pytest.raises(ConfigError) as caught:
            Tls(cert=str(wrong[0]), key=str(wrong[1])).context()
        assert caught.value.code is ErrorCode.BAD_SETTING and "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="--tls-key"):
        Tls(cert=str(cert))


async def test_of_two_logins_of_one_client_in_flight_one_wins(room: Room) -> None:
    raws = [await room.open(), await room.open()]
    await asyncio.gather(*[raw.say(raw.login_of("alice")) for raw in raws])
    for raw in raws:
        await raw.hear(wire.Welcome)
    closing = [asyncio.create_task(raw.refused()) for raw in raws]
    done, [winner] = await asyncio.wait(closing, return_when=asyncio.FIRST_COMPLETED)
    assert [await task for task in done] == [("repeated", 4409)]
    winner.cancel()
    await asyncio.gather(winner, return_exceptions=True)
    await raws[closing.index(winner)].settle()
