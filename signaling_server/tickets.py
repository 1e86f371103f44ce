"""What a ticket allows while its user is signed in, what happens when it runs out, and how it is renewed.

signed in ──── the ticket runs out ───► told, no new calls ──── grace over, no call ───► closed with 4401
    ▲                                         │
    └──── a login with a new ticket ◄─────────┘
"""

from __future__ import annotations

import math

from msgspec.structs import replace

from pycall.core.errors import ErrorCode, LoginError
from pycall.core.types import UserId
from pycall.core.wire import (
    Accept,
    ClientMessage,
    Command,
    IceServer,
    IceServers,
    Invite,
    InviteMore,
    Join,
    Login,
    Renewed,
    Reply,
    TicketExpired,
    Welcome,
)

from .admission import Admission
from .attempts import Attempts
from .clock import Clock
from .closing import goodbye_of
from .session import Session
from .settings import Settings

STARTS = (Invite, InviteMore, Join, Accept)
"""What nobody may do whose ticket has run out; the call that runs goes on."""


class Tickets:
    """Asked about sessions that are signed in."""

    def __init__(self, settings: Settings, clock: Clock, admission: Admission) -> None:
        self._turn = settings.turn
        self._limits = settings.limits
        self._clock = clock
        self._admission = admission
        self._attempts = Attempts(settings.limits)

    def completed(self, session: Session, welcome: Welcome) -> Welcome:
        """With what the switchboard does not know."""
        servers = self._ice_servers(session, welcome.user_id, self._clock.now())
        return replace(welcome, heartbeat=self._limits.heartbeat, ice_servers=servers)

    def _ice_servers(self, session: Session, user_id: UserId, now: float) -> tuple[IceServer, ...]:
        """They are renewed when half their time is over, so that a call always begins with good ones."""
        session.ice_until = now + self._turn.seconds / 2 if self._turn.urls else math.inf
        return self._turn.servers_for(user_id, now)

    def renewed(self, session: Session, login: Login) -> Renewed:
        """A new ticket for the one who is signed in here; anything else changes nothing."""
        app_id = None if session.tenant is None else session.tenant.app.app_id
        try:
            if (login.app_id, login.user_id, login.device_id) != (app_id, session.user_id, session.device_id):
                raise LoginError(ErrorCode.SIG_WRONG_USER, "somebody else is signed in on this connection")
            admitted = self._admission.admit_again(login, session.address)
        except LoginError as error:
            return Renewed(ok=False, code=error.code, message=error.message[:200])
        session.expires_at, session.expired = admitted.expires_at, False
        return Renewed(ok=True)

    def refusal(self, session: Session, message: ClientMessage) -> Reply | None:
        """Why this user may not begin or join a call just now."""
        if not isinstance(message, Command) or not isinstance(message, STARTS):
            return None
        if self._clock.now() >= session.expires_at:
            words = "your UserSig has expired; sign in with a new one first"
            return Reply(req_id=message.req_id, ok=False, code=ErrorCode.SIG_EXPIRED, message=words)
        return self._too_many(session, message) if isinstance(message, Invite | InviteMore) else None

    def _too_many(self, session: Session, invite: Invite | InviteMore) -> Reply | None:
        if session.tenant is None or session.user_id is None:
            return None
        app_id, now = session.tenant.app.app_id, session.heard_at
        wait = self._attempts.wait(app_id, session.user_id, invite.callees, session.address, now)
        if wait == 0.0:
            return None
        words = f"too many calls; try again in {math.ceil(wait)} s"
        return Reply(req_id=invite.req_id, ok=False, code=ErrorCode.TOO_MANY, message=words, retry_after=wait)

    def inspect(self, session: Session, now: float) -> None:
        """Tickets and credentials end while their user stays."""
        if now >= session.expires_at:
            self._expire(session, now)
        elif now >= session.ice_until and session.user_id is not None:
            session.send(IceServers(ice_servers=self._ice_servers(session, session.user_id, now)))

    def _expire(self, session: Session, now: float) -> None:
        if not session.expired:
            session.expired = True
            session.send(TicketExpired(grace=self._limits.ticket_grace))
        elif now >= session.expires_at + self._limits.ticket_grace and not _is_in_call(session):
            session.goodbye(goodbye_of(ErrorCode.SIG_EXPIRED, "the UserSig has expired; make a new one"))


def _is_in_call(session: Session) -> bool:
    tenant, user_id = session.tenant, session.user_id
    return tenant is not None and user_id is not None and tenant.exchange.has_line(user_id)
