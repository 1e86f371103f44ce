"""The OpenAPI document of the REST interface, made from the operations themselves; served at `/openapi.json`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec
from aiohttp import web

from pycall.core.usersig import MAX_SIG_CHARS

from .rest import Generation, Operation
from .rest_errors import Fault

SCHEMAS = "#/components/schemas/{name}"
Json = dict[str, Any]

QUERY: tuple[Json, ...] = (
    {
        "name": "sdkappid",
        "required": True,
        "description": "The app.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 2**53 - 1},
    },
    {
        "name": "identifier",
        "required": True,
        "description": "An administrator of the app.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,32}$"},
    },
    {
        "name": "random",
        "description": "Any number; kept for clients of the documented interface.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
    },
    {"name": "contenttype", "schema": {"type": "string", "enum": ["json"]}},
)
USER_SIG: Json = {
    "type": "apiKey",
    "in": "query",
    "name": "usersig",
    "description": f"The administrator's UserSig, at most {MAX_SIG_CHARS} characters.",
}


class OpenApi:
    """Made once in a process, by the first server that starts."""

    def __init__(self, generations: tuple[Generation, ...]) -> None:
        self._body = _body(generations)

    async def handle(self, _request: web.Request) -> web.Response:
        """The HTTP handler."""
        return web.Response(body=self._body, content_type="application/json")


@cache
def _body(generations: tuple[Generation, ...]) -> bytes:
    """The document as it goes out; making it takes 20 ms."""
    return msgspec.json.encode(document(generations))


def document(generations: Iterable[Generation]) -> Json:
    """The whole document, as JSON values."""
    pairs = [(one, operation) for one in generations for operation in one.operations]
    requests = {operation.request for _, operation in pairs}
    answers = {answer for one, op in pairs for answer in (*one.answer_types(op), one.refusal_type())}
    kinds = sorted(requests | answers, key=str)
    found, components = msgspec.json.schema_components(kinds, ref_template=SCHEMAS)
    schemas = dict(zip(kinds, found, strict=True))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "pycall",
            "version": "1",
            "description": "REST for the back office. v1 answers 200 whatever happens: look at errorCode.",
        },
        "paths": {op.path: {"post": _operation(one, op, schemas)} for one, op in pairs},
        "components": {"schemas": _plain(components), "securitySchemes": {"userSig": USER_SIG}},
    }


def _plain(value: Any) -> Any:
    """Patterns as JavaScript writes them, without Python's `\\A` and `\\Z`."""
    if isinstance(value, dict):
        kept = {key: _plain(inner) for key, inner in value.items()}
        if isinstance(pattern := kept.get("pattern"), str):
            kept["pattern"] = pattern.replace(r"\A", "^").replace(r"\Z", "$")
        return kept
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _operation(generation: Generation, operation: Operation, schemas: dict[Any, Any]) -> Json:
    refusal = _answer("Refused", schemas[generation.refusal_type()])
    done = [schemas[kind] for kind in generation.answer_types(operation)]
    answers = {"200": _answer("Done", done[0] if len(done) == 1 else {"anyOf": done})}
    for status in generation.statuses(operation):
        answers[str(status)] = refusal
    return {
        "operationId": operation.path.strip("/").replace("/", "_"),
        "summary": operation.summary,
        "description": _description(operation),
        "tags": [generation.name],
        "security": [{"userSig": []}],
        "parameters": [{"in": "query"} | parameter for parameter in QUERY],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schemas[operation.request]}},
        },
        "responses": answers,
    }


def _description(operation: Operation) -> str:
    told = f"At most {operation.rate} requests a second. Needs the scope {operation.scope.value}."
    if Fault.CHANGED not in operation.faults:
        return told
    return f"{told} With If-Match it is done only to what still has the ETag that was read, else it is refused."


def _answer(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
