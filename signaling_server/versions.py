"""Which version of the tables a database has, and how it gets to the newest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from pycall.core.errors import ConfigError, ErrorCode

from .tables import VERSION, health, metadata

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

FIRST = "0001"
"""Databases of before there were versions have the tables of this one."""


def look(connection: sa.Connection) -> None:
    """Make an empty database; raises ConfigError for one of another version."""
    version = version_of(connection)
    if version is None:
        _create(connection)
    elif version < VERSION:
        raise ConfigError(
            ErrorCode.BAD_SETTING,
            f"the database is of version {version}, this server needs {VERSION}: copy it to be safe, then start once "
            "with --migrate (PYCALL_MIGRATE=true)",
        )
    elif version > VERSION:
        raise ConfigError(
            ErrorCode.BAD_SETTING, f"the database is of version {version}, made by a newer pycall; install that one"
        )


def bring_up(connection: sa.Connection, revisions: ScriptDirectory) -> None:
    """Bring an older database to the newest version, all in the connection's transaction."""
    version = version_of(connection)
    if version is not None and version < VERSION:
        from alembic.migration import MigrationContext
        from alembic.operations import Operations

        context = MigrationContext.configure(connection)
        with Operations.context(context):
            for revision in reversed(list(revisions.iterate_revisions(VERSION, version))):
                revision.module.upgrade()
        context.stamp(revisions, VERSION)
    look(connection)


def load_revisions() -> ScriptDirectory:
    """The migrations inside this package; reads files."""
    from alembic.script import ScriptDirectory

    revisions = ScriptDirectory(str(Path(__file__).with_name("migrations")))
    revisions.get_heads()
    return revisions


def version_of(connection: sa.Connection) -> str | None:
    """The version of the tables; None: there are none."""
    names = sa.inspect(connection).get_table_names()
    if "alembic_version" in names:
        return connection.execute(sa.select(sa.column("version_num")).select_from(sa.table("alembic_version"))).scalar()
    return FIRST if "calls" in names else None


def _create(connection: sa.Connection) -> None:
    metadata.create_all(connection)
    connection.execute(sa.insert(health).values(id=1, count=0))
    connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(sa.text("INSERT INTO alembic_version VALUES (:version)"), {"version": VERSION})
