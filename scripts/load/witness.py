"""What clients were told is so, held against what the database and the receiver of callbacks have in the end."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pycall.core import wire

from .callbacks import START_AND_END
from .hooks import Receiver


@dataclass
class Witness:
    """The server answered, so it must have been written down."""

    dialed: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    over: dict[str, set[str]] = field(default_factory=dict)
    """Calls that ended, with every reason that was told."""
    endings: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often a user was told of an end while connected, by user and call."""

    def ended(self, user_id: str, message: wire.Ended) -> None:
        self.over.setdefault(message.call_id, set()).add(message.reason.value)
        self.endings[user_id, message.call_id] += 1


@dataclass(frozen=True)
class Book:
    """What the database holds."""

    live: dict[str, dict[str, object]]
    records: dict[str, dict[str, object]]
    waiting: int
    """Callbacks that are still to be sent, or given up."""
    counted: int
    """Records by the totals of the hours."""

    @classmethod
    def read(cls, path: Path) -> Book:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            calls = [json.loads(row[0]) for row in connection.execute("SELECT document FROM calls")]
            records = [json.loads(row[0]) for row in connection.execute("SELECT document FROM records")]
            [(waiting,)] = connection.execute("SELECT count(*) FROM outbox")
            [(counted,)] = connection.execute("SELECT coalesce(sum(calls), 0) FROM totals")
        finally:
            connection.close()
        live = {call["call_id"]: call for call in calls if call.get("ended_at") is None}
        return cls(live, {record["call_id"]: record for record in records}, waiting, counted)


def compare(witness: Witness, book: Book) -> dict[str, int]:
    """How many calls and records are missing or told twice. The database takes one record per call, so "doubled" is
    what clients saw: an end told again, or with two reasons."""
    known = book.live.keys() | book.records.keys()
    return {
        "calls lost": len((witness.dialed | witness.answered) - known),
        "answers lost": sum(not _was_answered(book, call) for call in witness.answered & known),
        "records miscounted": abs(book.counted - len(book.records)),
        "ends lost": len(witness.over.keys() - book.records.keys()),
        "ends told twice": sum(count > 1 for count in witness.endings.values()),
        "ends with two reasons": sum(len(reasons) > 1 for reasons in witness.over.values()),
    }


def compare_callbacks(book: Book, receiver: Receiver) -> dict[str, int]:
    """Each call that is over has begun once and ended once, for other systems too. The same event may come again
    (under its id, so that a receiver can tell), never as another one."""
    lost = doubled = 0
    for call_id in book.records:
        for command in START_AND_END:
            ids = receiver.ids.get((call_id, command, ""), Counter())
            lost += not ids
            doubled += len(ids) > 1
    strangers = {call_id for call_id, _, _ in receiver.ids} - book.records.keys() - book.live.keys()
    return {"callbacks lost": lost, "callbacks doubled": doubled, "callbacks of no call": len(strangers)}


def _was_answered(book: Book, call_id: str) -> bool:
    return (book.records.get(call_id) or book.live[call_id]).get("accepted_at") is not None
