"""What members do while they are in a call: switch media, mute, report what they hear, and signal to each other."""

from __future__ import annotations

from msgspec.structs import replace

from pycall.core.errors import CallError, ErrorCode
from pycall.core.types import MediaType, MemberState, Scene, UserId
from pycall.core.wire import CallView, MediaSet, MediaSwitched, PeerReport, SetMedia, Signal, Signaled, SwitchMedia

from .book import Book, Client
from .bursts import Bursts, Opened
from .ledger import StoredCall, StoredMember, advance, with_member
from .teller import Teller, has_joined, part_of


class InCall:
    """Changes to a call that has more than one member."""

    def __init__(self, book: Book, teller: Teller) -> None:
        self.book = book
        self.teller = teller
        self.bursts = Bursts(book)

    def switch_media(self, client: Client, command: SwitchMedia, now: float) -> CallView:
        """Voice to video or back, for both; asking for video again opens at least one's own camera."""
        call, member = part_of(self.book, client, command.call_id, joined=True)
        if call.scene is not Scene.SINGLE:
            raise CallError(ErrorCode.NOT_SUPPORTED, "a call of more than two cannot be switched as a whole")
        if call.accepted_at is None:
            raise CallError(ErrorCode.WRONG_STATE, "nobody has answered yet; switch once the call is answered")
        if command.media is not call.media:
            call = self.change_media(call, command.media, client.user_id)
        elif command.media.has_video and not member.video:
            call = self._open(call, member, (member.audio, True), now)
        return self.book.view(call, now, client.user_id)

    def change_media(self, call: StoredCall, media: MediaType, by: UserId) -> StoredCall:
        """Only the camera of the one who asked for video opens by itself."""
        members = tuple(replace(member, video=media.has_video and member.user_id == by) for member in call.members)
        old, call = call.media, advance(call, media=media, members=members)
        self.book.put(call)
        for member in members:
            self.bursts.switched(member.user_id, member.video)
        switched = MediaSwitched(call_id=call.call_id, seq=call.seq, old=old, new=media, user_id=by)
        self.teller.tell_joined(call, switched)
        return call

    def set_media(self, client: Client, command: SetMedia, now: float) -> CallView:
        """Microphone and camera of one member; no camera in a voice call (a switch to voice may have crossed this)."""
        call, member = part_of(self.book, client, command.call_id, joined=True)
        opened = (command.audio, command.video and call.media.has_video)
        if opened != (member.audio, member.video):
            call = self._open(call, member, opened, now)
        return self.book.view(call, now, client.user_id)

    def _open(self, call: StoredCall, member: StoredMember, opened: Opened, now: float) -> StoredCall:
        call = advance(call, members=with_member(call, member.user_id, audio=opened[0], video=opened[1]))
        self.book.put(call)
        if self.bursts.take(member, opened, now):
            self._tell_open(call, member.user_id, opened)
        return call

    def tell_held(self, now: float) -> None:
        """What was held back of bursts, and is due, is told as it is now."""
        for user_id in self.bursts.due(now):
            call = self.book.call_of(user_id)
            member = None if call is None else call.member(user_id)
            if call is None or member is None:
                continue
            opened = (member.audio, member.video)
            call = advance(call)
            self.book.put(call)
            self.bursts.told(user_id, opened, now)
            self._tell_open(call, user_id, opened)

    def _tell_open(self, call: StoredCall, user_id: UserId, opened: Opened) -> None:
        change = MediaSet(call_id=call.call_id, seq=call.seq, user_id=user_id, audio=opened[0], video=opened[1])
        self.teller.tell_joined(call, change, but=user_id)

    def report(self, client: Client, report: PeerReport, now: float) -> None:
        """Whether a member hears another; the first who does begins the conversation."""
        call = self.book.find(report.call_id)
        other = None if call is None else call.member(report.user_id)
        if call is None or other is None or other.state is not MemberState.JOINED or not has_joined(call, client):
            self.teller.dropped["report"] += 1
            return
        hears = self.book.hears.get(call.call_id, frozenset())
        pair = {(client.user_id, report.user_id)}
        self.book.journal.put(self.book.hears, call.call_id, hears | pair if report.up else hears - pair)
        if report.up and call.begun_at is None:
            self.book.put(replace(call, begun_at=now))
        self.book.watch(call.call_id)

    def signal(self, client: Client, signal: Signal) -> None:
        """Pass it on, between two who are both in the call; anything else is dropped without a word."""
        call = self.book.find(signal.call_id)
        other = None if call is None else call.member(signal.to)
        if call is None or other is None or other.state is not MemberState.JOINED or not has_joined(call, client):
            self.teller.dropped["signal"] += 1
            return
        signaled = Signaled(
            call_id=call.call_id,
            sender=client.user_id,
            kind=signal.kind,
            generation=signal.generation,
            sdp=signal.sdp,
            candidate=signal.candidate,
            sdp_mid=signal.sdp_mid,
            sdp_m_line_index=signal.sdp_m_line_index,
        )
        self.teller.tell(signal.to, signaled, device_id=other.device_id)
