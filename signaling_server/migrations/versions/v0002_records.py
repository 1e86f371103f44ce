"""Records and histories of calls that are over, where callbacks go, and those that wait to be delivered."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from signaling_server.ledger import StoredCall
from signaling_server.record_rows import history_rows, record_row

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Two indexes less on `calls`; what has ended so far becomes records."""
    op.drop_index("ix_calls_caller", "calls")
    op.drop_index("ix_calls_created_at", "calls")
    records, histories = _make_records()
    _make_callbacks()
    _fill(records, histories)


def _make_records() -> tuple[sa.Table, sa.Table]:
    records = op.create_table(
        "records",
        sa.Column("app_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("call_id", sa.String(32), primary_key=True),
        sa.Column("merged_id", sa.String(32)),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double, nullable=False),
        sa.Column("scene", sa.SmallInteger, nullable=False),
        sa.Column("result", sa.String(16), nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
    )
    op.create_index("ix_records_started", "records", ["app_id", "started_at", "result", "scene"])
    merged = sa.text("merged_id IS NOT NULL")
    op.create_index(
        "ix_records_merged", "records", ["app_id", "merged_id"], sqlite_where=merged, postgresql_where=merged
    )
    histories = op.create_table(
        "histories",
        sa.Column("app_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("call_id", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.String(32), primary_key=True),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("result", sa.SmallInteger, nullable=False),
    )
    op.create_index("ix_histories_user", "histories", ["app_id", "user_id", "started_at"])
    return records, histories


def _make_callbacks() -> None:
    op.create_table(
        "targets",
        sa.Column("app_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("generation", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("url", sa.String(2048), nullable=False),
        sa.Column("commands", sa.JSON, nullable=False),
        sa.Column("disabled", sa.String(200), nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("app_id", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.SmallInteger, nullable=False),
        sa.Column("event_id", sa.String(40), nullable=False),
        sa.Column("command", sa.String(48), nullable=False),
        sa.Column("call_id", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("platform", sa.String(16), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.String(200), nullable=False),
        sa.Column("died_at", sa.Double),
        sqlite_autoincrement=True,
    )
    alive, dead = sa.text("died_at IS NULL"), sa.text("died_at IS NOT NULL")
    due = ["app_id", "generation", "due_at"]
    op.create_index("ix_outbox_due", "outbox", due, sqlite_where=alive, postgresql_where=alive)
    op.create_index("ix_outbox_dead", "outbox", ["app_id", "id"], sqlite_where=dead, postgresql_where=dead)


def _fill(records: sa.Table, histories: sa.Table) -> None:
    connection = op.get_bind()
    calls = sa.table("calls", sa.column("app_id"), sa.column("ended_at"), sa.column("document", sa.JSON))
    ended = sa.select(calls.c.app_id, calls.c.document).where(calls.c.ended_at.is_not(None))
    for rows in connection.execute(ended).partitions(500):
        known = [(row.app_id, call) for row in rows if (call := _readable(row.document)) is not None]
        if known:
            connection.execute(sa.insert(records), [record_row(app_id, call) for app_id, call in known])
            connection.execute(
                sa.insert(histories), [row for app_id, call in known for row in history_rows(app_id, call)]
            )


def _readable(document: Any) -> StoredCall | None:
    """One that cannot be read stays where it is; it was no record before either."""
    try:
        return msgspec.convert(document, StoredCall)
    except msgspec.ValidationError:
        return None
