"""What the admin page asks for: JSON under `/admin/api/`, for administrators who sign in with a UserSig in a header.

    Authorization: UserSig 1400000000:administrator:eJw…

The rules are those of REST: the same administrators and scopes, the same count of bad tickets, the same body limits.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from .admin_words import (
    BanAsked,
    BanPage,
    BansAsked,
    CallAsked,
    CallNow,
    DeadLetters,
    Hours,
    HoursAsked,
    Letter,
    LettersAsked,
    Me,
    Nothing,
    Now,
    RecordPage,
    RecordsAsked,
    Resend,
    SetTarget,
    SignedOff,
    TargetAsked,
    Targets,
    TargetShown,
    UserAsked,
)
from .apps import Scope
from .ban import Ban
from .callbacks import CallbackError, Generation, NoTarget
from .hourly import hourly
from .ledger import StoredCall
from .limits import Limits
from .listening import Handler
from .metrics import Metrics, state_of
from .outbox import DeadLetter
from .records import RecordFilter
from .rest import Caller, Rest
from .rest_body import decode_body, read_body
from .rest_callbacks import shown_to
from .rest_errors import Fault, RestError
from .rest_query import Query
from .rest_v4 import STATUS
from .rest_v4_calls import end_call as end_by_server
from .rest_v4_words import OneCall
from .shapes import shape_error
from .store import StoreError
from .switchboard import Switchboard

audit = logging.getLogger("signaling_server.audit")

MAX_CALLS_SHOWN = 200
_AUTHORIZATION = re.compile(r"UserSig ([1-9][0-9]{0,15}):([A-Za-z0-9_-]{1,32}):([A-Za-z0-9*_-]{1,4096})")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing the page can ask for; a GET has its question in the query, a POST in the body."""

    method: str
    path: str
    asked: type[Any]
    scope: Scope
    run: Callable[[Caller, Any], Awaitable[Any]]


class AdminApi:
    """All endpoints, behind the sign-in of `rest`."""

    def __init__(self, rest: Rest, limits: Limits, metrics: Metrics) -> None:
        self._rest = rest
        self._limits = limits
        self._metrics = metrics

    def routes(self, method: str) -> dict[str, Handler]:
        """By path."""
        return {f"/admin/api/{one.path}": partial(self._handle, one) for one in ENDPOINTS if one.method == method}

    async def _handle(self, endpoint: Endpoint, request: web.Request) -> web.Response:
        try:
            answer = await self._carry_out(endpoint, request)
        except RestError as error:
            return self._refuse(error)
        except StoreError as error:
            return self._refuse(RestError(Fault.STORAGE, error.message))
        except TimeoutError:
            return self._refuse(RestError(Fault.TOO_LATE, "the server did not get to it in time; try again"))
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    async def _carry_out(self, endpoint: Endpoint, request: web.Request) -> Any:
        caller = self._rest.admit(request, _sign_in_of(request), endpoint.scope)
        if endpoint.method == "GET":
            asked = _decode_query(request, endpoint.asked)
        else:
            asked = decode_body(await read_body(request, self._limits), endpoint.asked)
        answer = await endpoint.run(caller, asked)
        if endpoint.scope is Scope.WRITE:
            app_id, whom = caller.tenant.app.app_id, getattr(asked, "user_id", getattr(asked, "call_id", ""))
            done = f"{endpoint.path} {whom}".rstrip()
            audit.info("admin page: %s by %s of app %d from %s", done, caller.identifier, app_id, caller.address)
        return answer

    def _refuse(self, error: RestError) -> web.Response:
        self._metrics.rejected("http", error.fault.value)
        headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        told = {"error": {"code": error.fault.value.replace(" ", "_"), "message": error.message}}
        response = web.json_response(told, status=STATUS[error.fault], headers=headers)
        if error.fault in {Fault.TOO_BIG, Fault.TOO_LATE}:
            response.force_close()
        return response


