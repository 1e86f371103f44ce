"""`pycall doctor`: tries everything a call needs on this machine and says what to install."""

from __future__ import annotations

import json as jsons
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit, urlunsplit

from pycall.config import DEFAULT_SERVER

from .devfile import read_dev_file
from .exit_codes import ExitCode
from .hardware import find_audio, find_cameras, window_problem
from .identity import check_server

PACKAGES = ("aiortc", "aioice", "av", "numpy", "aiohttp", "msgspec", "sounddevice")
ANSWER_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing tried: `ok`, and if not, whether a call is impossible without it (`needed`), and what to do."""

    name: str
    ok: bool
    detail: str
    needed: bool = False
    advice: str = ""


def run(*, server: str | None, json: bool) -> ExitCode:
    """Try everything; exit 0 if a call is possible. Raises ConfigError for an address that cannot be one."""
    if server is not None:
        check_server(server)
    checks = [check for look in _looks(server) for check in look()]
    possible = all(check.ok for check in checks if check.needed)
    if json:
        body = {"call_possible": possible, "checks": [asdict(check) for check in checks]}
        sys.stdout.write(jsons.dumps(body, ensure_ascii=False) + "\n")
    else:
        _print(checks, possible)
    return ExitCode.OK if possible else ExitCode.NOT_READY


def _print(checks: list[Check], possible: bool) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        mark = "ok  " if check.ok else "FAIL" if check.needed else "none"
        sys.stdout.write(f"{mark}  {check.name:{width}}  {check.detail}\n")
        if check.advice and not check.ok:
            sys.stdout.write(f"{'':6}{'':{width}}  -> {check.advice}\n")
    sys.stdout.write("a call is possible\n" if possible else "no call is possible yet: see the lines marked FAIL\n")


def _looks(server: str | None) -> list[Callable[[], list[Check]]]:
    return [_versions, _codecs, _loopback, lambda: [_server(server)], _sound, _cameras, _window]


def _versions() -> list[Check]:
    python = ".".join(map(str, sys.version_info[:3]))
    checks = [Check("python", sys.version_info >= (3, 11), python, needed=True, advice="use Python 3.11 or newer")]
    for name in PACKAGES:
        try:
            checks.append(Check(name, True, version(name), needed=name != "sounddevice"))
        except PackageNotFoundError:
            needed = name != "sounddevice"
            checks.append(Check(name, False, "not installed", needed=needed, advice=f"pip install {name}"))
    return checks


def _codecs() -> list[Check]:
    from .codec_trial import try_audio, try_video

    advice = "install PyAV from its wheel: pip install --force-reinstall av"
    h264, vp8, opus = try_video("libx264", "h264"), try_video("libvpx", "vp8"), try_audio("libopus", "opus")
    return [
        Check("H.264", h264 is None, h264 or "a picture encoded and decoded", advice=advice),
        Check("VP8", vp8 is None, vp8 or "a picture encoded and decoded", advice=advice),
        Check("video codec", h264 is None or vp8 is None, "at least one of the two", needed=True, advice=advice),
        Check("Opus", opus is None, opus or "sound encoded and decoded", needed=True, advice=advice),
    ]


def _loopback() -> list[Check]:
    """A datagram from us to us, as every call on one machine needs."""
    advice = "let a firewall pass UDP on the loopback interface"
    try:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        ):
            receiver.bind(("127.0.0.1", 0))
            receiver.settimeout(1.0)
            sender.sendto(b"pycall", receiver.getsockname())
            ok = receiver.recv(16) == b"pycall"
    except OSError as error:
        return [Check("UDP", False, f"no datagram on loopback: {error}", needed=True, advice=advice)]
    return [Check("UDP", ok, "a datagram went through loopback", needed=True, advice=advice)]


def _server(named: str | None) -> Check:
    """Does the signaling server answer? Needed only if one was named."""
    dev = read_dev_file()
    url = named or (dev.url if dev else DEFAULT_SERVER)
    parts = urlsplit(url)
    health = urlunsplit(("https" if parts.scheme == "wss" else "http", parts.netloc, "/healthz", "", ""))
    advice = (
        "start one here: pycall serve --dev" if not named else "check the address, and that `pycall serve` runs there"
    )
    try:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # as calls do: no proxy
        with direct.open(health, timeout=ANSWER_SECONDS) as reply:
            return Check("server", True, f"{url} answers ({reply.status})", needed=True)
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return Check("server", False, f"{url} does not answer: {reason}", needed=named is not None, advice=advice)


def _sound() -> list[Check]:
    audio = find_audio()
    package = "apt install libportaudio2" if sys.platform.startswith("linux") else "pip install sounddevice"
    library = Check("PortAudio", audio.problem is None, audio.problem or "loaded", advice=package)
    none = "plug one in; until then calls send silence or a file"
    inputs = ", ".join(d.name for d in audio.inputs)
    outputs = ", ".join(d.name for d in audio.outputs)
    return [
        library,
        Check("microphone", bool(inputs), inputs or "none found", advice=none),
        Check("speaker", bool(outputs), outputs or "none found", advice="plug one in; until then nothing is played"),
    ]


def _cameras() -> list[Check]:
    names = ", ".join(f"camera:{d.selector} {d.name}" for d in find_cameras())
    advice = "plug one in, or use --video-source screen, pattern or file:PATH"
    return [Check("camera", bool(names), names or "none found", advice=advice)]


def _window() -> list[Check]:
    problem = window_problem()
    return [Check("window", problem is None, problem or "pictures can be shown", advice="or --record talk.mkv")]
