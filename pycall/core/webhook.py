"""Signed callbacks, as Standard Webhooks describes them: made by the server, checked by whoever receives them.

webhook-id         the event's id, the same for every attempt to deliver it
webhook-timestamp  Unix seconds of this attempt
webhook-signature  `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`; several while keys are rotated
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping

from .errors import ErrorCode, RemoteProtocolError

TOLERANCE = 300
"""Seconds that the sender's clock may differ from the receiver's."""
PREFIX = "whsec_"
_MAX_SIGNATURES = 8


def webhook_secret(secret_key: str, app_id: int) -> str:
    """The secret, `whsec_…`, with which a server signs this app's callbacks; it follows from the app's secret key."""
    purpose = f"pycall callbacks of app {app_id}".encode()
    return PREFIX + base64.b64encode(hmac.digest(secret_key.encode(), purpose, hashlib.sha256)).decode()


def sign_webhook(secrets: Iterable[str], event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers, with one signature for each secret; raises ValueError for a secret that is none."""
    signatures = [_signature(_key(secret), event_id, str(timestamp), body) for secret in secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def check_webhook(secrets: Iterable[str], headers: Mapping[str, str], body: bytes, *, now: float) -> str:
    """The event's id, if one of the secrets signed exactly these bytes a short while ago; else RemoteProtocolError.

    Names of `headers` are lower case, or the mapping does not mind. An event may arrive more than once: keep the id.
    """
    event_id, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (sent.isascii() and sent.isdecimal() and len(sent) <= 16 and event_id):
        raise _refused("it is not signed: webhook-id or webhook-timestamp is missing")
    if abs(now - int(sent)) > TOLERANCE:
        raise _refused(f"it was signed more than {TOLERANCE} seconds from now")
    given = headers.get("webhook-signature", "").split(" ")[:_MAX_SIGNATURES]
    for secret in secrets:
        expected = _signature(_key(secret), event_id, sent, body).encode()
        if any(hmac.compare_digest(expected, one.encode("utf-8", "replace")) for one in given):
            return event_id
    raise _refused("the signature is wrong: another secret, or another body")


def _signature(key: bytes, event_id: str, timestamp: str, body: bytes) -> str:
    signed = b".".join([event_id.encode("utf-8", "surrogatepass"), timestamp.encode(), body])
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not 24 <= len(key) <= 64:
        raise ValueError(f"a callback secret is {PREFIX} and 24 to 64 bytes in base64")
    return key


def _refused(message: str) -> RemoteProtocolError:
    return RemoteProtocolError(ErrorCode.BAD_MESSAGE, message)
