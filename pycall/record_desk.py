"""Questions to the server that belong to no call: each is answered once, or fails when the link does."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from pycall.core.errors import CallError, ErrorCode, SignalingError
from pycall.core.wire import Message, Records


class RecordDesk:
    """`send` says whether the message has left; answers are given to `answered`."""

    def __init__(self, send: Callable[[Message], bool], patience: float) -> None:
        self._send = send
        self._patience = patience
        self._numbers = itertools.count(1)
        self._open: dict[int, asyncio.Future[Records]] = {}

    async def ask(self, question: Callable[[int], Message]) -> Records:
        """Send the question that is made with a number, and wait; raises `SignalingError` or what the server says."""
        number = next(self._numbers)
        future: asyncio.Future[Records] = asyncio.get_running_loop().create_future()
        self._open[number] = future
        try:
            if not self._send(question(number)):
                raise SignalingError(ErrorCode.UNREACHABLE, "the server cannot be reached just now; try again later")
            async with asyncio.timeout(self._patience):
                answer = await future
        except TimeoutError:
            words = f"the server did not answer within {self._patience:g} s"
            raise SignalingError(ErrorCode.TIMED_OUT, words) from None
        finally:
            del self._open[number]
        if answer.code is not None:
            raise CallError(answer.code, answer.message)
        return answer

    def answered(self, answer: Records) -> None:
        """The server's word on one of the questions."""
        future = self._open.get(answer.req_id)
        if future is not None and not future.done():
            future.set_result(answer)

    def lost(self) -> None:
        """The link is gone, and with it every answer still to come."""
        for future in self._open.values():
            if not future.done():
                future.set_exception(SignalingError(ErrorCode.UNREACHABLE, "the connection to the server was lost"))
