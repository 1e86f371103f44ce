"""How the stories of the simulated world begin, end, and what they look at."""

from __future__ import annotations

from pycall.core.events import CallBegan, CallEnded, CallNotConnected, Event
from pycall.core.line import CallState
from pycall.core.types import EndReason, MediaType
from tests.sim.invariants import check_always, check_over, check_quiet
from tests.town import Phone, Town


def over(town: Town) -> None:
    """All hang up; ten minutes later nothing is left."""
    check_always(town)
    for phone in town.phones.values():
        if phone.line.state not in (None, CallState.LEAVING):
            phone.hangup()
    town.settle()
    check_always(town)
    town.advance(600)
    check_quiet(town)
    check_over(town)


def ringing(media: MediaType = MediaType.VIDEO, timeout: int = 30) -> Town:
    town = Town("a", "b", "c", "d")
    town["a"].dial("b", media=media, timeout=timeout)
    town.settle()
    return town


def ends(phone: Phone) -> list[tuple[str, EndReason, str]]:
    """Every terminal event as (name, reason, who)."""
    found: list[Event] = phone.got(CallNotConnected, CallEnded)
    return [(type(e).__name__, e.reason, e.user_id) for e in found if isinstance(e, CallNotConnected | CallEnded)]


def talking(media: MediaType = MediaType.VIDEO) -> Town:
    """a has called b, and they talk."""
    town = ringing(media)
    town["b"].accept()
    town.settle()
    assert town["a"].got(CallBegan) and town["b"].got(CallBegan)
    return town


def reasons(town: Town, users: str = "ab") -> list[EndReason]:
    """How the calls of these users ended."""
    return [reason for user in users for _, reason, _ in ends(town[user])]


def kinds(town: Town) -> list[str]:
    """What callbacks say: kind and whom it is about."""
    return [f"{fact.kind.value} {fact.user_id}" for fact in town.facts]


def the_record(town: Town) -> tuple[EndReason | None, str | None]:
    (record,) = town.records
    return record.reason, record.ended_by


def group() -> Town:
    """a, b and c talk."""
    town = Town("a", "b", "c", "d")
    town["a"].dial("b", "c")
    town.settle()
    town["b"].accept()
    town["c"].accept()
    town.settle()
    return town
