"""Who may do what: every verb tried by an outsider, a member, one who has left, and a namesake of another app."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pycall.core import wire
from pycall.core.errors import ErrorCode
from pycall.core.types import EndReason, MediaType
from pycall.core.usersig import make_user_sig
from signaling_server.apps import App
from tests.server.raw import REQUESTS, Raw, Room, new_call_id, talking

OpenRoom = Callable[..., Awaitable[Room]]
OTHER_APP, OTHER_KEY = 1400000001, secrets.token_hex(32)
STRANGERS = ["outsider", "ex-member", "namesake"]
VERBS: list[tuple[type[wire.Command], dict[str, Any]]] = [
    (wire.Accept, {}),
    (wire.Reject, {}),
    (wire.SwitchMedia, {"media": MediaType.VIDEO}),
    (wire.SetMedia, {"audio": False, "video": False}),
    (wire.InviteMore, {"callees": ("dave",), "timeout": 30}),
]


class Scene:
    """Alice talks to Bob. Carol has nothing to do with it, Eve was in it, and Bob of another app shares his name."""

    def __init__(self, alice: Raw, bob: Raw, call_id: str, others: dict[str, Raw]) -> None:
        self.alice = alice
        self.bob = bob
        self.call_id = call_id
        self.others = others

    async def nobody_noticed(self) -> None:
        """Nothing was told to the two, and their call goes on as it was."""
        for raw in [self.alice, self.bob]:
            await raw.settle()
        reply = await self.alice.ask(wire.SetMedia, call_id=self.call_id, audio=True, video=False)
        assert reply.ok and reply.call is not None
        assert {member.user_id for member in reply.call.members if member.state.value != "gone"} == {"alice", "bob"}


async def scene(open_room: OpenRoom) -> Scene:
    room = await open_room(more_apps=(App(app_id=OTHER_APP, secret_keys=(OTHER_KEY,)),))
    carol, eve, dave = [await room.user(name) for name in ["carol", "eve", "dave"]]
    alice = await room.user("alice")
    gone = await alice.invite("eve")
    await eve.hear(wire.Invited)
    await alice.hear(wire.Ringing)
    assert (await eve.ask(wire.Accept, call_id=gone)).ok
    await alice.hear(wire.Joined)
    assert (await alice.ask(wire.Hangup, call_id=gone)).ok
    await alice.hear(wire.Ended)
    await eve.hear(wire.Ended)
    twin = await room.open()
    sig = make_user_sig(OTHER_APP, OTHER_KEY, "bob", now=int(time.time()))
    await twin.login("bob", app_id=OTHER_APP, user_sig=sig)
    alice.cut()
    alice, bob, call_id = await talking(room)
    others = {"outsider": carol, "ex-member": eve, "namesake": twin, "dave": dave}
    return Scene(alice, bob, call_id, others)


@pytest.mark.parametrize("who", STRANGERS)
async def test_for_strangers_there_is_no_such_call(open_room: OpenRoom, who: str) -> None:
    here = await scene(open_room)
    stranger = here.others[who]
    for kind, fields in VERBS:
        told = await stranger.ask(kind, call_id=here.call_id, **fields)
        never = await stranger.ask(kind, call_id=new_call_id(), **fields)
        assert (told.ok, told.code, told.message, told.call) == (False, ErrorCode.NO_SUCH_CALL, never.message, None)
    assert (await stranger.ask(wire.Hangup, call_id=here.call_id)).ok, "whoever hangs up is out, or never gets in"
    for to in ["alice", "bob"]:
        for sent in ["offer", "answer", "candidate"]:
            await stranger.say(wire.Signal(call_id=here.call_id, to=to, kind=sent, sdp="v=0"))
        await stranger.say(wire.PeerReport(call_id=here.call_id, user_id=to, up=False))
    await stranger.settle()
    await here.nobody_noticed()
    await here.others["dave"].settle()


@pytest.mark.parametrize("who", STRANGERS)
async def test_nobody_gets_into_a_call_of_two_by_its_id(open_room: OpenRoom, who: str) -> None:
    here = await scene(open_room)
    reply = await here.others[who].ask(wire.Join, call_id=here.call_id)
    assert not reply.ok and reply.call is None
    await here.nobody_noticed()


async def test_one_who_left_a_call_that_goes_on_is_a_stranger_to_it(open_room: OpenRoom) -> None:
    room = await open_room()
    alice, bob, carol = [await room.user(name) for name in ["alice", "bob", "carol"]]
    call_id = new_call_id()
    fields: dict[str, Any] = {"callees": ("bob", "carol"), "media": MediaType.AUDIO, "timeout": 30}
    assert (await alice.ask(wire.Invite, call_id=call_id, **fields)).ok
    for raw in [bob, carol]:
        await until(raw, wire.Invited)
        assert (await asked(raw, wire.Accept, call_id=call_id)).ok
    assert (await asked(carol, wire.Hangup, call_id=call_id)).ok
    for kind, more in VERBS[2:4]:
        assert (await asked(carol, kind, call_id=call_id, **more)).code is ErrorCode.NO_SUCH_CALL
    await carol.say(wire.Signal(call_id=call_id, to="alice", kind="offer", sdp="v=0"))
    await carol.say(wire.PeerReport(call_id=call_id, user_id="alice", up=True))
    await until(alice, wire.Left)
    await alice.settle()


async def asked(raw: Raw, kind: type[wire.Command], **fields: Any) -> wire.Reply:
    """The reply, whatever is told before it."""
    number = next(REQUESTS)
    await raw.say(kind(req_id=number, **fields))
    reply = await until(raw, wire.Reply)
    assert reply.req_id == number
    return reply


async def until(raw: Raw, kind: Any) -> Any:
    while not isinstance(message := wire.decode_from_server((await raw.frame()).data), kind):
        pass
    return message


async def test_an_invitation_is_answered_by_the_invited_only(open_room: OpenRoom) -> None:
    room = await open_room()
    alice, bob, carol = [await room.user(name) for name in ["alice", "bob", "carol"]]
    call_id = await alice.invite("bob")
    await bob.hear(wire.Invited)
    await alice.hear(wire.Ringing)
    for kind in [wire.Accept, wire.Reject]:
        assert (await carol.ask(kind, call_id=call_id)).code is ErrorCode.NO_SUCH_CALL
    assert not (await alice.ask(wire.Accept, call_id=call_id)).ok, "the caller cannot answer for the callee"
    assert not (await alice.ask(wire.Reject, call_id=call_id)).ok
    for raw in [alice, bob]:
        await raw.settle()
    assert (await bob.ask(wire.Accept, call_id=call_id)).ok


async def test_one_who_rings_hears_and_sends_nothing_before_the_answer(open_room: OpenRoom) -> None:
    room = await open_room()
    alice, bob = await room.user("alice"), await room.user("bob")
    call_id = await alice.invite("bob")
    await bob.hear(wire.Invited)
    await alice.hear(wire.Ringing)
    await alice.say(wire.Signal(call_id=call_id, to="bob", kind="offer", sdp="v=0"))
    await bob.say(wire.Signal(call_id=call_id, to="alice", kind="offer", sdp="v=0"))
    await bob.say(wire.PeerReport(call_id=call_id, user_id="alice", up=True))
    for kind, fields in VERBS[2:]:
        assert (await bob.ask(kind, call_id=call_id, **fields)).code is ErrorCode.WRONG_STATE
    await alice.settle()
    await bob.settle()


async def test_a_member_leaves_with_nobody_elses_name(open_room: OpenRoom) -> None:
    here = await scene(open_room)
    sneaky = {"type": "hangup", "req_id": 10**9, "call_id": here.call_id, "user_id": "bob", "sender": "bob"}
    await here.alice.socket.send_str(json.dumps(sneaky))
    assert (await here.alice.hear(wire.Reply)).ok
    ended = await here.bob.hear(wire.Ended)
    assert (ended.user_id, ended.reason) == ("alice", EndReason.HANGUP)


async def test_who_sent_a_signal_is_said_by_the_server(open_room: OpenRoom) -> None:
    here = await scene(open_room)
    forged = {"type": "signal", "call_id": here.call_id, "to": "bob", "kind": "offer", "sdp": "v=0", "sender": "carol"}
    await here.alice.socket.send_str(json.dumps(forged))
    assert (await here.bob.hear(wire.Signaled)).sender == "alice"


async def test_no_client_says_what_only_the_server_says(open_room: OpenRoom) -> None:
    here = await scene(open_room)
    await here.alice.socket.send_str(wire.encode(wire.Pong(id=1)))
    await here.alice.settle()
    await here.bob.settle()


async def test_a_request_number_stands_for_one_request(room: Room) -> None:
    alice, bob = await room.user("alice"), await room.user("bob")
    fields: dict[str, Any] = {"callees": ("bob",), "media": MediaType.AUDIO, "timeout": 30}
    first = wire.Invite(req_id=10**9, call_id=new_call_id(), **fields)
    await alice.say(first)
    assert (await alice.hear(wire.Reply)).ok
    await alice.hear(wire.Ringing)
    await bob.hear(wire.Invited)
    await alice.say(first)
    assert (await alice.hear(wire.Reply)).ok, "the same again has the same answer"
    for other in [
        wire.Invite(req_id=10**9, call_id=new_call_id(), **fields),
        wire.Hangup(req_id=10**9, call_id=first.call_id),
    ]:
        await alice.say(other)
        reply = await alice.hear(wire.Reply)
        assert (reply.req_id, reply.ok, reply.code) == (10**9, False, ErrorCode.REPEATED)
    await bob.settle()
    assert (await bob.ask(wire.Accept, call_id=first.call_id)).ok
