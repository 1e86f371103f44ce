"""Since when a target of callbacks has taken nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Not known of those that there are."""
    op.add_column("targets", sa.Column("failing_since", sa.Double))
