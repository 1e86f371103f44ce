"""Runs a Line: takes one input after the other, carries out what it wants done, and keeps its timer.

    verbs, messages, link changes, peer changes, source failures, the timer
        └─► inbox ─► Line ─► outputs ─► socket, mesh, media, events ─► timer armed at `deadline()`

The driver is the only caller of the Line. Every input is taken at once, on the event loop; one that comes while
another is being carried out (a peer that fails while it is opened) waits its turn in the inbox. Nothing that fails
while outputs are carried out interrupts them: it becomes an input or an `ErrorOccurred`.

Closing order, each step with an end of its own and each harmless when repeated: the engine takes no more verbs; the
driver signs out, which leaves the call; the timer; per call the mesh (no more packets), then uplink and downlink, then
devices, files and threads; then the WebSocket; last the engine's listeners, who so hear of everything above.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from pycall.answers import Answers
from pycall.call_media import CallMedia, Kind
from pycall.config import EngineConfig
from pycall.core.call import CallState
from pycall.core.errors import ErrorCode, LoginError, PyCallError
from pycall.core.events import (
    CallEnded,
    CallQuality,
    CallReceived,
    ErrorOccurred,
    Event,
    RecordingEnded,
    UserSigExpired,
    UserVideoAvailable,
)
from pycall.core.line import Line
from pycall.core.line_state import SIGNED_OFF
from pycall.core.outputs import ClosePeer, Deliver, Emit, OpenPeer, Output, Resolve, Send, StartMedia, StopMedia
from pycall.core.types import DeviceKind, LinkStats, MediaType, PeerState, UserId
from pycall.core.wire import (
    Goodbye,
    IceServer,
    IceServers,
    Records,
    ServerMessage,
    Signal,
    TicketExpired,
    Welcome,
)
from pycall.device_desk import DeviceDesk
from pycall.gear import Gear
from pycall.look_ahead import LookAhead
from pycall.memory import give_back
from pycall.open_call import OpenCall
from pycall.record_desk import RecordDesk
from pycall.rtc.hardware import probe
from pycall.rtc.w3c import Statistics
from pycall.rtc.warm import warm_up
from pycall.signaling.client import SignalingClient

log = logging.getLogger(__name__)

LEAVE_SECONDS = 1.0
"""How long signing out may wait for the server's word."""
_TALKING = (CallState.CONNECTED, CallState.RECONNECTING)


