"""How many records there are, hour by hour, kept by the database itself.

Whoever adds, changes or takes out a record, in whatever way, changes the total of its hour in the same transaction.

Counting a million records anew takes a tenth of a second with each query; a week of totals is a few hundred rows.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

HOUR = 3600
"""Seconds. A record belongs to the hour in which its call began."""

_INTO = "INSERT INTO totals (app_id, hour, result, scene, calls) "
_ONE_MORE = " ON CONFLICT (app_id, hour, result, scene) DO UPDATE SET calls = totals.calls + 1;"
_NEW, _OLD = "NEW.started_at", "OLD.started_at"


def _hour(dialect: str, column: str) -> str:
    """Exact: a time before the hour never divides up to it. SQLite may come without `floor`; it cuts off instead."""
    if dialect == "sqlite":
        return f"CAST({column} / {HOUR}.0 AS INTEGER)"
    return f"CAST(floor({column} / {HOUR}.0) AS BIGINT)"


def _add(dialect: str) -> str:
    return f"{_INTO} VALUES (NEW.app_id, {_hour(dialect, _NEW)}, NEW.result, NEW.scene, 1) {_ONE_MORE}"


def _take(dialect: str) -> str:
    where = f"app_id = OLD.app_id AND hour = {_hour(dialect, _OLD)} AND result = OLD.result AND scene = OLD.scene"
    return f"UPDATE totals SET calls = calls - 1 WHERE {where}; DELETE FROM totals WHERE {where} AND calls <= 0;"


def triggers(dialect: str) -> list[str]:
    """The statements that make them, for `sqlite` or `postgresql`; the tables `records` and `totals` are there."""
    works = {"INSERT": _add(dialect), "DELETE": _take(dialect), "UPDATE": _take(dialect) + " " + _add(dialect)}
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER records_{event.lower()} AFTER {event} ON records FOR EACH ROW BEGIN {work} END"
            for event, work in works.items()
        ]
    return [statement for event, work in works.items() for statement in _postgres(event, work)]


def _postgres(event: str, work: str) -> tuple[str, str]:
    name = f"records_{event.lower()}"
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {work} RETURN NULL; END $$",
        f"CREATE TRIGGER {name} AFTER {event} ON records FOR EACH ROW EXECUTE FUNCTION {name}()",
    )


def count_all(dialect: str) -> str:
    """The statement that fills an empty `totals` from the records that are there."""
    hour = _hour(dialect, "started_at")
    counted = f"SELECT app_id, {hour}, result, scene, count(*) FROM records GROUP BY 1, 2, 3, 4"
    return _INTO + counted


def make_triggers(_target: object, connection: sa.Connection, **_options: Any) -> None:
    """With the tables."""
    for statement in triggers(connection.dialect.name):
        connection.exec_driver_sql(statement)
