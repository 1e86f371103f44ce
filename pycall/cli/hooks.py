"""`pycall hooks`: a small receiver that checks and prints the server's callbacks, for people who try them out."""

from __future__ import annotations

import asyncio
import errno
import json as json_text
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from aiohttp import web

from pycall.config import DEFAULT_APP_ID, DEFAULT_SERVER
from pycall.core.errors import ConfigError, ErrorCode, RemoteProtocolError, SignalingError
from pycall.core.usersig import FOREIGN_SIG
from pycall.core.webhook import check_webhook, webhook_secret

from .devfile import read_dev_file
from .exit_codes import ExitCode
from .identity import FOREIGN_KEY, check_app, make_ticket
from .serve import EVERYWHERE
from .start import interrupt_in_order

MAX_BODY = 65536
SET_SECONDS = 10.0
TAKEN = {"ErrorCode": 0, "ErrorMessage": "Success", "ActionStatus": "OK", "ErrorInfo": ""}


@dataclass(frozen=True, slots=True)
class Source:
    """Which server's callbacks are expected."""

    app_id: int
    server: str
    secret: str


def find_source(secret: str | None, *, server: str | None, app_id: int | None) -> Source:
    """From the options, else from PYCALL_SECRET_KEY, else from the development server's note; raises ConfigError."""
    dev, key = read_dev_file(), os.environ.get("PYCALL_SECRET_KEY")
    if key is None and dev is not None and (secret is None or app_id in {None, dev.app_id}):
        app_id, key = check_app(app_id, dev).app_id, dev.secret_key
    app = app_id or DEFAULT_APP_ID
    if secret is None and key is None:
        raise ConfigError(
            ErrorCode.BAD_SETTING,
            "no secret to check callbacks with: give --secret whsec_…, set PYCALL_SECRET_KEY, "
            "or start `pycall serve --dev` on this machine",
        )
    there = server or (dev.url if dev is not None else DEFAULT_SERVER)
    return Source(app, there, secret or webhook_secret(key or "", app))


def listen(source: Source, *, host: str, port: int, set_callback: bool, json: bool) -> ExitCode:
    """Print callbacks until Ctrl-C; raises ConfigError (PORT_TAKEN, BAD_SETTING) before anything is started."""
    try:
        check_webhook([source.secret], {"webhook-id": "x", "webhook-timestamp": "0"}, b"", now=0.0)
    except ValueError as error:
        raise ConfigError(ErrorCode.BAD_SETTING, str(error)) from error
    except RemoteProtocolError:
        pass  # the secret is one; the signature was none
    interrupt_in_order()
    return asyncio.run(_listen(Receiver(source, json=json), host, port, set_callback))


class Receiver:
    """Answers each callback as the documents want it, and says what it was."""

    def __init__(self, source: Source, *, json: bool) -> None:
        self.source = source
        self._json = json

    async def take(self, request: web.Request) -> web.Response:
        """A callback, or something that is none."""
        body = await request.read()
        try:
            event_id = check_webhook([self.source.secret], request.headers, body, now=time.time())
            said = json_text.loads(body)
        except RemoteProtocolError as error:
            return self._refused(str(error))
        except (ValueError, RecursionError):
            return self._refused("its body is no JSON")
        self._tell(event_id, request.query, said)
        return web.json_response(TAKEN)

    def _tell(self, event_id: str, query: Mapping[str, str], said: Any) -> None:
        command = query.get("command") or query.get("CallbackCommand") or "?"
        if self._json:
            self.event("callback", id=event_id, command=command, query=dict(query), body=said)
        else:
            _say(f"{time.strftime('%H:%M:%S')}  {command!a:<36} signature good  {json_text.dumps(said)}")

    def listening(self, url: str, set_callback: bool) -> None:
        """It has begun."""
        if self._json:
            self.event("listening", url=url, set=set_callback)
        else:
            _say(f"listening on {url}{' where the server sends its callbacks now' if set_callback else ''}")

    def left(self, url: str) -> None:
        """It ends, and the server has not been told."""
        if self._json:
            self.event("ended", url=url, set=True)
        else:
            _say(
                f"the server still sends its callbacks to {url}: listen there again, or delete them on its page /admin"
            )

    @staticmethod
    def event(name: str, **fields: Any) -> None:
        """One line for programs."""
        _say(json_text.dumps({"event": name, **fields}, separators=(",", ":")))

    def _refused(self, why: str) -> web.Response:
        if self._json:
            self.event("refused", why=why)
        else:
            _say(f"{time.strftime('%H:%M:%S')}  refused: {why}")
        return web.json_response({"ErrorCode": 1, "ErrorMessage": why, "ActionStatus": "FAIL"}, status=401)


