"""How the stories of calls of many begin, and what they look at."""

from __future__ import annotations

from pycall.core.events import UserJoined, UserLeft, UserLineBusy, UserNoResponse, UserRejected
from pycall.core.types import EndReason
from tests.sim.invariants import check_quiet
from tests.town import Town

DECLINED = {UserRejected: "rejected", UserNoResponse: "no answer", UserLineBusy: "busy"}


def ringing(callees: str = "bc", users: str = "abcd", **options: object) -> Town:
    town = Town(*users)
    town["a"].dial(*callees, **options)  # type: ignore[arg-type]
    town.settle()
    return town


def talking(callees: str = "bc", users: str = "abcd", **options: object) -> Town:
    """a has called all of these, and all have answered."""
    town = ringing(callees, users, **options)
    for user in callees:
        town[user].accept()
        town.settle()
    check_quiet(town)
    return town


def after(town: Town, seconds: float) -> None:
    """Everything on its way arrives, then time passes."""
    town.settle()
    town.advance(seconds)


def joined(town: Town, user: str) -> list[str]:
    """Whom this user was told to be in the call, in order."""
    return [event.user_id for event in town[user].got(UserJoined) if isinstance(event, UserJoined)]


def left(town: Town, user: str) -> list[tuple[str, EndReason]]:
    return [(event.user_id, event.reason) for event in town[user].got(UserLeft) if isinstance(event, UserLeft)]


def declined(town: Town, user: str) -> list[tuple[str, str]]:
    """Who will not come and why, as this user was told."""
    found = town[user].got(*DECLINED)
    return [(getattr(event, "user_id", ""), DECLINED[type(event)]) for event in found]
