"""A signaling server at an address of a network namespace, for calls across an emulated link."""

from __future__ import annotations

import asyncio
import sys

from pycall.config import DEFAULT_APP_ID
from signaling_server.app import serve
from signaling_server.settings import Settings

from .end import tell


async def _main(host: str, key: str, database: str) -> None:
    async with serve(Settings(host=host, secret_keys=(key,), port=0, db=database, app_id=DEFAULT_APP_ID)) as server:
        tell("ready", url=server.url)
        lines = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        await lines.read()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