async def _listen(receiver: Receiver, host: str, port: int, set_callback: bool) -> ExitCode:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    application = web.Application(client_max_size=MAX_BODY)
    application.router.add_post("/{path:.*}", receiver.take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await _bind(site, host, port)
        reached = socket.gethostname() if host in EVERYWHERE else host
        url = f"http://{f'[{reached}]' if ':' in reached else reached}:{site.port}/"
        if set_callback:
            await _set(receiver.source, url)
        receiver.listening(url, set_callback)
        await stop.wait()
        if set_callback:
            receiver.left(url)
    finally:
        await runner.cleanup()
    return ExitCode.OK


async def _bind(site: web.TCPSite, host: str, port: int) -> None:
    try:
        await site.start()
    except OSError as error:
        code = ErrorCode.PORT_TAKEN if error.errno == errno.EADDRINUSE else ErrorCode.BAD_SETTING
        raise ConfigError(code, f"cannot listen on {host} port {port}; choose another --port") from error


async def _set(source: Source, url: str) -> None:
    """Tell the server, over REST, that callbacks of both generations go here; raises what keeps it from that."""
    from signaling_server.callbacks import V1_COMMANDS, V4_COMMANDS

    first = {"address": url, "actions": sorted(V1_COMMANDS)}
    second = {"Url": url, "CallbackCommandList": sorted(V4_COMMANDS)}
    timeout = aiohttp.ClientTimeout(total=SET_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for path, body in (("/v1/callback/set", first), ("/v4/call_config/set_callback", second)):
            await _ask(session, source, path, body)


async def _ask(session: aiohttp.ClientSession, source: Source, path: str, body: dict[str, Any]) -> None:
    key = os.environ.get("PYCALL_SECRET_KEY")
    query = {
        "sdkappid": source.app_id,
        "identifier": "administrator",
        "usersig": make_ticket("administrator", app_id=source.app_id, secret_key=key, expire=300),
        "random": secrets.randbelow(2**32),
        "contenttype": "json",
    }
    parts = urlsplit(source.server)
    base = f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}"
    try:
        async with session.post(f"{base}{path}?{urlencode(query)}", json=body) as response:
            answer = await response.json(content_type=None)
    except aiohttp.ClientConnectorCertificateError as error:
        raise SignalingError(
            ErrorCode.UNREACHABLE,
            f"the certificate of {base} is not trusted; if it, or its authority, is your own, name its file: "
            "SSL_CERT_FILE=ca.pem",
        ) from error
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise SignalingError(ErrorCode.UNREACHABLE, f"no server answers at {base}; is it running?") from error
    refused = answer.get("errorCode", answer.get("ErrorCode", 0)) if isinstance(answer, dict) else 1
    if refused:
        why = str(answer.get("errorMessage") or answer.get("ErrorInfo") or refused)[:200]
        hint = f"; {FOREIGN_KEY}" if key and FOREIGN_SIG in why else ""
        raise ConfigError(
            ErrorCode.BAD_SETTING, f"{base} was asked to send its callbacks here and refused: {why}{hint}"
        )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
