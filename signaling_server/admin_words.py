"""The questions and answers of the admin page. Times are Unix seconds."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from pycall.core.bounds import CallIdText, Id

from .ban import LATEST, Ban
from .hourly import Hour
from .record_rows import CallResult, Record

Page = Annotated[int, Meta(ge=1, le=1_000_000)]
PerPage = Annotated[int, Meta(ge=1, le=100)]
Time = Annotated[float, Meta(ge=0, le=1e11)]
GenerationNumber = Literal[1, 4]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Base of them all."""


class Nothing(Said, frozen=True, kw_only=True):
    """Nothing is asked, or there is nothing to tell."""


class Me(Said, frozen=True, kw_only=True):
    """Who has signed in."""

    app_id: int
    identifier: str
    scopes: tuple[str, ...]


class CallNow(Said, frozen=True, kw_only=True):
    """A call that rings or runs."""

    call_id: str
    caller: str
    others: tuple[str, ...]
    media: str
    state: str
    since: float
    """When that state began."""


class Now(Said, frozen=True, kw_only=True):
    """This moment."""

    server_time: float
    users_online: int
    states: dict[str, int]
    calls: tuple[CallNow, ...]
    more: int
    """Calls that are not listed."""
    outbox: dict[str, int]


class CallAsked(Said, frozen=True, kw_only=True):
    """One call."""

    call_id: CallIdText


class UserAsked(Said, frozen=True, kw_only=True):
    """One user."""

    user_id: Id


class SignedOff(Said, frozen=True, kw_only=True):
    """On how many devices the user was signed in."""

    devices: int


class BanAsked(UserAsked, frozen=True, kw_only=True):
    """Keep this user out."""

    until: Annotated[float, Meta(ge=0, le=LATEST)] | None = None
    """None: until the ban is taken back."""


class BansAsked(Said, frozen=True, kw_only=True):
    """A page of bans."""

    page: Page = 1
    per_page: PerPage = 50


class BanPage(Said, frozen=True, kw_only=True):
    """Bans in force, the newest first, and how many there are in all."""

    total: int
    bans: tuple[Ban, ...]


class HoursAsked(Said, frozen=True, kw_only=True):
    """How many hours back."""

    hours: Annotated[int, Meta(ge=1, le=168)] = 24


class Hours(Said, frozen=True, kw_only=True):
    """Hour by hour, the oldest first."""

    hours: tuple[Hour, ...]


class RecordsAsked(Said, frozen=True, kw_only=True):
    """Which records, by the start of the call."""

    start: Time | None = None
    end: Time | None = None
    result: CallResult | None = None
    kind: Literal["SingleCall", "MultiCall"] | None = None
    page: Page = 1
    per_page: PerPage = 20


class RecordPage(Said, frozen=True, kw_only=True):
    """One page of them, and how many there are in all."""

    total: int
    records: tuple[Record, ...]


class TargetAsked(Said, frozen=True, kw_only=True):
    """One generation of callbacks."""

    generation: GenerationNumber


class SetTarget(TargetAsked, frozen=True, kw_only=True):
    """Where they go; no commands mean all."""

    url: Annotated[str, Meta(max_length=2048)]
    commands: Annotated[tuple[Annotated[str, Meta(max_length=64)], ...], Meta(max_length=64)] = ()


class TargetShown(Said, frozen=True, kw_only=True):
    """Where they go now; an empty address: nowhere."""

    generation: int
    url: str = ""
    commands: tuple[str, ...] = ()
    disabled: str = ""
    """Why nothing is sent there any more."""
    known: tuple[str, ...]
    """Every command there is."""


class Targets(Said, frozen=True, kw_only=True):
    """Of both generations."""

    targets: tuple[TargetShown, ...]


class LettersAsked(Said, frozen=True, kw_only=True):
    """A page of dead letters."""

    page: Page = 1
    per_page: PerPage = 50


class Letter(Said, frozen=True, kw_only=True):
    """A callback that could not be delivered, without its body."""

    id: int
    generation: int
    event_id: str
    command: str
    call_id: str
    created_at: float
    attempts: int
    error: str
    died_at: float


class DeadLetters(Said, frozen=True, kw_only=True):
    """The newest first."""

    total: int
    letters: tuple[Letter, ...]


class Resend(Said, frozen=True, kw_only=True):
    """These dead letters, again."""

    ids: Annotated[tuple[Annotated[int, Meta(ge=1, le=2**53 - 1)], ...], Meta(min_length=1, max_length=100)]
