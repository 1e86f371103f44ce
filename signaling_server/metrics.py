"""What the server counts and measures, for Prometheus. It watches from outside what was decided and stored."""

from __future__ import annotations

import asyncio
from collections import Counter as Counts
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from pycall.core.errors import ErrorCode
from pycall.core.wire import Reply

from .batch import Batch, Close, Tell
from .ledger import StoredCall
from .record_rows import result_of

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
DELAY_SECONDS = 0.25
"""How often the event loop's delay is measured."""
_SETUP = (0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60)
_SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class Board(Protocol):
    """What is asked of a switchboard when somebody looks."""

    @property
    def online(self) -> int: ...
    @property
    def dropped(self) -> Counts[str]: ...
    def calls_now(self) -> Iterable[StoredCall]: ...


class Metrics:
    """Counters of one server. `observe` is fed with every batch that was stored."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._boards: list[Board] = []
        self.gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        """More values to be read when somebody looks, by metric name, each after its description."""
        self._ended = self._counter("pycall_calls_ended", "Calls that are over.", "result", "reason", "media")
        self._rejects = self._counter("pycall_rejects", "What was refused.", "what", "reason")
        self._callbacks = self._counter("pycall_callbacks", "Attempts to deliver callbacks.", "generation", "outcome")
        self._setup = Histogram(
            "pycall_call_setup_seconds",
            "answer: from the invitation to the answer; connect: from there until media got through.",
            ["step"],
            buckets=_SETUP,
            registry=self.registry,
        )
        self._commit = Histogram(
            "pycall_commit_seconds", "How long one transaction took.", buckets=_SHORT, registry=self.registry
        )
        self._delay = Histogram(
            "pycall_loop_delay_seconds", "How late the event loop woke.", buckets=_SHORT, registry=self.registry
        )
        self.registry.register(_OnLook(self))
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)

    def watch(self, board: Board) -> None:
        """This switchboard's users and calls count from now on."""
        self._boards.append(board)

    def observe(self, batch: Batch) -> None:
        """A batch was stored and is told now."""
        for call in batch.saved:
            if call.ended_at is not None:
                self._note_end(call)
        for item in batch.tell:
            if isinstance(item, Tell) and isinstance(item.message, Reply) and not item.message.ok:
                code = item.message.code
                self.rejected("command", "unknown" if code is None else code.value)
            elif isinstance(item, Close) and item.goodbye.code is ErrorCode.BANNED:
                self.rejected("login", item.goodbye.code.value)

    def rejected(self, what: str, reason: str) -> None:
        """Something was refused: `what` is login, command, message or http."""
        self._rejects.labels(what, reason).inc()

    def posted(self, generation: int, outcome: str) -> None:
        """A callback was tried: `outcome` is delivered, failed, or dead if it is not tried again."""
        self._callbacks.labels(f"v{generation}", outcome).inc()

    def committed(self, seconds: float) -> None:
        """A transaction took this long."""
        self._commit.observe(seconds)

    async def measure_delay(self) -> None:
        """Watch the event loop until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + DELAY_SECONDS
            await asyncio.sleep(DELAY_SECONDS)
            self._delay.observe(max(0.0, loop.time() - due))

    async def text(self) -> bytes:
        """Everything, in Prometheus' text format; what the process uses is read from files, so in a thread."""
        return generate_latest(self.registry) + await asyncio.to_thread(generate_latest, self._process)

    def _note_end(self, call: StoredCall) -> None:
        reason = "unknown" if call.reason is None else call.reason.value
        self._ended.labels(result_of(call).value, reason, call.media.value).inc()
        if call.accepted_at is not None:
            self._setup.labels("answer").observe(call.accepted_at - call.created_at)
            if call.begun_at is not None:
                self._setup.labels("connect").observe(call.begun_at - call.accepted_at)

    def _counter(self, name: str, help: str, *labels: str) -> Counter:
        return Counter(name, help, labels, registry=self.registry)

    def look(self) -> Iterator[Metric]:
        """What is read only when somebody looks."""
        users = GaugeMetricFamily("pycall_users_online", "Users who are connected.")
        users.add_metric([], sum(board.online for board in self._boards))
        yield users
        states = Counts({"ringing": 0, "connecting": 0, "talking": 0})
        states.update(state_of(call) for board in self._boards for call in board.calls_now())
        calls = GaugeMetricFamily("pycall_calls", "Calls that ring or run.", labels=["state"])
        dropped = CounterMetricFamily("pycall_dropped_messages", "Messages dropped without an answer.", labels=["kind"])
        for state, count in states.items():
            calls.add_metric([state], count)
        for kind, count in sum((board.dropped for board in self._boards), Counts[str]()).items():
            dropped.add_metric([kind], count)
        yield from (calls, dropped)
        for name, (told, read) in self.gauges.items():
            yield GaugeMetricFamily(name, told, value=read())


class _OnLook(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics.look()

    def describe(self) -> Iterable[Metric]:
        return ()


def state_of(call: StoredCall) -> str:
    """Where a live call is."""
    if call.begun_at is not None:
        return "talking"
    return "ringing" if call.accepted_at is None else "connecting"
