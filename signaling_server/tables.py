"""The tables of the server's database, as its newest version has them; every row belongs to one app.

users      who ever signed in
calls      live calls, and those that ended a moment ago, as documents: what a restart needs to go on
records    one row for each call that is over, written together with its end
totals     how many records there are by hour, result and scene; triggers on `records` keep them
histories  one row for each member of a record: their own list of calls
targets    where callbacks go, by app and generation
bans       who may not sign in
outbox     callbacks that wait to be delivered (died_at is null), and dead letters
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import event

from .counting import make_triggers

VERSION = "0005"
"""The newest Alembic revision; what `metadata` creates is the same as what the revisions lead to."""

metadata = sa.MetaData()

users = sa.Table(
    "users",
    metadata,
    sa.Column("app_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.String(32), primary_key=True),
    sa.Column("first_seen", sa.Double, nullable=False),
)
calls = sa.Table(
    "calls",
    metadata,
    sa.Column("app_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("call_id", sa.String(32), primary_key=True),
    sa.Column("caller", sa.String(32), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("media", sa.String(16), nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("ended_at", sa.Double, index=True),
    sa.Column("reason", sa.String(32)),
    sa.Column("duration", sa.Double, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
)
records = sa.Table(
    "records",
    metadata,
    sa.Column("app_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("call_id", sa.String(32), primary_key=True),
    sa.Column("merged_id", sa.String(32)),
    sa.Column("started_at", sa.Double, nullable=False),
    sa.Column("ended_at", sa.Double, nullable=False),
    sa.Column("scene", sa.SmallInteger, nullable=False),
    sa.Column("result", sa.String(16), nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
)
by_start = sa.Index("ix_records_start", records.c.app_id, records.c.started_at, records.c.scene)
by_result = sa.Index("ix_records_result", records.c.app_id, records.c.result, records.c.started_at, records.c.scene)
by_merged_id = sa.Index(
    "ix_records_merged",
    records.c.app_id,
    records.c.merged_id,
    sqlite_where=records.c.merged_id.is_not(None),
    postgresql_where=records.c.merged_id.is_not(None),
)
totals = sa.Table(
    "totals",
    metadata,
    sa.Column("app_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("result", sa.String(16), primary_key=True),
    sa.Column("scene", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("calls", sa.BigInteger, nullable=False),
)
histories = sa.Table(
    "histories",
    metadata,
    sa.Column("app_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("call_id", sa.String(32), primary_key=True),
    sa.Column("user_id", sa.String(32), primary_key=True),
    sa.Column("started_at", sa.Double, nullable=False),
    sa.Column("result", sa.SmallInteger, nullable=False),
)
by_user = sa.Index("ix_histories_user", histories.c.app_id, histories.c.user_id, histories.c.started_at)
targets = sa.Table(
    "targets",
    metadata,
    sa.Column("app_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("generation", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("url", sa.String(2048), nullable=False),
    sa.Column("commands", sa.JSON, nullable=False),
    sa.Column("disabled", sa.String(200), nullable=False),
    sa.Column("failing_since", sa.Double),
)
bans = sa.Table(
    "bans",
    metadata,
    sa.Column("app_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.String(32), primary_key=True),
    sa.Column("since", sa.Double, nullable=False),
    sa.Column("until", sa.Double),
    sa.Column("banned_by", sa.String(32), nullable=False),
)
outbox = sa.Table(
    "outbox",
    metadata,
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
waiting = sa.Index(
    "ix_outbox_due",
    outbox.c.app_id,
    outbox.c.generation,
    outbox.c.due_at,
    sqlite_where=outbox.c.died_at.is_(None),
    postgresql_where=outbox.c.died_at.is_(None),
)
dead = sa.Index(
    "ix_outbox_dead",
    outbox.c.app_id,
    outbox.c.id,
    sqlite_where=outbox.c.died_at.is_not(None),
    postgresql_where=outbox.c.died_at.is_not(None),
)
health = sa.Table("health", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("count", sa.BigInteger))

event.listen(metadata, "after_create", make_triggers)
