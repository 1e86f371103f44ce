"""One input after another: the switchboard decides, the store writes it down, and only then anybody is told.

    sockets ──► inbox ──► switchboard ──► store ──► tell
                             ▲               │ failed
                             └──── undo ◄────┘        commands are refused with STORAGE, nothing has changed

Inputs that wait together share one transaction. What writes nothing (most signals) is told without one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pycall.core.errors import ErrorCode
from pycall.core.types import UserId
from pycall.core.wire import ClientMessage, Command, Goodbye, Login, PeerReport, Reply

from .announcer import Announcer, Origin
from .clock import Clock
from .fact_log import log_facts
from .logs import log_about
from .metrics import Metrics
from .store import Store, StoreError
from .switchboard import Batch, Close, SessionId, Switchboard, Tell

logger = logging.getLogger(__name__)

T = TypeVar("T")

INBOX = 1024
"""Inputs that may wait; a socket whose input does not fit is not read from until it does."""
BATCH = 64
"""Inputs that share one transaction at most."""
OWED = 1000
ORIGINS = 20_000
RETRY_SECONDS = 1.0
ASK_SECONDS = 3.0
"""How long somebody from outside waits for an answer (REST, `backend timeout`)."""
REFUSAL = "the server cannot write to its database; nothing was changed, try again later"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A client has signed in on this session; its ticket is good."""

    session: SessionId
    login: Login
    origin: Origin = Origin()


@dataclass(frozen=True, slots=True)
class Said:
    """A signed-in client sent this."""

    session: SessionId
    message: ClientMessage


