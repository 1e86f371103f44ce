"""Users and calls, as the first servers had them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """The tables of databases that have no version yet; those are marked, not made."""
    op.create_table(
        "users",
        sa.Column("app_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("user_id", sa.String(32), primary_key=True),
        sa.Column("first_seen", sa.Double, nullable=False),
    )
    op.create_table(
        "calls",
        sa.Column("app_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("call_id", sa.String(32), primary_key=True),
        sa.Column("caller", sa.String(32), nullable=False, index=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("media", sa.String(16), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False, index=True),
        sa.Column("ended_at", sa.Double, index=True),
        sa.Column("reason", sa.String(32)),
        sa.Column("duration", sa.Double, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
    )
    health = op.create_table("health", sa.Column("id", sa.Integer, primary_key=True), sa.Column("count", sa.BigInteger))
    op.bulk_insert(health, [{"id": 1, "count": 0}])
