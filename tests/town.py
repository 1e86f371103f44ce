"""The simulated world: one real Switchboard, real Lines, a clock and links that the test owns, pretended media."""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterable

from pycall.core.errors import ErrorCode
from pycall.core.events import Event
from pycall.core.line import Line
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
from pycall.core.types import CallId, MediaType, PeerState
from pycall.core.wire import (
    ClientMessage,
    Command,
    Goodbye,
    Login,
    Reply,
    ServerMessage,
    Signal,
    Signaled,
    Welcome,
    decode_from_client,
    decode_from_server,
    encode,
)
from signaling_server.switchboard import Batch, Close, StoredCall, Switchboard

EPOCH = 1_700_000_000.0
"""What the server's clock shows when the clients' clocks show 0: the two must never be mixed up."""
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
        self.peers: dict[str, Peer] = {}
        self.early: list[Signaled] = []
        self.capturing: MediaType | None = None

    # --- what a test looks at -----------------------------------------------------------------------------------

    @property
    def events(self) -> list[Event]:
        return [entry for entry in self.log if isinstance(entry, Event)]

    @property
    def answers(self) -> dict[int, ErrorCode | None]:
        """For each verb how it was answered; None: well."""
        resolved = (entry for entry in self.log if isinstance(entry, Resolve))
        return {entry.req_id: None if entry.error is None else entry.error.code for entry in resolved}

    def got(self, *kinds: type[Event]) -> list[Event]:
        """The events of these kinds, in order."""
        return [event for event in self.events if isinstance(event, kinds)]

    def names(self) -> list[str]:
        """What the user was told, by name."""
        return [type(event).__name__ for event in self.events]

    # --- verbs --------------------------------------------------------------------------------------------------

    def dial(self, *callees: str, media: MediaType = MediaType.VIDEO, timeout: int = 30, call_id: str = "") -> int:
        call_id = call_id or self.town.new_call_id()
        req_id = self.line.dial(CallId(call_id), callees, media, timeout=timeout, user_data="hello", now=self.town.now)
        self.dialed[req_id] = call_id
        return self._verb(req_id)

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
            user_sig="",
            device_id=self.device_id,
            call_id=self.line.call_id,
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
            self.session = None
            self.connect_wanted = self.connect_wanted and message.retry
            if message.code is ErrorCode.KICKED:
                self.line.kicked(self.town.now)
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
            case Deliver(signaled):
                self._deliver(signaled)

    # --- pretended media ----------------------------------------------------------------------------------------

    def _open(self, user_id: str, peer: Peer) -> None:
        assert self.capturing is not None, "media connections only in a call"
        assert user_id not in self.peers or self.peers[user_id].generation < peer.generation
        self.peers[user_id] = peer
        peer.agreed = self.town.instant_media
        if peer.offers and not self.town.instant_media:
            self._signal(user_id, peer, "offer")

    def _deliver(self, signaled: Signaled) -> None:
        peer = self.peers.get(signaled.sender)
        assert peer is not None and peer.generation == signaled.generation, "the line sorts out what is stale"
        if signaled.kind == "offer" and not peer.offers:
            peer.agreed = True
            self._signal(signaled.sender, peer, "answer")
        elif signaled.kind == "answer" and peer.offers:
            peer.agreed = True

    def _signal(self, to: str, peer: Peer, kind: str) -> None:
        if self.session is not None and self.line.call_id is not None:
            fields = {"call_id": self.line.call_id, "to": to, "generation": peer.generation, "sdp": "v=0"}
            self.up.append(Signal(kind="offer" if kind == "offer" else "answer", **fields))

    def listen(self) -> None:
        """Report what changed about the media of every peer."""
        for user_id, peer in list(self.peers.items()):
            flows = self.town.flows(user_id, self.user_id)
            if flows:
                peer.heard_at = self.town.now
            silent = peer.state is PeerState.UP and self.town.now - peer.heard_at >= SILENCE
            state = PeerState.UP if flows else PeerState.STALLED if silent else peer.state
            if state is not peer.state:
                peer.state = state
                self.line.peer_changed(user_id, peer.generation, state, self.town.now)
                self.carry_out()

    def silence_at(self) -> float | None:
        """When a peer that is up but not heard will be reported as stalled."""
        silent = [
            peer.heard_at + SILENCE
            for user_id, peer in self.peers.items()
            if peer.state is PeerState.UP and not self.town.flows(user_id, self.user_id)
        ]
        return min(silent, default=None)