@dataclass(frozen=True, slots=True)
class Gone:
    """The session's socket is closed; `silent`: by us, since nothing came any more."""

    session: SessionId
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody who is no client asks or changes something; answered once what came of it is stored."""

    step: Callable[[Switchboard, float], Any]
    answer: asyncio.Future[Any]


Input = Arrived | Said | Gone | Ask


class Exchange:
    """Owns the switchboard: nobody else calls it. `deliver` is called for everything that is to be told, in order."""

    def __init__(
        self,
        switchboard: Switchboard,
        store: Store,
        clock: Clock,
        deliver: Callable[[Tell | Close], None],
        metrics: Metrics,
        announcer: Announcer,
    ) -> None:
        self._switchboard = switchboard
        self._store = store
        self._clock = clock
        self._deliver = deliver
        self._metrics = metrics
        self._announcer = announcer
        self._origins: dict[UserId, Origin] = {}
        """Where each user's last client was; for callbacks."""
        self._inbox: asyncio.Queue[Input | None] = asyncio.Queue(INBOX)
        self._owed: list[Said] = []
        """Reports that could not be written down; a client sends them once only."""
        self._retry_at: float | None = None
        self._answers: list[tuple[asyncio.Future[Any], object]] = []
        self._stopped = False

    def has_line(self, user_id: UserId) -> bool:
        """Whether a call rings or runs for this user."""
        return self._switchboard.has_line(user_id)

    async def put(self, item: Input) -> None:
        """Hand in one input; waits while the inbox is full."""
        await self._inbox.put(item)

    async def ask(self, step: Callable[[Switchboard, float], T]) -> T:
        """What `step` gives of the switchboard and the time; raises StoreError, or TimeoutError after 3 s."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(ASK_SECONDS):
            await self._inbox.put(Ask(step, answer))
            return await answer

    async def stop(self) -> None:
        """Let `run` end once everything handed in before is done."""
        await self._inbox.put(None)

    async def run(self) -> None:
        """Work until stopped."""
        log_about(app_id=self._store.app_id)
        while not self._stopped:
            await self._work(await self._waiting())

    async def _waiting(self) -> list[Input]:
        """All inputs that wait, at least one unless a timer is due."""
        inputs = self._take_owed()
        if not inputs:
            first = await self._first()
            inputs = [] if first is None else [first]
        while len(inputs) < BATCH and not self._inbox.empty() and not self._stopped:
            item = self._inbox.get_nowait()
            self._stopped = item is None
            if item is not None:
                inputs.append(item)
        return inputs

    def _take_owed(self) -> list[Input]:
        if self._retry_at is None or self._retry_at > self._clock.now():
            return []
        owed, self._owed, self._retry_at = self._owed, [], None
        return list(owed)

    async def _first(self) -> Input | None:
        wake_at = min((at for at in (self._switchboard.deadline(), self._retry_at) if at is not None), default=None)
        seconds = None if wake_at is None else max(0.0, wake_at - self._clock.now())
        try:
            async with asyncio.timeout(seconds):
                item = await self._inbox.get()
        except TimeoutError:
            return None
        self._stopped = item is None
        return item

    async def _work(self, inputs: list[Input]) -> None:
        now = self._clock.now()
        self._handle_timer(now)
        for item in inputs:
            self._judge(item, now)
        batch = self._switchboard.drain()
        if await self._saved(batch, now):
            self._tell(batch)
        else:
            self._switchboard.undo()
            self._answers.clear()
            self._without_writing(inputs, now)

    def _handle_timer(self, now: float) -> None:
        deadline = self._switchboard.deadline()
        if deadline is not None and deadline <= now:
            self._switchboard.handle_timer(now)

    def _judge(self, item: Input, now: float) -> None:
        match item:
            case Arrived():
                self._note_origin(item.login.user_id, item.origin)
                self._switchboard.connect(item.session, item.login, now)
            case Said():
                self._switchboard.receive(item.session, item.message, now)
            case Gone():
                self._switchboard.disconnect(item.session, now, silent=item.silent)
            case Ask():
                self._answers.append((item.answer, item.step(self._switchboard, now)))

    def _note_origin(self, user_id: UserId, origin: Origin) -> None:
        self._origins.pop(user_id, None)
        self._origins[user_id] = origin
        if len(self._origins) > ORIGINS:
            del self._origins[next(iter(self._origins))]

    def _origin_of(self, user_id: UserId) -> Origin:
        return self._origins.get(user_id, Origin())

    async def _saved(self, batch: Batch, now: float) -> bool:
        if not batch.writes:
            return True
        begun = time.monotonic()
        callbacks = self._announcer.rows(batch.facts, self._origin_of, now)
        try:
            await self._store.save(batch.saved, batch.users, callbacks, batch.bans, now=now)
        except StoreError as error:
            logger.error("nothing was changed: %s", error)
            return False
        self._metrics.committed(time.monotonic() - begun)
        if callbacks:
            self._announcer.wake(len(callbacks))
        return True

    def _tell(self, batch: Batch) -> None:
        self._metrics.observe(batch)
        log_facts(batch.facts)
        for item in batch.tell:
            self._deliver(item)
        for answer, value in self._answers:
            if not answer.done():
                answer.set_result(value)
        self._answers.clear()

    def _without_writing(self, inputs: list[Input], now: float) -> None:
        """After a failure, each input by itself: what needs no writing happens, what does is refused."""
        for item in inputs:
            self._judge(item, now)
            batch = self._switchboard.drain()
            if not batch.writes:
                self._tell(batch)
            else:
                self._switchboard.undo()
                self._answers.clear()
                self._refuse(item)

    def _refuse(self, item: Input) -> None:
        match item:
            case Arrived():
                self._deliver(Close(item.session, Goodbye(code=ErrorCode.STORAGE, message=REFUSAL, retry=True)))
            case Said(message=Command() as command):
                reply = Reply(req_id=command.req_id, ok=False, code=ErrorCode.STORAGE, message=REFUSAL)
                self._deliver(Tell(item.session, reply))
            case Ask() if not item.answer.done():
                item.answer.set_exception(StoreError(ErrorCode.STORAGE, REFUSAL))
            case Said(message=PeerReport()) if len(self._owed) < OWED:
                self._owed.append(item)
                self._retry_at = self._clock.now() + RETRY_SECONDS
            case _:
                logger.error("lost for want of storage: %s", type(item).__name__)
