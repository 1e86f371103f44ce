"""Signed callbacks: what was signed passes, anything else is refused, and nothing breaks the check."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycall.core.errors import RemoteProtocolError
from pycall.core.webhook import check_webhook, sign_webhook, webhook_secret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = 1614265330.0
BODY = b'{"test": 2432232314}'


def test_the_published_example_of_standard_webhooks() -> None:
    headers = sign_webhook([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", int(NOW), BODY)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert check_webhook([SECRET], headers, BODY, now=NOW) == "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_secrets_follow_from_the_key_and_the_app() -> None:
    secrets = {webhook_secret(key, app) for key in ("a" * 32, "b" * 32) for app in (1, 2)}
    assert len(secrets) == 4 and all(len(base64.b64decode(one.removeprefix("whsec_"))) == 32 for one in secrets)


def test_either_key_is_good_while_keys_are_rotated() -> None:
    old, new = webhook_secret("a" * 32, 1), webhook_secret("b" * 32, 1)
    headers = sign_webhook([new, old], "evt_1", int(NOW), BODY)
    for secrets in ([old], [new], [webhook_secret("c" * 32, 1), old]):
        assert check_webhook(secrets, headers, BODY, now=NOW + 299) == "evt_1"


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-id": "evt_2"},
        {"webhook-id": ""},
        {"webhook-timestamp": "1614265331"},
        {"webhook-timestamp": "x"},
        {"webhook-timestamp": "1614265330.0"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "x " * 8 + "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
    ],
)
def test_what_was_not_signed_like_this(changes: dict[str, str]) -> None:
    headers = sign_webhook([SECRET], "evt_1", int(NOW), BODY)
    with pytest.raises(RemoteProtocolError):
        check_webhook([SECRET], headers | changes, BODY, now=NOW)


@pytest.mark.parametrize("late", [301.0, -301.0])
def test_an_old_one_is_refused(late: float) -> None:
    headers = sign_webhook([SECRET], "evt_1", int(NOW), BODY)
    with pytest.raises(RemoteProtocolError):
        check_webhook([SECRET], headers, BODY, now=NOW + late)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_x", "whsec_" + "é" * 40, "whsec_" + "A" * 200])
def test_what_is_no_secret(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        sign_webhook([secret], "e", 1, b"")


ANY = st.text(st.characters(codec=None), max_size=60)


@given(st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), ANY), st.binary())
def test_any_headers_are_refused_or_good(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        check_webhook([SECRET], headers, body, now=NOW)


@given(ANY, ANY)
def test_any_signed_headers(event_id: str, signature: str) -> None:
    headers = {"webhook-id": event_id, "webhook-timestamp": "1614265330", "webhook-signature": signature}
    with pytest.raises(RemoteProtocolError):
        check_webhook([SECRET], headers, BODY, now=NOW)
