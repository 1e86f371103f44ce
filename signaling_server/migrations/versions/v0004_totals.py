"""Totals of the records by the hour, triggers that keep them right, and an index for results that are rare."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from signaling_server.counting import count_all, triggers

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Counted once from what is there; some seconds for millions of records."""
    op.create_table(
        "totals",
        sa.Column("app_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("result", sa.String(16), primary_key=True),
        sa.Column("scene", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
    )
    op.drop_index("ix_records_started", "records")
    op.create_index("ix_records_start", "records", ["app_id", "started_at", "scene"])
    op.create_index("ix_records_result", "records", ["app_id", "result", "started_at", "scene"])
    connection = op.get_bind()
    for statement in (count_all(connection.dialect.name), *triggers(connection.dialect.name)):
        connection.exec_driver_sql(statement)