class Driver:
    """One engine's line, with its socket and media. `tell` takes events; it must return at once."""

    def __init__(self, config: EngineConfig, gear: Gear, tell: Callable[[Event], None]) -> None:
        self.config = config
        self.gear = gear
        self.devices = DeviceDesk(gear, tell, lambda: self.media)
        self.line = Line(connect_timeout=config.connect_timeout)
        self.signed_in = False
        self._tell = tell
        self._client = self._new_client()
        self._inbox: deque[Callable[[float], object]] = deque()
        self._draining = False
        self._answers = Answers(config.reply_timeout)
        self._timer: asyncio.TimerHandle | None = None
        self.records = RecordDesk(lambda message: self._client.send(message), config.reply_timeout)
        self._call: OpenCall | None = None
        self._quality: CallQuality | None = None
        """Of the call that ended last, until it is told."""
        self._closing: set[asyncio.Task[None]] = set()
        self._ahead = LookAhead(gear, self._closing)
        self._signing_out = False
        self._granted: tuple[IceServer, ...] = ()
        self._expired = False
        """The user was told that the ticket has run out."""

    @property
    def ticket_expired(self) -> bool:
        """The ticket has run out, and no new one has come."""
        return self._expired

    # --- verbs ---------------------------------------------------------------------------------------------------

    async def login(self, user_id: UserId, user_sig: str) -> None:
        """Raises `LoginError`, `SignalingError` or, for a source that is no media file, `MediaError`."""
        if self.line.state is None:  # in a call nothing is opened any more, and a new ticket is what counts
            await asyncio.to_thread(self.gear.check_files)
        if self.line.user_id not in (None, user_id):
            self._forget_user()
        if self.signed_in:  # a new ticket, so a new connection; the old one ends without a word
            self.signed_in = False
            self._take(self.line.link_lost)
        if self.config.hardware:
            self.gear.encoders = await asyncio.to_thread(probe)
        await asyncio.to_thread(warm_up)
        await self._client.login(user_id, user_sig)

    async def ask(self, step: Callable[[float], int]) -> Resolve:
        """Give the Line an intent and wait for its answer; raises what refused it, or `SignalingError`."""
        req_id = step(asyncio.get_running_loop().time())
        self._answers.expect(req_id)
        self._drain()
        return await self._answers.wait(req_id)

    def leave(self) -> None:
        """Hang up without waiting, if there is a call."""
        if self.line.state not in (None, CallState.LEAVING):
            self._take(self.line.hangup)

    async def logout(self) -> None:
        """Leave any call and sign out, within about two seconds whether or not the server answers."""
        if self.signed_in:
            self._signing_out = True
            try:
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self.ask(self.line.logout)
            except (PyCallError, TimeoutError) as error:
                log.info("signing out without the server's word: %s", error)
        await self._client.close()
        if self.signed_in or self.line.state is not None:
            self._take(self.line.link_lost)
            self.leave()
        self.signed_in = self._signing_out = False

    @property
    def media(self) -> CallMedia | None:
        """Sound and picture of the call, once it needs them."""
        return None if self._call is None else self._call.media

    async def check(self, media: MediaType) -> None:
        """Raises if a source or sink for such a call cannot be; waits until an earlier call has let go of them."""
        await self._ahead.check(media)

    async def aclose(self) -> None:
        """See the module's docstring."""
        await self.logout()
        self._end_call()
        if self._timer is not None:
            self._timer.cancel()
        await self.devices.aclose()
        await self._ahead.aclose()
        if self._closing:
            await asyncio.wait(self._closing)

    # --- inputs: signaling -----------------------------------------------------------------------------------------

    def _new_client(self) -> SignalingClient:
        return SignalingClient(
            self.config.server,
            self.config.app_id,
            on_welcome=self._welcomed,
            on_message=self._received,
            on_lost=self._lost,
            on_goodbye=self._dismissed,
        )

    def _forget_user(self) -> None:
        """Another user begins with a line and a device of their own."""
        self.line = Line(connect_timeout=self.config.connect_timeout)
        self._client = self._new_client()

    def granted_servers(self) -> tuple[IceServer, ...]:
        """STUN and TURN servers that the signaling server lets us use at the moment."""
        return self._granted

    def _welcomed(self, welcome: Welcome) -> None:
        self._granted = welcome.ice_servers
        self.signed_in = True
        self._expired = False
        self._take(lambda now: self.line.link_up(welcome, now))

    def _received(self, message: ServerMessage) -> None:
        if isinstance(message, TicketExpired):
            self._ticket_expired()
            return
        if isinstance(message, Records):
            self.records.answered(message)
            return
        if isinstance(message, IceServers):
            self._granted = message.ice_servers
            return
        self._take(lambda now: self.line.receive(message, now))

    def _ticket_expired(self) -> None:
        """Told once per ticket; the call that runs goes on."""
        if not self._expired:
            self._expired = True
            self._tell(UserSigExpired())

    def _lost(self) -> None:
        self.records.lost()
        if not self._signing_out:
            self._take(self.line.link_lost)

    def _dismissed(self, goodbye: Goodbye) -> None:
        """The server closed for good; only a new login helps."""
        self.signed_in = False
        if goodbye.code in SIGNED_OFF:
            self._take(lambda now: self.line.kicked(now, goodbye.code))
            return
        if goodbye.code is ErrorCode.SIG_EXPIRED:
            self._ticket_expired()
        else:
            self._tell(ErrorOccurred(goodbye.code, goodbye.message))
        self._take(self.line.link_lost)

    # --- inputs: peers (PeerListener) and media (MediaListener) ------------------------------------------------------

    def peer_changed(self, user_id: UserId, generation: int, state: PeerState) -> None:
        self._take(lambda now: self.line.peer_changed(user_id, generation, state, now))

    def peer_signals(self, signal: Signal) -> None:
        if not self._client.send(signal):
            log.debug("a %s was not sent: the link is down", signal.kind)

    def peer_measured(self, user_id: UserId, stats: LinkStats) -> None:
        if self._call is not None:
            self._call.reports.measured(user_id, stats)

    def source_changed(self, kind: Kind, error: PyCallError | None) -> None:
        if error is not None:
            self.media_failed(error)
        self._take(lambda now: self.line.source_failed(kind, error is not None, now))

    def device_lost(self, kind: DeviceKind, error: PyCallError) -> bool:
        return self.devices.lost(kind, error)

    def media_failed(self, error: PyCallError) -> None:
        log.warning("%s", error)
        self._tell(ErrorOccurred(error.code, str(error)))

    def recording_ended(self, event: RecordingEnded) -> None:
        self._tell(event)

    def statistics(self) -> dict[UserId, Statistics]:
        """What the connections of the call have counted; empty without a call."""
        return {} if self._call is None else self._call.mesh.statistics()

    # --- the loop --------------------------------------------------------------------------------------------------

    def _take(self, step: Callable[[float], object]) -> None:
        self._inbox.append(step)
        if not self._draining:
            self._drain()

    def _drain(self) -> None:
        now = asyncio.get_running_loop().time()
        self._draining = True
        try:
            self._carry_out()
            while self._inbox:
                self._inbox.popleft()(now)
                self._carry_out()
        finally:
            self._draining = False
        self._settle()
        self._arm()

    def _carry_out(self) -> None:
        for output in self.line.outputs():
            try:
                self._act(output)
            except PyCallError as error:
                self.media_failed(error)

    def _act(self, output: Output) -> None:
        match output:
            case Send(message):
                self._client.send(message)
            case Emit(event):
                self._announce(event)
                if isinstance(event, CallReceived):
                    self._ahead.begin(event.media)
            case Resolve():
                self._answers.came(output)
            case OpenPeer(user_id, generation, offers):
                self._the_call().mesh.open(user_id, generation, offers=offers)
            case Deliver(signaled):
                self._the_call().mesh.deliver(signaled)
            case StartMedia():
                self.devices.call_begins()
                self._the_call().media.start()
            case ClosePeer(user_id):
                if self._call is not None:
                    self._call.close_peer(user_id)
            case StopMedia():
                self._end_call()

    def _announce(self, event: Event) -> None:
        """How a call was is told right before it is said to be over."""
        if isinstance(event, UserVideoAvailable) and self._call is not None:
            self._call.mesh.camera_changed(event.user_id, event.available)
        if isinstance(event, CallEnded) and self._quality is not None and self._quality.call_id == event.call_id:
            self._tell(self._quality)
            self._quality = None
        self._tell(event)

    def _settle(self) -> None:
        """Bring everything that follows from the Line's state in line with it."""
        line, call = self.line, self._call
        self._client.call_id = line.call_id
        self._client.several_devices, self._client.self_info = line.several_devices, line.self_info
        if call is None:
            return
        if line.call_id != call.call_id:
            self._end_call()
            return
        call.media.set_open(audio=line.audio_open, video=line.video_open)
        if line.state in _TALKING:
            call.reports.start(self.config.volume_interval, self.config.quality_interval)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self.line.deadline()
        if deadline is not None:
            self._timer = asyncio.get_running_loop().call_at(deadline, self._take, self.line.handle_timer)

    # --- the call's own things -----------------------------------------------------------------------------------

    def _the_call(self) -> OpenCall:
        if self._call is not None and self._call.call_id != self.line.call_id:
            self._end_call()
        if self._call is None:
            self._call = self._new_call()
        return self._call

    def _new_call(self) -> OpenCall:
        call_id, own = self.line.call_id, self.line.user_id
        if call_id is None or own is None:
            raise LoginError(ErrorCode.NOT_LOGGED_IN, "there is no call to open media for")
        media = self.line.media or MediaType.AUDIO
        return OpenCall(call_id, own, media, self.gear, self, self._tell, self.config)

    def _end_call(self) -> None:
        call, self._call = self._call, None
        if call is None:
            return
        self._quality = call.quality()
        call.hush()
        task = asyncio.create_task(_close(call), name="call closing")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close(call: OpenCall) -> None:
    """What it leaves behind can only be given back when nobody holds it any more."""
    await call.aclose()
    del call
    await asyncio.to_thread(give_back)