def _sign_in_of(request: web.Request) -> Query:
    found = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
    if found is None:
        raise RestError(Fault.TICKET, "sign in: Authorization: UserSig <sdkappid>:<identifier>:<UserSig>")
    return Query(int(found[1]), found[2], found[3])


def _decode_query(request: web.Request, kind: type[Any]) -> Any:
    try:
        return msgspec.convert(dict(request.query), kind, strict=False)
    except msgspec.ValidationError as error:
        raise RestError(Fault.PARAMETER, shape_error(error, kind)) from error


# --- what is asked ----------------------------------------------------------------------------------------------


async def me(caller: Caller, _asked: Nothing) -> Me:
    """Who has signed in, and what they may do."""
    app = caller.tenant.app
    scopes = sorted(scope.value for scope in app.scopes_of(caller.identifier))
    return Me(app_id=app.app_id, identifier=caller.identifier, scopes=tuple(scopes))


async def now(caller: Caller, _asked: Nothing) -> Now:
    """Users and calls at this moment, the newest calls first."""
    online, calls = await caller.tenant.exchange.ask(lambda board, _now: (board.online, board.calls_now()))
    states = dict.fromkeys(("ringing", "connecting", "talking"), 0)
    for call in calls:
        states[state_of(call)] += 1
    calls.sort(key=lambda call: call.created_at, reverse=True)
    outbox = caller.tenant.outbox
    dead, _ = await outbox.dead_letters(per_page=1)
    return Now(
        server_time=caller.now,
        users_online=online,
        states=states,
        calls=tuple(_shown(call) for call in calls[:MAX_CALLS_SHOWN]),
        more=max(0, len(calls) - MAX_CALLS_SHOWN),
        outbox={"waiting": await outbox.waiting(), "dead": dead},
    )


def _shown(call: StoredCall) -> CallNow:
    return CallNow(
        call_id=call.call_id,
        caller=call.caller,
        others=tuple(member.user_id for member in call.members if member.user_id != call.caller),
        media=call.media.value,
        state=state_of(call),
        since=call.begun_at or call.accepted_at or call.created_at,
    )


async def end_call(caller: Caller, asked: CallAsked) -> Nothing:
    """End a call that rings or runs."""
    await end_by_server(caller, OneCall(call_id=asked.call_id))
    return Nothing()


async def kick(caller: Caller, asked: UserAsked) -> SignedOff:
    """Sign a user off everywhere; they may sign in again."""
    return SignedOff(devices=await caller.tenant.exchange.ask(lambda board, now: board.bans.kick(asked.user_id, now)))


async def ban(caller: Caller, asked: BanAsked) -> SignedOff:
    """Sign a user off everywhere and keep them out; a ban of before is replaced."""
    if asked.until is not None and asked.until <= caller.now:
        raise RestError(Fault.PARAMETER, "until lies in the past; it is in Unix seconds")

    def step(board: Switchboard, now: float) -> int:
        return board.bans.add(Ban(user_id=asked.user_id, since=now, until=asked.until, by=caller.identifier), now)

    return SignedOff(devices=await caller.tenant.exchange.ask(step))


async def unban(caller: Caller, asked: UserAsked) -> Nothing:
    """Let a user in again."""
    if not await caller.tenant.exchange.ask(lambda board, now: board.bans.lift(asked.user_id, now)):
        raise RestError(Fault.NO_BAN, "this user is not banned")
    return Nothing()


async def bans(caller: Caller, asked: BansAsked) -> BanPage:
    """Who may not sign in, the newest ban first."""
    found = await caller.tenant.exchange.ask(lambda board, now: board.bans.all(now))
    first = (asked.page - 1) * asked.per_page
    return BanPage(total=len(found), bans=tuple(found[first : first + asked.per_page]))


async def hours(caller: Caller, asked: HoursAsked) -> Hours:
    """Calls and their quality, hour by hour, the last one still running."""
    return Hours(hours=await hourly(caller.tenant.store, caller.now, asked.hours))


