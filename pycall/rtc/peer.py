"""One media connection to one other person: sound and picture, both ways, for one generation."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from aiortc import RTCIceCandidate
from aiortc.sdp import candidate_to_sdp

from pycall.core.types import CallId, PeerQuality, PeerState, UserId
from pycall.core.wire import Signal, Signaled

from .addresses import still_ours
from .dtls import PathTransport
from .liveness import FAIL_SECONDS, STALL_SECONDS, Liveness
from .negotiation import Agreed, Negotiation
from .path import Path
from .ports import MediaPorts, PeerListener
from .send.sending import Identity
from .send.source import Source
from .servers import Servers
from .session import Session
from .stats import Counters, link_stats, read_counters
from .summary import summary
from .terms import Local
from .transport import GuardedConnection, machine_has_no_network
from .w3c import Statistics, statistics
from .worker import Worker

logger = logging.getLogger(__name__)

MAX_INBOX = 64
"""Messages of the other side waiting for this peer: offer, answer and 40 candidates fit."""
WATCH_SECONDS = 0.25
"""Between two looks at whether something arrives, and whether our address is still ours (7 µs)."""
STATS_SECONDS = 2.0
CANCEL_SECONDS = 0.2
GOODBYE_SECONDS = 1.0
"""After an orderly good-bye the signaling has so long to say why, before the peer counts as failed."""
UNANNOUNCED_SECONDS = 10.0
"""When there are no more candidates, so long a check may still come from an address that was not announced (RFC 8863):
a browser whose page may use no device hides all of its addresses."""
DECODE_DEPTH = 30
"""Pictures waiting for the decoder: a second, then they are dropped until the next keyframe. After a repair there may
be 20 at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerSettings:
    """What all peers of a call share."""

    call_id: CallId
    servers: Servers = field(default_factory=Servers)
    codecs: tuple[str, ...] = ("opus", "H264", "VP8")
    stereo: bool = False
    stall_seconds: float = STALL_SECONDS
    fail_seconds: float = FAIL_SECONDS
    stats_seconds: float = STATS_SECONDS


