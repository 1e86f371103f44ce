"""The body of a REST request: at most so long, in at most so many seconds, and JSON of the right shape."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from pycall.core.bounds import nested_too_deep

from .limits import Limits
from .rest_errors import Fault, RestError
from .shapes import shape_error


async def read_body(request: web.Request, limits: Limits) -> bytes:
    """All of it. Raises RestError: TOO_BIG, TOO_LATE, MEDIA_TYPE or NOT_JSON (it broke off)."""
    _check_type(request)
    if (request.content_length or 0) > limits.body_bytes:
        raise _too_big(limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limits.body_bytes:
                    raise _too_big(limits)
    except TimeoutError as error:
        raise RestError(Fault.TOO_LATE, f"the body did not arrive within {limits.body_seconds:g} s") from error
    except (web.RequestPayloadError, aiohttp.ClientError, ConnectionError) as error:
        raise RestError(Fault.NOT_JSON, "the body cannot be read") from error
    return bytes(body)


def decode_body(body: bytes, kind: type[Any]) -> Any:
    """The body as a value of this kind; raises RestError (NOT_JSON, PARAMETER)."""
    try:
        if nested_too_deep(body):
            raise RestError(Fault.NOT_JSON, "the body is nested too deep")
        return msgspec.convert(_whole(msgspec.json.decode(body)), kind)
    except msgspec.ValidationError as error:
        raise RestError(Fault.PARAMETER, shape_error(error, kind)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RestError(Fault.NOT_JSON, "the body is no JSON; send {} where there is nothing to say") from error


def _whole(value: Any) -> Any:
    """JSON knows one kind of number: 3.0 is a whole one, and some programs write it so."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    return [_whole(inner) for inner in value] if isinstance(value, list) else value


def _check_type(request: web.Request) -> None:
    """Anything that says it is not JSON is not looked at; a missing type says nothing."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise RestError(Fault.MEDIA_TYPE, "send the body as it is, without Content-Encoding")
    if "Content-Type" in request.headers and request.content_type != "application/json":
        raise RestError(Fault.MEDIA_TYPE, "the body must be application/json")
    try:
        charset = (request.charset or "utf-8").lower()
    except ValueError:
        charset = "?"
    if charset not in {"utf-8", "utf8", "us-ascii"}:
        raise RestError(Fault.MEDIA_TYPE, "the body must be UTF-8")


def _too_big(limits: Limits) -> RestError:
    return RestError(Fault.TOO_BIG, f"the body is longer than {limits.body_bytes} bytes")