class Town:
    """Everybody. Messages move only when the test says so: `settle` moves all, `up` and `down` move one."""

    def __init__(self, *users: str) -> None:
        self.now = 0.0
        self.stored: dict[str, StoredCall] = {}
        self.records: list[StoredCall] = []
        self.users: set[str] = set()
        self.disk_full = False
        self.instant_media = False
        """Media connections agree without offer and answer."""
        self.twice = False
        """Every message is delivered twice."""
        self.cut: set[tuple[str, str]] = set()
        """Directions (from, to) in which no media gets through."""
        self.sessions: dict[int, Phone] = {}
        self._last_session = 0
        self._last_call = 0
        self.switchboard = Switchboard(now=EPOCH)
        self.phones = {user: Phone(self, user) for user in users}
        for phone in self.phones.values():
            phone.connect()
        self.settle()

    def __getitem__(self, user: str) -> Phone:
        return self.phones[user]

    def another(self, user: str) -> Phone:
        """A second program of the same user; not connected yet. `town[user]` stays the first."""
        phone = Phone(self, user, f"{user}{len(self.phones)}")
        phone.connect_wanted = False
        self.phones[phone.name] = phone
        return phone

    def copy(self) -> Town:
        """The same world once more."""
        twin = pickle.loads(pickle.dumps(self))
        assert isinstance(twin, Town)
        return twin

    @property
    def unix(self) -> float:
        return EPOCH + self.now

    def new_call_id(self) -> str:
        self._last_call += 1
        return f"{self._last_call:032x}"

    def new_session(self, phone: Phone) -> int:
        self._last_session += 1
        self.sessions[self._last_session] = phone
        return self._last_session

    # --- the server ---------------------------------------------------------------------------------------------

    def login(self, phone: Phone, login: Login) -> None:
        session = phone.session
        assert session is not None
        self.switchboard.connect(session, login, self.unix)
        if not self._commit():
            phone.drop()

    def socket_gone(self, session: int) -> None:
        self.sessions.pop(session, None)
        self.switchboard.disconnect(session, self.unix)
        self._commit()

    def deliver(self, phone: Phone, session: int, message: ClientMessage) -> None:
        """One message reaches the server, as bytes would."""
        self.switchboard.receive(session, decode_from_client(encode(message)), self.unix)
        if not self._commit() and isinstance(message, Command):
            refusal = Reply(req_id=message.req_id, ok=False, code=ErrorCode.STORAGE, message="try again")
            phone.down.append(refusal)

    def restart_server(self, *, down_for: float = 0.0) -> None:
        """kill -9 and start again: only what was stored is left. Everybody's socket breaks."""
        self.sessions.clear()
        for phone in self.phones.values():
            phone.drop(noticed=False)
        self._pass(down_for)
        self.switchboard = Switchboard(known_users=self.users, calls=self.stored.values(), now=self.unix)
        self._ring_server()

    def _commit(self) -> bool:
        """Store, then tell; or neither."""
        batch = self.switchboard.drain()
        if self.disk_full and (batch.saved or batch.users):
            self.switchboard.undo()
            return False
        for call in batch.saved:
            before = self.stored.get(call.call_id)
            assert before is None or before.ended_at is None, "a record is never written again"
            self.stored[call.call_id] = call
            if call.ended_at is not None:
                self.records.append(call)
        self.users.update(batch.users)
        self._tell(batch)
        return True

    def _tell(self, batch: Batch) -> None:
        for item in batch.tell:
            phone = self.sessions.get(item.session)
            if isinstance(item, Close):
                self.sessions.pop(item.session, None)
            if phone is not None and phone.session == item.session:
                phone.down.append(item.goodbye if isinstance(item, Close) else item.message)

    # --- movement -----------------------------------------------------------------------------------------------

    def up(self, phone: Phone) -> bool:
        """The oldest message of this phone reaches the server."""
        if not phone.up or phone.session is None:
            return False
        message, session = phone.up.popleft(), phone.session
        for _ in range(2 if self.twice else 1):
            self.deliver(phone, session, message)
        return True

    def down(self, phone: Phone) -> bool:
        """The oldest message for this phone reaches it."""
        if not phone.down:
            return False
        message = decode_from_server(encode(phone.down.popleft()))
        for _ in range(2 if self.twice and not isinstance(message, Welcome | Goodbye) else 1):
            phone.take(message)
        return True

    def settle(self) -> None:
        """Everything on its way arrives, except on links that are held."""
        for _ in range(2000):
            moved = False
            for phone in self.phones.values():
                moved = (not phone.hold_up and self.up(phone)) or moved
                moved = (not phone.hold_down and self.down(phone)) or moved
                phone.listen()
            if not moved:
                return
        raise AssertionError("messages never stop")

    def release(self) -> None:
        """Nothing is held any more."""
        for phone in self.phones.values():
            phone.hold_up = phone.hold_down = False
        self.settle()

    def flows(self, sender: str, receiver: str) -> bool:
        """Do packets get through in this direction?"""
        ends = [self._end(sender, receiver), self._end(receiver, sender)]
        far, near = ends
        if far is None or near is None or (sender, receiver) in self.cut:
            return False
        return far.generation == near.generation and far.agreed and near.agreed

    def _end(self, user: str, other: str) -> Peer | None:
        return next((p.peers[other] for p in self.phones.values() if p.user_id == user and other in p.peers), None)

    # --- time ---------------------------------------------------------------------------------------------------

    def advance(self, seconds: float, *, each: Callable[[], None] | None = None) -> None:
        """Time passes; whatever is due happens when it is due, and all messages arrive."""
        until = self.now + seconds
        for _ in range(5000):
            following = min((at for at in self._deadlines() if at <= until), default=None)
            if following is None:
                break
            self.now = max(self.now, following)
            self._ring_bells()
            self.settle()
            if each is not None:
                each()
        else:
            raise AssertionError("timers never stop")
        self.now = until
        self.settle()

    def _pass(self, seconds: float) -> None:
        """Time passes with the server away."""
        until = self.now + seconds
        phones = list(self.phones.values())
        while (following := min((at for at in _times(phones) if at <= until), default=None)) is not None:
            self.now = max(self.now, following)
            for phone in phones:
                phone.line.handle_timer(self.now)
                phone.carry_out()
                phone.listen()
        self.now = until

    def _deadlines(self) -> Iterable[float]:
        server = self.switchboard.deadline()
        if server is not None:
            yield server - EPOCH
        yield from _times(list(self.phones.values()))

    def _ring_server(self) -> None:
        due = self.switchboard.deadline()
        if due is not None and due <= self.unix:
            self.switchboard.handle_timer(self.unix)
            self._commit()

    def _ring_bells(self) -> None:
        self._ring_server()
        for phone in self.phones.values():
            phone.line.handle_timer(self.now)
            phone.carry_out()
            phone.listen()


def _times(phones: list[Phone]) -> Iterable[float]:
    for phone in phones:
        yield from (at for at in (phone.line.deadline(), phone.silence_at()) if at is not None)
