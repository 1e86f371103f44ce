"""What to tell people when the database fails: one line, what happened and where to look."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

_AWAY = "look whether PostgreSQL runs there, and at the address given with --db"
_SQLITE = {
    "SQLITE_NOTADB": "this file is none of ours: name another with --db",
    "SQLITE_CORRUPT": "the file is damaged: put a copy of it back, or name another with --db",
    "SQLITE_CANTOPEN": "look whether its folder is there and may be written to",
    "SQLITE_BUSY": "another program holds it: end that one",
}
"""By the name of SQLite's result code, without what is behind a second underline."""
_BY_STATE = {
    "08": _AWAY,
    "28": "check the user and the password given with --db",
    "3D": "create it, or check the name given with --db",
    "42501": "give its user the right to create tables and functions there",
    "53": "it has no room for us: look at its disk, its memory and its max_connections",
    "57P": "it is starting or stopping: try again when it runs",
}
"""By the beginning of PostgreSQL's SQLSTATE (its manual, appendix A)."""


def told(error: Exception) -> str:
    """Without the statement and its values: they hold what users wrote."""
    cause: BaseException = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    words = " ".join(str(cause).split())[:200]
    if isinstance(cause, TimeoutError):
        return f"the database does not answer; {_AWAY}"
    if isinstance(cause, OSError):
        return f"the database cannot be reached: {words}; {_AWAY}"
    if "asyncpg" not in "".join(kind.__module__ for kind in type(cause).__mro__):
        return f"the database failed: {words}; {_about_file(cause)}"
    state = str(getattr(cause, "sqlstate", None))
    hints = (hint for begin, hint in _BY_STATE.items() if state.startswith(begin))
    return f"the database failed: {words}; {next(hints, 'look into the log of PostgreSQL')}"


def _about_file(cause: BaseException) -> str:
    name = "_".join(str(getattr(cause, "sqlite_errorname", "")).split("_")[:2])
    return _SQLITE.get(name, "look whether its disk is full or read-only")
