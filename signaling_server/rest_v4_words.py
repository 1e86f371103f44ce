"""REST v4: the words that its services share."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from pycall.core.bounds import CallIdText

RATE = 200
Media = Literal["Audio", "Video"]


class Named(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Base of what is said in this generation."""


class Empty(Named, frozen=True, kw_only=True):
    """`{}`."""


class OneCall(Named, frozen=True, kw_only=True):
    """A call by its id."""

    call_id: CallIdText


class Page(Named, frozen=True, kw_only=True):
    """One page of a list, from 1."""

    number_per_page: Annotated[int, Meta(ge=1, le=100)] = 10
    page: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
