"""REST for the back office: one way for every request from its query string to its answer, for both generations.

query ──► app ──► ticket ──► administrator ──► rate ──► body ──► operation ──► answer
"""

from __future__ import annotations

import logging
import math
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from aiohttp import web

from pycall.core.errors import LoginError
from pycall.core.usersig import check_user_sig

from .addresses import client_address, networks_of
from .admission import Failures
from .apps import Scope
from .clock import Clock
from .limits import KeyedLimit
from .listening import Handler
from .metrics import Metrics
from .rest_body import decode_body, read_body
from .rest_errors import Fault, RestError, of_login
from .rest_query import Query, parse_query
from .settings import Settings
from .store import StoreError
from .tenants import Tenant

audit = logging.getLogger("signaling_server.audit")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, proven by a ticket."""

    tenant: Tenant
    identifier: str
    address: str
    now: float
    """When, in Unix seconds."""
    if_match: str | None = None
    """The tag of what they have read and want to change; `*`: whatever is there."""

    @property
    def writes(self) -> bool:
        """Whether they may change anything."""
        return Scope.WRITE in self.tenant.app.scopes_of(self.identifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One command of the interface."""

    path: str
    summary: str
    request: type[Any]
    """What the body holds."""
    response: Any
    """The type of what is answered; None for nothing."""
    scope: Scope
    rate: int
    """Requests a second of one app."""
    faults: frozenset[Fault] = frozenset()
    """Refusals of its own, beside those of every operation."""
    run: Callable[[Caller, Any], Awaitable[Any]]
    """Raises RestError, StoreError or TimeoutError."""
    tag: Callable[[Caller], str | None] = lambda _: None
    """The `ETag` of what there is now, if it has one."""


EVERYWHERE = frozenset(Fault) - {Fault.NO_CALL, Fault.NO_RECORD, Fault.NO_CALLBACK, Fault.NO_BAN, Fault.CHANGED}
"""Refusals of every operation."""


class Generation(Protocol):
    """How one generation of the interface puts its answers."""

    name: str
    operations: tuple[Operation, ...]

    def answer(self, operation: Operation, request_id: str, data: Any) -> web.Response: ...
    def refuse(self, operation: Operation, request_id: str, error: RestError) -> web.Response: ...

    def answer_types(self, operation: Operation) -> tuple[Any, ...]:
        """What is written with status 200."""

    def refusal_type(self) -> Any:
        """What `refuse` writes."""

    def statuses(self, operation: Operation) -> Iterable[int]:
        """The HTTP statuses of refusals, if they are others than 200."""


class Rest:
    """Every operation of every generation, over the apps of this server."""

    def __init__(
        self,
        settings: Settings,
        tenants: Mapping[int, Tenant],
        clock: Clock,
        failures: Failures,
        metrics: Metrics,
        generations: Iterable[Generation],
    ) -> None:
        self._limits = settings.limits
        self._proxies = networks_of(settings.proxies)
        self._tenants = tenants
        self._clock = clock
        self._failures = failures
        self._metrics = metrics
        self._generations = tuple(generations)
        seconds = 1.0 / self._limits.rest_rate
        self._rates = {op.path: KeyedLimit(op.rate, seconds) for one in self._generations for op in one.operations}

    def routes(self) -> dict[str, Handler]:
        """What to do with a POST, by path."""
        return {op.path: partial(self._handle, one, op) for one in self._generations for op in one.operations}

    async def _handle(self, generation: Generation, operation: Operation, request: web.Request) -> web.Response:
        request_id = secrets.token_hex(16)
        try:
            data, tag = await self._carry_out(operation, request)
            answer = generation.answer(operation, request_id, data)
            if tag is not None:
                answer.headers["ETag"] = f'"{tag}"'
            return answer
        except RestError as error:
            refusal = error
        except StoreError as error:
            refusal = RestError(Fault.STORAGE, error.message)
        except TimeoutError:
            refusal = RestError(Fault.TOO_LATE, "the server did not get to it in time; try again")
        self._metrics.rejected("http", refusal.fault.value)
        logger.info("%s refused: %s", operation.path, refusal.fault.value)
        response = generation.refuse(operation, request_id, refusal)
        if refusal.fault in {Fault.TOO_BIG, Fault.TOO_LATE}:
            response.force_close()
        return response

    async def _carry_out(self, operation: Operation, request: web.Request) -> tuple[Any, str | None]:
        caller = self.admit(request, parse_query(request.rel_url.raw_query_string), operation.scope)
        self._check_rate(operation, caller.tenant.app.app_id)
        asked = decode_body(await read_body(request, self._limits), operation.request)
        data = await operation.run(caller, asked)
        if operation.scope is Scope.WRITE:
            app_id = caller.tenant.app.app_id
            audit.info("%s by %s of app %d from %s", operation.path, caller.identifier, app_id, caller.address)
        return data, operation.tag(caller)

    def admit(self, request: web.Request, query: Query, scope: Scope) -> Caller:
        """Who asks, if the ticket is good and its owner may do this; raises RestError."""
        caller = self._authenticated(query, client_address(request, self._proxies), scope)
        wanted = request.headers.get("If-Match")
        return caller if wanted is None else replace(caller, if_match=wanted.strip().strip('"'))

    def _authenticated(self, query: Query, address: str, scope: Scope) -> Caller:
        tenant = self._tenants.get(query.app_id)
        now = self._clock.now()
        try:
            if tenant is None:
                raise RestError(Fault.UNKNOWN_APP, f"this server does not serve the app {query.app_id}")
            self._check_ticket(tenant, query, now)
        except RestError as error:
            if self._failures.add(address, query.app_id, query.identifier):
                wait = math.ceil(self._limits.penalty)
                message = "too many bad tickets; try again in a minute"
                raise RestError(Fault.FAILURES, message, retry_after=wait) from error
            raise
        if scope not in tenant.app.scopes_of(query.identifier):
            raise RestError(Fault.NOT_ADMIN, "the identifier is no administrator who may do this")
        return Caller(tenant, query.identifier, address, now)

    def _check_ticket(self, tenant: Tenant, query: Query, now: float) -> None:
        try:
            check_user_sig(
                query.user_sig,
                app_id=tenant.app.app_id,
                secret_keys=tenant.app.secret_keys,
                user_id=query.identifier,
                now=now,
                max_expire=self._limits.ticket_seconds,
            )
        except LoginError as error:
            raise of_login(error) from error

    def _check_rate(self, operation: Operation, app_id: int) -> None:
        if not self._rates[operation.path].take(app_id, time.monotonic()):
            rate = operation.rate * self._limits.rest_rate
            raise RestError(Fault.RATE, f"at most {rate:g} requests a second", retry_after=max(1, math.ceil(1 / rate)))
