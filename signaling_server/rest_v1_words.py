"""REST v1: the words that its commands share."""

from __future__ import annotations

import msgspec


class Named(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of what is said in this generation."""


class Empty(Named, frozen=True, kw_only=True):
    """`{}`."""
