"""One client of one user in the simulated world: a real Line, its socket, its pretended media."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pycall.core.errors import ErrorCode
from pycall.core.events import Event
from pycall.core.line import CallState, Line
from pycall.core.line_state import SIGNED_OFF
from pycall.core.outputs import (
    ClosePeer,
    Deliver,
    Emit,
    OpenPeer,
    Output,
    Resolve,
    Send,
    StartMedia,
    StopMedia,
)
from pycall.core.types import CallId, MediaType, PeerState, RoomId
from pycall.core.wire import ClientMessage, Goodbye, Login, ServerMessage, Signal, Signaled, Welcome
from tests.sim.ears import SECRET

if TYPE_CHECKING:
    from tests.town import Town

SILENCE = 3.0
"""Seconds without packets after which a connection reports that it is stalled."""


class Peer:
    """One end of a pretended media connection."""

    def __init__(self, generation: int, offers: bool) -> None:
        self.generation = generation
        self.offers = offers
        self.agreed = False
        self.state = PeerState.CONNECTING
        self.heard_at = 0.0
        self.partner: str | None = None
        """The device at the other end, once it has been heard of."""


class Phone:
    """One client of one user: a Line, its socket, its pretended media."""

    def __init__(self, town: Town, user_id: str, name: str = "") -> None:
        self.town = town
        self.user_id = user_id
        self.name = name or user_id
        self.lives = 0
        self.connect_wanted = True
        self.start_anew()

    def start_anew(self) -> None:
        """The program starts, or starts again after a crash: a new device with an empty memory."""
        self.lives += 1
        self.device_id = f"{self.name}-{self.lives}"
        self.line = Line()
        self.session: int | None = None
        self.up: deque[ClientMessage] = deque()
        self.down: deque[ServerMessage] = deque()
        self.hold_up = self.hold_down = False
        self.log: list[Event | Resolve] = []
        self.asked: set[int] = set()
        self.dialed: dict[int, str] = {}
        """Verbs that begin a call, by request number."""
        self.joined_ringing: set[int] = set()
        """Of these, what answered a ring instead."""
        self.peers: dict[str, Peer] = {}
        self.reserves: dict[str, Peer] = {}
        """Connections that were up and are being replaced: they go on until the new one is up."""
        self.capturing: MediaType | None = None
        self.candidates: list[Signaled] = []
        """That reached a media connection."""

    # --- what a test looks at -----------------------------------------------------------------------------------

    @property
    def events(self) -> list[Event]:
        return [entry for entry in self.log if isinstance(entry, Event)]

    @property
    def answers(self) -> dict[int, ErrorCode | None]:
        """For each verb how it was answered; None: well."""
        resolved = (entry for entry in self.log if isinstance(entry, Resolve))
        return {entry.req_id: None if entry.error is None else entry.error.code for entry in resolved}

    def answer(self, req_id: int) -> Resolve:
        """How this verb was answered."""
        (found,) = [entry for entry in self.log if isinstance(entry, Resolve) and entry.req_id == req_id]
        return found

    def got(self, *kinds: type[Event]) -> list[Event]:
        """The events of these kinds, in order."""
        return [event for event in self.events if isinstance(event, kinds)]

    def names(self) -> list[str]:
        """What the user was told, by name."""
        return [type(event).__name__ for event in self.events]

    # --- verbs --------------------------------------------------------------------------------------------------

    def dial(
        self,
        *callees: str,
        media: MediaType = MediaType.VIDEO,
        timeout: int = 30,
        call_id: str = "",
        room: RoomId | None = None,
        group: str = "",
    ) -> int:
        call_id = call_id or self.town.new_call_id()
        req_id = self.line.dial(
            CallId(call_id),
            callees,
            media,
            timeout=timeout,
            user_data=f"hello, {SECRET}",
            room_id=room,
            chat_group_id=group,
            now=self.town.now,
        )
        self.dialed[req_id] = call_id
        return self._verb(req_id)

    def join(self, call_id: str, *, video: bool = False) -> int:
        rings = self.line.state is CallState.RINGING
        return self._joining(self.line.join(CallId(call_id), video=video, now=self.town.now), call_id, rings)

    def join_room(self, room: RoomId, group: str) -> int:
        call_id, rings = self.town.new_call_id(), self.line.state is CallState.RINGING
        req_id = self.line.join(CallId(call_id), room_id=room, chat_group_id=group, now=self.town.now)
        return self._joining(req_id, call_id, rings)

    def _joining(self, req_id: int, call_id: str, rings: bool) -> int:
        self.dialed[req_id] = call_id
        if rings:
            self.joined_ringing.add(req_id)
        return self._verb(req_id)

    def invite(self, *users: str, timeout: int = 30, user_data: str = "") -> int:
        return self._verb(self.line.invite(users, timeout=timeout, user_data=user_data, now=self.town.now))

    def several_devices(self, enabled: bool) -> int:
        return self._verb(self.line.set_several_devices(enabled, self.town.now))

    def show_as(self, nickname: str, avatar: str = "") -> int:
        return self._verb(self.line.set_self_info(nickname, avatar, self.town.now))

    def accept(self) -> int:
        return self._verb(self.line.accept(self.town.now))

    def reject(self, *, busy: bool = False) -> int:
        return self._verb(self.line.reject(self.town.now, busy=busy))

    def hangup(self) -> int:
        return self._verb(self.line.hangup(self.town.now))

    def switch(self, media: MediaType) -> int:
        return self._verb(self.line.switch_media(media, self.town.now))

    def set_media(self, *, audio: bool | None = None, video: bool | None = None) -> int:
        return self._verb(self.line.set_media(audio=audio, video=video, now=self.town.now))

    def logout(self) -> int:
        self.connect_wanted = False
        return self._verb(self.line.logout(self.town.now))

    def source_failed(self, kind: str, failed: bool) -> None:
        self.line.source_failed("audio" if kind == "audio" else "video", failed, self.town.now)
        self.carry_out()

    def _verb(self, req_id: int) -> int:
        assert req_id not in self.asked, "request numbers never repeat"
        self.asked.add(req_id)
        self.carry_out()
        return req_id

    # --- the link -----------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """A new socket signs in; the welcome is on its way."""
        self.connect_wanted = True
        self.up.clear()
        self.down.clear()
        self.session = self.town.new_session(self)
        login = Login(
            version=1,
            app_id=1,
            user_id=self.user_id,
            user_sig=f"ticket-{SECRET}",
            device_id=self.device_id,
            call_id=self.line.call_id,
            multi_device=self.line.several_devices,
            nickname=self.line.self_info[0],
            avatar=self.line.self_info[1],
        )
        self.town.login(self, login)

    def drop(self, *, noticed: bool = True) -> None:
        """The socket breaks, and with it all that was on its way; the server may not notice yet."""
        session, self.session = self.session, None
        self.up.clear()
        self.down.clear()
        self.hold_up = self.hold_down = False
        if session is not None and noticed:
            self.town.socket_gone(session)
        self.line.link_lost(self.town.now)
        self.carry_out()

    def crash(self) -> None:
        """kill -9: the program is gone, and its socket with it."""
        session, self.session = self.session, None
        self.start_anew()
        self.connect_wanted = False
        if session is not None:
            self.town.socket_gone(session)

    def take(self, message: ServerMessage) -> None:
        """One message arrives."""
        if isinstance(message, Welcome):
            self.line.link_up(message, self.town.now)
        elif isinstance(message, Goodbye):
            assert SECRET not in message.message
            self.session = None
            self.connect_wanted = self.connect_wanted and message.retry
            if message.code in SIGNED_OFF:
                self.line.kicked(self.town.now, message.code)
            else:
                self.line.link_lost(self.town.now)
        else:
            self.line.receive(message, self.town.now)
        self.carry_out()

    # --- what the line wants done -------------------------------------------------------------------------------

    def carry_out(self) -> None:
        for output in self.line.outputs():
            self._act(output)

    def _act(self, output: Output) -> None:
        match output:
            case Send(message):
                assert self.session is not None, "nothing is sent while the link is down"
                self.up.append(message)
            case Emit(event):
                self.log.append(event)
            case Resolve():
                assert output.req_id in self.asked, "only verbs are resolved"
                assert output.req_id not in self.answers, "each verb is resolved once"
                assert output.error is None or SECRET not in output.error.message
                self.log.append(output)
            case StartMedia(media):
                self.capturing = media
            case StopMedia():
                assert self.capturing is not None
                self.capturing = None
            case OpenPeer(user_id, generation, offers):
                self._open(user_id, Peer(generation, offers))
            case ClosePeer(user_id):
                del self.peers[user_id]
                self.reserves.pop(user_id, None)
            case Deliver(signaled):
                self._deliver(signaled)

    # --- pretended media ----------------------------------------------------------------------------------------

    def _open(self, user_id: str, peer: Peer) -> None:
        assert self.capturing is not None, "media connections only in a call"
        assert user_id not in self.peers or self.peers[user_id].generation < peer.generation
        old = self.peers.get(user_id)
        if old is not None and old.state in (PeerState.UP, PeerState.STALLED):
            self.reserves[user_id] = old
        self.peers[user_id] = peer
        peer.agreed = self.town.instant_media
        if peer.offers and not self.town.instant_media:
            self._signal(user_id, peer, "offer")

    def _deliver(self, signaled: Signaled) -> None:
        peer = self.peers.get(signaled.sender)
        assert peer is not None and peer.generation == signaled.generation, "the line sorts out what is stale"
        if signaled.kind == "candidate":
            self.candidates.append(signaled)
            return
        peer.partner = (signaled.sdp or "").rpartition(" ")[2]
        if signaled.kind == "offer" and not peer.offers:
            peer.agreed = True
            self._signal(signaled.sender, peer, "answer")
        elif signaled.kind == "answer" and peer.offers:
            peer.agreed = True

    def _signal(self, to: str, peer: Peer, kind: str) -> None:
        if self.session is not None and self.line.call_id is not None:
            fields = {
                "call_id": self.line.call_id,
                "to": to,
                "generation": peer.generation,
                "sdp": f"{SECRET} {self.device_id}",
            }
            self.up.append(Signal(kind="offer" if kind == "offer" else "answer", **fields))

    def ends_of(self, user_id: str) -> list[Peer]:
        """Of the connections with this user, the newest first."""
        return [ends[user_id] for ends in (self.peers, self.reserves) if user_id in ends]

    def listen(self) -> None:
        """Report what changed about the media of every connection."""
        for user_id in list(self.peers):
            for peer in self.ends_of(user_id):
                self._observe(user_id, peer)

    def _observe(self, user_id: str, peer: Peer) -> None:
        flows = self.town.carries(peer, user_id, self)
        if flows:
            peer.heard_at = self.town.now
        silent = peer.state is PeerState.UP and self.town.now >= peer.heard_at + SILENCE
        state = PeerState.UP if flows else PeerState.STALLED if silent else peer.state
        if state is not peer.state and peer in self.ends_of(user_id):
            self._report(user_id, peer, state)

    def _report(self, user_id: str, peer: Peer, state: PeerState) -> None:
        peer.state = state
        self.line.peer_changed(user_id, peer.generation, state, self.town.now)
        self.carry_out()
        if state is PeerState.UP and self.peers.get(user_id) is peer and user_id in self.reserves:
            self._report(user_id, self.reserves.pop(user_id), PeerState.CLOSED)

    def fail(self, user_id: str) -> None:
        """The connection with this user is dead for good, and it is known here, as when our address is gone."""
        peer = self.peers[user_id]
        peer.agreed = False
        self._report(user_id, peer, PeerState.FAILED)

    def silence_at(self) -> float | None:
        """When a peer that is up but not heard will be reported as stalled."""
        silent = [
            peer.heard_at + SILENCE
            for user_id in self.peers
            for peer in self.ends_of(user_id)
            if peer.state is PeerState.UP and not self.town.carries(peer, user_id, self)
        ]
        return min(silent, default=None)