async def records(caller: Caller, asked: RecordsAsked) -> RecordPage:
    """One page of the records of calls that are over."""
    wanted = RecordFilter(
        since=asked.start or 0.0,
        until=caller.now if asked.end is None else asked.end,
        result=asked.result,
        single=None if asked.kind is None else asked.kind == "SingleCall",
        page=asked.page,
        per_page=asked.per_page,
    )
    total, found = await caller.tenant.records.by_filter(wanted)
    return RecordPage(total=total, records=tuple(found))


async def targets(caller: Caller, _asked: Nothing) -> Targets:
    """Where callbacks go, for both generations."""
    shown = []
    for generation in Generation:
        target = shown_to(caller, generation)
        known = tuple(sorted(generation.commands))
        if target is None:
            shown.append(TargetShown(generation=generation.value, known=known))
            continue
        shown.append(
            TargetShown(
                generation=generation.value,
                url=target.url,
                commands=target.commands,
                disabled=target.disabled,
                known=known,
            )
        )
    return Targets(targets=tuple(shown))


async def set_target(caller: Caller, asked: SetTarget) -> Nothing:
    """Set where callbacks of one generation go; no commands mean all of them."""
    generation = Generation(asked.generation)
    try:
        await caller.tenant.callbacks.set(generation, asked.url, asked.commands or sorted(generation.commands))
    except CallbackError as error:
        raise RestError(Fault.PARAMETER, error.message[:200]) from error
    return Nothing()


async def delete_target(caller: Caller, asked: TargetAsked) -> Nothing:
    """No callbacks of one generation any more."""
    try:
        await caller.tenant.callbacks.delete(Generation(asked.generation))
    except NoTarget as error:
        raise RestError(Fault.NO_CALLBACK, "none is set") from error
    return Nothing()


async def dead(caller: Caller, asked: LettersAsked) -> DeadLetters:
    """Callbacks that could not be delivered, the newest first."""
    total, letters = await caller.tenant.outbox.dead_letters(page=asked.page, per_page=asked.per_page)
    return DeadLetters(total=total, letters=tuple(map(_letter, letters)))


def _letter(letter: DeadLetter) -> Letter:
    return Letter(
        id=letter.id,
        generation=letter.generation.value,
        event_id=letter.event_id,
        command=letter.command,
        call_id=letter.call_id,
        created_at=letter.created_at,
        attempts=letter.attempts,
        error=letter.error,
        died_at=letter.died_at,
    )


async def resend(caller: Caller, asked: Resend) -> Nothing:
    """Send some of them again."""
    await caller.tenant.outbox.resend(asked.ids, caller.now)
    return Nothing()


ENDPOINTS = (
    Endpoint("GET", "me", Nothing, Scope.READ, me),
    Endpoint("GET", "now", Nothing, Scope.READ, now),
    Endpoint("GET", "hours", HoursAsked, Scope.READ, hours),
    Endpoint("GET", "records", RecordsAsked, Scope.READ, records),
    Endpoint("GET", "callbacks", Nothing, Scope.READ, targets),
    Endpoint("GET", "dead", LettersAsked, Scope.READ, dead),
    Endpoint("GET", "users/bans", BansAsked, Scope.READ, bans),
    Endpoint("POST", "users/kick", UserAsked, Scope.WRITE, kick),
    Endpoint("POST", "users/ban", BanAsked, Scope.WRITE, ban),
    Endpoint("POST", "users/unban", UserAsked, Scope.WRITE, unban),
    Endpoint("POST", "calls/end", CallAsked, Scope.WRITE, end_call),
    Endpoint("POST", "callbacks/set", SetTarget, Scope.WRITE, set_target),
    Endpoint("POST", "callbacks/delete", TargetAsked, Scope.WRITE, delete_target),
    Endpoint("POST", "dead/resend", Resend, Scope.WRITE, resend),
)
