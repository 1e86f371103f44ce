"""The documented query string of REST requests: `?sdkappid=&identifier=&usersig=&random=&contenttype=json`."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from pycall.core.types import is_user_id
from pycall.core.usersig import MAX_SIG_CHARS

from .rest_errors import Fault, RestError

MAX_QUERY = 4096
MAX_FIELDS = 32
KNOWN = ("sdkappid", "identifier", "usersig", "random", "contenttype")


@dataclass(frozen=True, slots=True)
class Query:
    """Well formed; whether the ticket is good is not known yet."""

    app_id: int
    identifier: str
    user_sig: str


def parse_query(text: str) -> Query:
    """The part of a URL behind the `?`; raises RestError and nothing else. Unknown parameters are ignored."""
    values = _values(text)
    app_id = values.get("sdkappid")
    if app_id is None:
        raise RestError(Fault.NO_APP_ID, "the parameter sdkappid is missing")
    if not _is_number(app_id, 2**53 - 1) or int(app_id) == 0:
        raise RestError(Fault.UNKNOWN_APP, "sdkappid must be a whole number from 1")
    if not _is_number(values.get("random", "0"), 2**32 - 1):
        raise RestError(Fault.QUERY, "random must be a whole number from 0 to 4294967295")
    if values.get("contenttype", "json") != "json":
        raise RestError(Fault.QUERY, "contenttype must be json")
    identifier, user_sig = values.get("identifier", ""), values.get("usersig", "")
    if not is_user_id(identifier) or not 0 < len(user_sig) <= MAX_SIG_CHARS:
        raise RestError(Fault.TICKET, "identifier and usersig must be those of an administrator")
    return Query(int(app_id), identifier, user_sig)


def _values(text: str) -> dict[str, str]:
    if len(text) > MAX_QUERY:
        raise RestError(Fault.QUERY, f"the query string is longer than {MAX_QUERY} characters")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:  # a UnicodeDecodeError is one
        raise RestError(Fault.QUERY, "the query string cannot be read") from error
    known = [pair for pair in pairs if pair[0] in KNOWN]
    values = dict(known)
    if len(values) != len(known):
        raise RestError(Fault.QUERY, "a parameter of the query string is given twice")
    return values


def _is_number(text: str, highest: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 16 and int(text) <= highest
