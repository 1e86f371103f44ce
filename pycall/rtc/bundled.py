"""The libraries that PyAV's wheel brings along."""

from __future__ import annotations

from pathlib import Path

import av


def beside_pyav(name: str) -> tuple[str, ...]:
    """Where the wheel keeps a library, by a part of its file's name; each system's wheels have a folder of their own.

    A directory is read: to be called at import, the event loop must not wait for that.
    """
    package = Path(av.__file__).parent
    folders = (package.parent / "av.libs", package / ".dylibs", package)
    return tuple(sorted(str(path) for folder in folders if folder.is_dir() for path in folder.glob(f"*{name}*")))