class Peer:
    """Runs from `start` to `stop`; `finish` waits until nothing of it is left."""

    def __init__(
        self,
        user_id: UserId,
        generation: int,
        *,
        offers: bool,
        ports: MediaPorts,
        listener: PeerListener,
        settings: PeerSettings,
        source: Source,
    ) -> None:
        self.user_id = user_id
        self.generation = generation
        self.session: Session | None = None
        self._ports = ports
        self._listener = listener
        self._settings = settings
        self._source = source
        self._liveness = Liveness(stall=settings.stall_seconds, fail=settings.fail_seconds)
        self._inbox: asyncio.Queue[Signaled] = asyncio.Queue(MAX_INBOX)
        self._decoder = Worker(f"pycall-decode-{user_id}", depth=DECODE_DEPTH)
        self._identity = Identity(secrets.token_hex(8), *(random.getrandbits(32) for _ in range(3)))
        self._tasks: list[asyncio.Task[None]] = []
        self._found: asyncio.Queue[RTCIceCandidate | None] = asyncio.Queue(MAX_INBOX)
        self._goodbye: asyncio.TimerHandle | None = None
        self._retired = False
        self._began = time.monotonic()
        self._setup: dict[str, float] = {}
        self._heard: PeerQuality | None = None
        """How it was when something arrived last, before it fell silent."""
        self._finishing: asyncio.Task[None] | None = None
        self.path = Path(
            controlling=offers,
            servers=settings.servers,
            on_rtp=self._on_rtp,
            on_rtcp=self._on_rtcp,
            on_change=self._path_changed,
            on_candidate=self._trickle,
        )
        self.path.transport.on_media = self._observe
        self.negotiation = Negotiation(
            self._local,
            offers=offers,
            allow_loopback=machine_has_no_network(),
            send=self._send,
            agreed=self._agreed,
            found=self._take_candidate,
        )

    @property
    def state(self) -> PeerState:
        return self._liveness.state

    @property
    def transport(self) -> PathTransport:
        return self.path.transport

    @property
    def ice(self) -> GuardedConnection:
        return self.path.connection

    def statistics(self) -> Statistics:
        """What was counted so far, in W3C's names; empty before both sides know each other."""
        return [] if self.session is None else statistics(self.session, self.path)

    def quality(self) -> PeerQuality:
        """How it has been so far; of one that has fallen silent, how it was when something arrived last."""
        return self._heard if self._heard is not None and self.state is not PeerState.UP else self._quality_now()

    @property
    def seconds_up(self) -> float:
        """From the end of the set-up to the last packet."""
        arrived, secured = self.path.transport.arrived_at, self._setup.get("secured")
        return 0.0 if arrived is None or secured is None else max(0.0, arrived - self._began - secured)

    def _quality_now(self) -> PeerQuality:
        if self.session is None:
            return PeerQuality(setup=dict(self._setup))
        firsts = {what: at - self._began for what, at in self.session.receiving.firsts.items()}
        return summary(self.session, self._setup | firsts)

    def camera_changed(self, is_open: bool) -> None:
        """Their camera was opened or closed: a picture that stands still meanwhile is none that froze."""
        if self.session is not None and self.session.receiving.seeing is not None:
            self.session.receiving.seeing.freezes.camera(is_open)

    def _reached(self, phase: str) -> None:
        self._setup.setdefault(phase, time.monotonic() - self._began)

    def start(self) -> None:
        """Begin to connect; the listener hears of it."""
        self._began = time.monotonic()
        self._report()
        self._run(self._negotiate(), "negotiate")
        self._run(self._watch(), "watch")

    def deliver(self, signaled: Signaled) -> None:
        """A message of the other side about this generation; too many at once are dropped."""
        try:
            self._inbox.put_nowait(signaled)
        except asyncio.QueueFull:
            logger.warning("%s sends more than can be taken in; a %s was dropped", self.user_id, signaled.kind)

    def stop(self) -> None:
        """Not one more packet of media leaves, not one more frame is handed over. `finish` does the rest."""
        self._silence()
        if self._liveness.close():
            self._report()

    def retire(self) -> None:
        """A newer connection takes over: this one goes on until `stop`, but is not measured any more."""
        self._retired = True

    async def finish(self) -> None:
        """Within a second: no task, thread or socket of this peer is left."""
        if self._finishing is None:
            self._finishing = asyncio.create_task(self._dismantle(), name=f"close {self.user_id}")
        await asyncio.shield(self._finishing)

    def _run(self, what: Coroutine[Any, Any, None], name: str) -> None:
        if self._liveness.over:
            what.close()
            return
        self._tasks.append(asyncio.create_task(what, name=f"{name} {self.user_id}"))
        self._tasks[-1].add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        """One that breaks takes the connection along: another one is better than half of this one."""
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("the connection with %s broke", self.user_id, exc_info=error)
            self._fail()

    # --- connecting

    async def _negotiate(self) -> None:
        try:
            await self.path.gather()
        except OSError as error:
            logger.error("no address to be reached at: %s", error)
            self._fail()
            return
        self._reached("gathered")
        self.negotiation.begin()
        while not self._liveness.over:
            self.negotiation.take(await self._inbox.get())

    def _local(self) -> Local:
        identity = self._identity
        return Local(
            ice=self.path.ice_parameters,
            candidates=self.path.candidates,
            complete=self.path.gathered,
            dtls=self.path.dtls_parameters,
            ssrcs={"audio": [identity.audio], "video": [identity.video, identity.repair]},
            cname=identity.cname,
            session=random.getrandbits(62),
            codecs=self._settings.codecs,
            stereo=self._settings.stereo,
        )

    def _agreed(self, agreed: Agreed) -> None:
        self._reached("described")
        self.session = Session(
            self.user_id,
            agreed.terms,
            self.path,
            self._ports,
            source=self._source,
            identity=self._identity,
            decoder=self._decoder,
        )
        self._run(self._connect(agreed), "connect")
        self._run(self._add_candidates(), "candidates")

    async def _connect(self, agreed: Agreed) -> None:
        first = agreed.remote.media[0]
        assert first.dtls is not None and first.ice is not None
        for candidate in first.ice_candidates:
            await self.path.add_candidate(candidate)
        if first.ice_candidates_complete:
            self._take_candidate(None)
        if self.session is not None:
            self.session.prepare()
        await self.path.connect(first.ice, first.dtls, client=agreed.client)
        if self.path.state == "connected" and self.session is not None and not self._liveness.over:
            self._reached("secured")
            self.session.begin()
            self._run(self.session.run(), "pulse")

    def _take_candidate(self, candidate: RTCIceCandidate | None) -> None:
        if not self._found.full():
            self._found.put_nowait(candidate)

    async def _add_candidates(self) -> None:
        while (candidate := await self._found.get()) is not None:
            await self.path.add_candidate(candidate)
        await asyncio.sleep(UNANNOUNCED_SECONDS)
        await self.path.add_candidate(None)

    def _trickle(self, candidate: RTCIceCandidate | None) -> None:
        """What is found before our description has gone is in it."""
        if self.negotiation.described and not self._liveness.over:
            line = "" if candidate is None else f"candidate:{candidate_to_sdp(candidate)}"
            self._listener.peer_signals(
                Signal(
                    call_id=self._settings.call_id,
                    to=self.user_id,
                    kind="candidate",
                    generation=self.generation,
                    candidate=line,
                    sdp_m_line_index=0,
                )
            )

    def _send(self, kind: str, sdp: str) -> None:
        if self._liveness.over:
            return
        self._listener.peer_signals(
            Signal(
                call_id=self._settings.call_id,
                to=self.user_id,
                kind=cast(Literal["offer", "answer"], kind),
                generation=self.generation,
                sdp=sdp,
            )
        )

    # --- running

    def _on_rtp(self, data: bytes, now: float) -> None:
        if self.session is not None and not self._liveness.over:
            self.session.on_rtp(data, now)

    def _on_rtcp(self, data: bytes, now: float) -> None:
        if self.session is not None and not self._liveness.over:
            self.session.on_rtcp(data, now)

    async def _watch(self) -> None:
        before = Counters(time=time.monotonic())
        while not self._liveness.over:
            await asyncio.sleep(WATCH_SECONDS)
            self._observe()
            now = time.monotonic()
            if self.state is PeerState.UP and now - (self.path.transport.arrived_at or 0.0) < WATCH_SECONDS:
                self._heard = self._quality_now()
            self._look_at_address()
            if now - before.time >= self._settings.stats_seconds and self.session is not None:
                after = read_counters(self.session, self.path, now)
                if self.state in (PeerState.UP, PeerState.STALLED) and not self._retired:
                    self._listener.peer_measured(self.user_id, link_stats(before, after))
                before = after

    def _look_at_address(self) -> None:
        """On another network than before: nothing can arrive here any more, so a new connection is needed at once."""
        host = self.path.local_host
        if host is not None and not still_ours(host):
            logger.info("the address of the connection with %s is gone", self.user_id)
            self._fail()

    def _observe(self) -> None:
        transport = self.path.transport
        if self._liveness.observe(time.monotonic(), arrived_at=transport.arrived_at, media=transport.media_arrived):
            self._report()
            if self._liveness.over:
                self._give_up()

    def _path_changed(self) -> None:
        if self.path.checked:
            self._reached("connected")
        state = self.path.state
        if state == "failed":
            self._fail()
        elif state == "closed" and not self._liveness.over and self._goodbye is None:
            self._goodbye = asyncio.get_running_loop().call_later(GOODBYE_SECONDS, self._fail)

    def _fail(self) -> None:
        if self._liveness.fail():
            self._report()
            self._give_up()

    def _give_up(self) -> None:
        """The connection is dead: release what it holds, whether or not somebody closes the peer soon."""
        self._silence()
        if self._finishing is None:
            self._finishing = asyncio.create_task(self._dismantle(), name=f"close {self.user_id}")

    def _report(self) -> None:
        self._listener.peer_changed(self.user_id, self.generation, self.state)

    # --- ending

    def _silence(self) -> None:
        if self._goodbye is not None:
            self._goodbye.cancel()
        self.path.transport.silenced = True
        self.path.transport.on_media = None
        if self.session is not None:
            self.session.close()

    async def _dismantle(self) -> None:
        # A handshake can swallow its cancellation (asyncio.wait_for of Python 3.11): closing the path ends it as well.
        await self._end_tasks(CANCEL_SECONDS)
        await self.path.close()
        await self._end_tasks(CANCEL_SECONDS)
        if await self._decoder.stop() and self.session is not None:
            self.session.release()

    async def _end_tasks(self, seconds: float) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            _, pending = await asyncio.wait(self._tasks, timeout=seconds)
            self._tasks = list(pending)
