"""The simulated world: one real Switchboard, real Lines, a clock and links that the test owns, pretended media."""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterable

from pycall.core.errors import ErrorCode
from pycall.core.wire import (
    ClientMessage,
    Command,
    Goodbye,
    Login,
    MediaSet,
    Reply,
    Welcome,
    decode_from_client,
    decode_from_server,
    encode,
)
from signaling_server.ban import Ban
from signaling_server.fact_log import log_facts
from signaling_server.facts import Fact
from signaling_server.switchboard import Batch, Close, StoredCall, Switchboard, Tell
from tests.sim.office import Office, check_facts
from tests.town_phone import Peer as Peer
from tests.town_phone import Phone as Phone

EPOCH = 1_700_000_000.0
"""What the server's clock shows when the clients' clocks show 0: the two must never be mixed up."""


class Town:
    """Everybody. Messages move only when the test says so: `settle` moves all, `up` and `down` move one."""

    def __init__(self, *users: str) -> None:
        self.now = 0.0
        self.stored: dict[str, StoredCall] = {}
        self.records: list[StoredCall] = []
        self.facts: list[Fact] = []
        """What callbacks are made from."""
        self.office: Office | None = None
        """What is made of them, if a test wants to know."""
        self.answered: set[tuple[str, str, str | None]] = set()
        """Call, user and device of everybody who was ever in a call, as stored."""
        self.heard_sets: dict[tuple[int, str, str, int], deque[float]] = {}
        """When each session was last told of each user's microphone and camera, since they joined the call."""
        self.users: set[str] = set()
        self.bans: dict[str, Ban] = {}
        """As stored."""
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

    def kick(self, user: str) -> bool:
        """An administrator signs this user off; False if that could not be stored."""
        self.switchboard.bans.kick(user, self.unix)
        return self._commit()

    def ban(self, user: str, seconds: float | None = None) -> bool:
        """The same, and keeps them out: for so long, or until `unban`."""
        until = None if seconds is None else self.unix + seconds
        self.switchboard.bans.add(Ban(user_id=user, since=self.unix, until=until, by="administrator"), self.unix)
        return self._commit()

    def unban(self, user: str) -> bool:
        self.switchboard.bans.lift(user, self.unix)
        return self._commit()

    def restart_server(self, *, down_for: float = 0.0) -> None:
        """kill -9 and start again: only what was stored is left. Everybody's socket breaks."""
        self.sessions.clear()
        for phone in self.phones.values():
            phone.drop(noticed=False)
        self._pass(down_for)
        self.switchboard = Switchboard(
            known_users=self.users, calls=self.stored.values(), bans=self.bans.values(), now=self.unix
        )
        self._ring_server()

    def _commit(self) -> bool:
        """Store, then tell; or neither."""
        batch = self.switchboard.drain()
        if self.disk_full and batch.writes:
            self.switchboard.undo()
            return False
        check_facts(self.stored, batch.saved, batch.facts)
        for call in batch.saved:
            self.answered |= {(call.call_id, member.user_id, member.device_id) for member in call.joined()}
            before = self.stored.get(call.call_id)
            assert before is None or before.ended_at is None, "a record is never written again"
            self.stored[call.call_id] = call
            if call.ended_at is not None:
                self.records.append(call)
        for user, ban in batch.bans.items():
            self.bans.pop(user, None)
            self.bans |= {} if ban is None else {user: ban}
        self.facts += batch.facts
        log_facts(batch.facts)
        if self.office is not None:
            self.office.store(batch.facts, self.unix)
        self.users.update(batch.users)
        self._tell(batch)
        return True

    def _tell(self, batch: Batch) -> None:
        for item in batch.tell:
            if isinstance(item, Tell) and isinstance(item.message, MediaSet):
                self._note_set(item.session, item.message)
            phone = self.sessions.get(item.session)
            if isinstance(item, Close):
                self.sessions.pop(item.session, None)
            if phone is not None and phone.session == item.session:
                phone.down.append(item.goodbye if isinstance(item, Close) else item.message)

    def _note_set(self, session: int, message: MediaSet) -> None:
        member = self.stored[message.call_id].member(message.user_id)
        assert member is not None
        times = self.heard_sets.setdefault((session, message.call_id, message.user_id, member.since), deque(maxlen=6))
        times.append(self.unix)
        assert len(times) < 6 or times[-1] - times[0] > 0.999, "five changes a second at most"

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

    def flows(self, sender: str, receiver: Phone) -> bool:
        """Do packets of this user get through to that phone?"""
        return any(self.carries(near, sender, receiver) for near in receiver.ends_of(sender))

    def carries(self, near: Peer, sender: str, receiver: Phone) -> bool:
        """By this connection?"""
        if not near.agreed or (sender, receiver.user_id) in self.cut:
            return False
        phones = (phone for phone in self.phones.values() if phone.user_id == sender)
        ends = ((phone, end) for phone in phones for end in phone.ends_of(receiver.user_id))
        return any(self._meet(near, far, receiver, phone) for phone, far in ends)

    def _meet(self, near: Peer, far: Peer, receiver: Phone, sender: Phone) -> bool:
        if not self.instant_media and (near.partner, far.partner) != (sender.device_id, receiver.device_id):
            return False
        return far.agreed and far.generation == near.generation

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
