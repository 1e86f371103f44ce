"""The answers of the server that verbs wait for, by the number of the request."""

from __future__ import annotations

import asyncio

from pycall.core.errors import ErrorCode, SignalingError
from pycall.core.outputs import Resolve


class Answers:
    """Belongs to one driver. Made on the event loop; `patience`: seconds that a verb waits."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._waiting: dict[int, asyncio.Future[Resolve]] = {}

    def expect(self, req_id: int) -> None:
        """Before the request is sent: the answer may come at once."""
        self._waiting[req_id] = asyncio.get_running_loop().create_future()

    async def wait(self, req_id: int) -> Resolve:
        """The answer to what was expected; raises what refused it, or `SignalingError` if none comes in time."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._waiting[req_id]
        except TimeoutError:
            problem = f"the server did not answer within {self._patience:g} s"
            raise SignalingError(ErrorCode.TIMED_OUT, problem) from None
        finally:
            del self._waiting[req_id]

    def came(self, answer: Resolve) -> None:
        """One that nobody waits for any more is left alone."""
        future = self._waiting.get(answer.req_id)
        if future is None or future.done():
            return
        if answer.error is None:
            future.set_result(answer)
        else:
            future.set_exception(answer.error)
