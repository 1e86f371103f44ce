"""Whole connections fed with broken descriptions: refused or answered, and no task ends with an error."""

from __future__ import annotations

import asyncio
import gc
import random
from typing import Any

import msgspec

from pycall.core.errors import ErrorCode
from pycall.core.types import PeerState
from pycall.core.wire import Signaled
from tests.rtc.stage import CALL, Stage, next_turn
from tests.rtc.test_descriptions import mutate

MUTANTS = 40


def loop_errors() -> list[dict[str, Any]]:
    """What tasks nobody waits for end with, from now on."""
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: errors.append(context))
    return errors


async def settled(stage: Stage, end: str, other: str) -> PeerState:
    """Wait until a peer has answered, refused or come up."""
    peer, posted = stage.ends[end].mesh.peers[other], len(stage.posted)
    for _ in range(400):
        if peer.negotiation.refused or peer.state is not PeerState.CONNECTING or len(stage.posted) > posted:
            break
        await next_turn()
    return peer.state


async def test_mutated_offers(pair: Stage, offer: str) -> None:
    errors = loop_errors()
    rng, bob = random.Random(4), pair.ends["bob"]
    refused = 0
    for generation in range(MUTANTS):
        bob.mesh.open("alice", generation, offers=False)
        text = mutate(offer, rng)
        bob.mesh.deliver(Signaled(call_id=CALL, sender="alice", kind="offer", generation=generation, sdp=text))
        await settled(pair, "bob", "alice")
        refused += bob.mesh.peers["alice"].negotiation.refused[ErrorCode.BAD_SDP]
    assert 0 < refused < MUTANTS
    await pair.close()
    gc.collect()
    assert errors == []


async def test_mutated_answers(pair: Stage) -> None:
    errors = loop_errors()
    rng, alice = random.Random(9), pair.ends["alice"]

    def spoil(signaled: Signaled) -> Signaled:
        if signaled.kind != "answer" or signaled.sdp is None:
            return signaled
        return Signaled(
            call_id=CALL,
            sender=signaled.sender,
            kind="answer",
            generation=signaled.generation,
            sdp=mutate(signaled.sdp, rng),
        )

    pair.change = spoil
    for generation in range(MUTANTS // 2):
        pair.connect("alice", "bob", generation)
        await settled(pair, "alice", "bob")
        await settled(pair, "alice", "bob")
        await settled(pair, "alice", "bob")
    assert alice.mesh.peers["bob"].generation == MUTANTS // 2 - 1
    await pair.close()
    gc.collect()
    assert errors == []


async def test_a_second_offer_and_an_answer_to_nothing_are_dropped(pair: Stage) -> None:
    alice, bob = pair.ends["alice"], pair.ends["bob"]
    pair.connect("alice", "bob")
    await alice.until_state("bob", PeerState.UP)
    await bob.until_state("alice", PeerState.UP)
    offer, answer = await pair.until_posted("offer"), await pair.until_posted("answer")
    for again in (offer, answer):
        bob.mesh.deliver(again)
        alice.mesh.deliver(again)
    heard = len(bob.heard)
    await bob.until(lambda: len(bob.heard) > heard + 10)
    assert len([signaled for signaled in pair.posted if signaled.kind == "answer"]) == 1


async def test_a_browser_says_the_end_of_candidates_as_an_empty_line(pair: Stage) -> None:
    bob = pair.ends["bob"]
    bob.mesh.open("alice", 0, offers=False)
    for candidate in ("", None):
        bob.mesh.deliver(Signaled(call_id=CALL, sender="alice", kind="candidate", candidate=candidate, sdp_mid="0"))
    pair.ends["alice"].mesh.open("bob", 0, offers=True)
    await bob.until_state("alice", PeerState.UP)
    assert not bob.mesh.peers["alice"].negotiation.refused


async def test_reports_of_reduced_size_are_offered_and_taken_only_if_offered(pair: Stage) -> None:
    stripped = "a=rtcp-rsize\r\n"

    def without(signaled: Signaled) -> Signaled:
        sdp = (signaled.sdp or "").replace(stripped, "") if signaled.kind == "offer" else signaled.sdp
        return msgspec.structs.replace(signaled, sdp=sdp)

    counts = []
    for generation, change in ((0, lambda signaled: signaled), (2, without)):
        pair.change = change
        pair.posted.clear()
        pair.connect("alice", "bob", generation)
        answer = await pair.until_posted("answer")
        counts.append((answer.sdp or "").count(stripped))
    assert counts == [2, 0]
