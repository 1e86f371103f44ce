"""`pycall hooks`: from a development server to a signed callback on the screen, and what is refused."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from pycall.core.webhook import sign_webhook, webhook_secret
from tests.certificates import make_certificate
from tests.command import Command, Environment, run

SILENT = ("--audio-source", "null", "--audio-sink", "null")
SECRET = webhook_secret("k" * 32, 7)


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(f"{url}x?command=cancel", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_signed_callback_of_a_development_server_arrives(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    with Command(environment, "serve", "--dev", "--port", "0") as server:
        server.line("Ctrl-C")
        with Command(environment, "hooks", "listen", "--port", "0", "--set", "--json") as hooks:
            hooks.event("listening")
            with Command(environment, "answer", "--as", "bob", "--reject", *SILENT, "--json") as bob:
                bob.event("logged_in")
                assert run(environment, "call", "bob", "--as", "alice", *SILENT)[0] != 0
            seen = {}
            while "Call.CallbackAfterEndCall" not in seen or "reject" not in seen:
                event = hooks.event("callback")
                seen[event["command"]] = event["body"]
            hooks.interrupt()
            assert hooks.ended() == 0
            assert "http://127.0.0.1" in hooks.event("ended")["url"], "the server has not been told"
        assert seen["reject"]["CallResult"] == "reject"
        assert seen["Call.CallbackAfterEndCall"]["CallResult"] == "Reject"


def test_what_is_not_signed_is_refused(tmp_path: Path) -> None:
    with Command(Environment(tmp_path), "hooks", "listen", "--port", "0", "--secret", SECRET) as hooks:
        url = hooks.line("listening on").split()[-1]
        body, now = b'{"CallId":"\\u001b[31m"}', int(time.time())
        good = sign_webhook([SECRET], "evt_1", now, body)
        assert post(url, body, good) == (200, {"ErrorCode": 0, "ErrorMessage": "Success", "ActionStatus": "OK",
                                               "ErrorInfo": ""})  # fmt: skip
        shown = hooks.line("signature good")
        assert "'cancel'" in shown and "\x1b" not in shown
        for wrong in (
            {},
            sign_webhook([SECRET], "evt_1", now - 400, body),
            sign_webhook([webhook_secret("other" * 9, 7)], "evt_1", now, body),
            good | {"webhook-id": "evt_2"},
        ):
            assert post(url, body, wrong)[0] == 401
            hooks.line("refused")
        assert post(url, body + b" ", good)[0] == 401


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["hooks", "listen"], "no secret"),
        (["hooks", "secret"], "no secret"),
        (["hooks", "listen", "--secret", "whsec_x"], "24 to 64 bytes"),
        (["hooks", "listen", "--secret", SECRET, "--host", "192.0.2.1"], "cannot listen"),
    ],
)
def test_what_cannot_be(tmp_path: Path, arguments: list[str], says: str) -> None:
    code, _, errors = run(Environment(tmp_path), *arguments)
    assert code != 0 and len(errors) == 1 and says in errors[0]


def test_on_all_addresses_it_is_reached_by_the_machines_name(tmp_path: Path) -> None:
    with Command(
        Environment(tmp_path), "hooks", "listen", "--host", "0.0.0.0", "--port", "0", "--secret", SECRET
    ) as it:
        assert f"http://{socket.gethostname()}:" in it.line("listening on")


def test_a_certificate_that_is_not_trusted_is_named(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def shake_hands() -> None:
            with suppress(OSError), context.wrap_socket(server.accept()[0], server_side=True):
                pass

        shaking = threading.Thread(target=shake_hands, name="a server with a certificate")
        shaking.start()
        where = ["--server", f"wss://127.0.0.1:{server.getsockname()[1]}/ws"]
        code, _, errors = run(
            Environment(tmp_path, PYCALL_SECRET_KEY="k" * 32), "hooks", "listen", "--port", "0", "--set", *where
        )
        shaking.join(10)
    assert code != 0 and "is not trusted" in errors[-1] and "SSL_CERT_FILE" in errors[-1], errors


def test_the_secret_follows_from_the_key(tmp_path: Path) -> None:
    environment = Environment(tmp_path, PYCALL_SECRET_KEY="k" * 32, PYCALL_APP_ID="7")
    assert run(environment, "hooks", "secret") == (0, [SECRET], [])
