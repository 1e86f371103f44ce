"""Targets of callbacks: what can be set, what is refused, and that a restart and other apps change nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pycall.core.errors import ErrorCode
from signaling_server.callbacks import CallbackError, Callbacks, Generation, NoTarget, Target, check_url
from signaling_server.outbox import Failed, Outbox
from signaling_server.store import Store

V1, V4 = Generation.V1, Generation.V4
URL = "https://example.com/calls?token=1"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(str(tmp_path / "b.db"), app_id=1)
    yield opened
    await opened.close()


def row(number: int, app_id: int = 1, **fields: Any) -> dict[str, Any]:
    fields = {"generation": 1, "due_at": 10.0 + number, "created_at": 10.0, "attempts": 0} | fields
    texts = {"event_id": f"e{number}", "command": "cancel", "call_id": "c", "body": "{}"}
    return {"app_id": app_id, "address": "", "platform": "Web", "error": "", "died_at": None} | texts | fields


async def test_targets_are_there_after_a_restart_and_for_one_app_only(tmp_path: Path) -> None:
    store = await Store.open(str(tmp_path / "b.db"), app_id=1)
    callbacks = Callbacks(store)
    await callbacks.set(V1, URL, ["cancel", "reject", "cancel"])
    await callbacks.set(V4, URL, ["Call.CallbackAfterEndCall"])
    await callbacks.set(V1, "http://example.org", ["reject"])
    await callbacks.set(V1, "http://example.org/2", ["cancel", "reject"], again=True)
    await store.close()
    store = await Store.open(str(tmp_path / "b.db"), app_id=1)
    callbacks, other = Callbacks(store), Callbacks(store.for_app(2))
    await callbacks.load()
    await other.load()
    assert callbacks.get(V1) == Target(url="http://example.org/2", commands=("cancel", "reject"))
    assert callbacks.wants(V4, "Call.CallbackAfterEndCall") and not callbacks.wants(V1, "interrupt")
    assert other.get(V1) is None and not other.wants(V1, "cancel")
    with pytest.raises(NoTarget):
        await other.delete(V1)
    await callbacks.delete(V1)
    assert callbacks.get(V1) is None and callbacks.get(V4) is not None
    with pytest.raises(NoTarget):
        await callbacks.set(V1, URL, [], again=True)
    await store.close()


async def test_a_target_that_said_gone_is_disabled_until_it_is_set_again(store: Store) -> None:
    callbacks = Callbacks(store)
    await callbacks.set(V1, URL, ["cancel"])
    await callbacks.disable(V1, "it answered 410")
    assert not callbacks.wants(V1, "cancel")
    again = Callbacks(store)
    await again.load()
    assert again.get(V1) == Target(url=URL, commands=("cancel",), disabled="it answered 410")
    await again.set(V1, URL, ["cancel"])
    assert again.wants(V1, "cancel")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://example.com", "begin with"),
        ("file:///etc/passwd", "begin with"),
        ("HTTP://example.com", "begin with"),
        ("//example.com", "begin with"),
        ("http://", "no host"),
        ("http://example.com:0/", "port 0"),
        ("http://example.com:70000/", "no URL"),
        ("http://[::1", "no URL"),
        ("http://a@example.com/", "user name"),
        ("http://example.com/ x", "spaces"),
        ("http://example.com/\r\nX: y", "spaces"),
        ("http://ex\u00e4mple.com/", "ASCII"),
        ("http://example.com/" + "x" * 2048, "2048"),
        ("http://127.0.0.1/", "private"),
        ("http://127.1/", "private"),
        ("http://0x7f.1/", "private"),
        ("http://2130706433/", "private"),
        ("http://017700000001/", "private"),
        ("http://0/", "private"),
        ("http://localhost.:80/", "private"),
        ("http://metadata.google.internal/", "private"),
        ("http://169.254.169.254/", "private"),
        ("http://10.0.0.1/", "private"),
        ("http://[::1]/", "private"),
        ("http://[::ffff:127.0.0.1]/", "private"),
        ("http://[64:ff9b::7f00:1]/", "private"),
        ("http://[2002:7f00:1::]/", "private"),
        ("http://[fe80::1%25eth0]/", "private"),
    ],
)
async def test_addresses_that_are_refused(url: str, why: str, store: Store) -> None:
    with pytest.raises(CallbackError, match=why) as caught:
        await Callbacks(store).set(V1, url, ["cancel"])
    assert caught.value.code is ErrorCode.BAD_ARGUMENT and "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/x", "https://[::1]/", "http://localhost:1/"])
def test_private_addresses_when_they_are_allowed(url: str) -> None:
    assert check_url(url, allow_private=True) is None


async def test_commands_of_the_other_generation_are_unknown(store: Store) -> None:
    with pytest.raises(CallbackError, match="no callback command"):
        await Callbacks(store).set(V4, URL, ["cancel"])


async def test_what_waits_is_given_out_by_age_and_settled(store: Store) -> None:
    mine = Outbox(store)
    await store.save([], [], [row(1), row(2), row(0), row(9), row(3, app_id=2), row(4, generation=4)], now=10.0)
    parcels, later = await mine.due(V1, 13.0, but=(), at_most=10)
    assert ([parcel.event_id for parcel in parcels], later) == (["e0", "e1", "e2"], 19.0)
    ids = [parcel.id for parcel in parcels]
    assert [p.event_id for p in (await mine.due(V1, 13.0, but=ids[:1], at_most=1))[0]] == ["e1"]
    await mine.settle(
        ids[:1],
        [
            Failed(id=ids[1], attempts=1, due_at=20.0, error="500"),
            Failed(id=ids[2], attempts=7, due_at=0.0, error="x" * 300, died_at=13.0),
        ],
    )
    assert [parcel.event_id for parcel in (await mine.due(V1, 30.0, but=(), at_most=10))[0]] == ["e9", "e1"]
    total, letters = await mine.dead_letters()
    assert (total, [(one.id, one.error, one.attempts) for one in letters]) == (1, [(ids[2], "x" * 200, 7)])
    assert await mine.waiting() == 3
    assert await Outbox(store.for_app(2)).resend(ids, 40.0) == []
    assert await mine.resend([ids[2], 12345], 40.0) == [ids[2]]
    assert (await mine.due(V1, 40.0, but=(), at_most=10))[0][-1].attempts == 0
    assert await mine.bury(V1, "too old", 50.0, before=11.0) == 2
    assert (await mine.dead_letters(page=2, per_page=1))[0] == 2


async def test_deleting_a_target_drops_what_waits_for_it(store: Store) -> None:
    callbacks, mine = Callbacks(store), Outbox(store)
    await callbacks.set(V1, URL, ["cancel"])
    await store.save([], [], [row(1), row(2, generation=4), row(3, app_id=2), row(4, died_at=11.0)], now=10.0)
    await callbacks.delete(V1)
    assert await mine.waiting() == 1
    assert (await mine.dead_letters())[0] == 1
    assert await Outbox(store.for_app(2)).waiting() == 1
