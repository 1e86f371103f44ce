"""The command `pycall`: its sub-commands, each loading only what it needs, and how a failure reaches the shell."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
from types import TracebackType
from typing import Annotated

import typer

from pycall.core.errors import ErrorCode, PyCallError

from . import options as o
from .exit_codes import ExitCode, for_error, table
from .serve_options import with_server_options
from .wording import complain

_EXIT_CODES = "Exit codes:\n\n" + table()

app = typer.Typer(
    name="pycall",
    help="The phone line for Python: call, ring, answer, talk and see each other over WebRTC.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
bot_app = typer.Typer(help="Bots that answer: echo, play, record.", rich_markup_mode="rich")
app.add_typer(bot_app, name="bot")
hooks_app = typer.Typer(help="The server's callbacks: receive and check them.", rich_markup_mode="rich")
app.add_typer(hooks_app, name="hooks")

# In typer every usage error descends from the parent of the parent of BadParameter, whichever click it brings along.
_ClickError: type[Exception] = typer.BadParameter.__mro__[2]


def _version(wanted: bool) -> None:
    if wanted:
        from pycall import __version__

        typer.echo(f"pycall {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
@with_server_options
def serve(**values: object) -> int:
    """Run the signaling server. A setting is taken from its flag, else its environment name, else the --config file."""
    from .serve import run

    return run(**values)


@app.command()
def sig(
    user: Annotated[str, typer.Argument(help="Who the ticket is for.")],
    app_id: o.AppId = None,
    secret_key: o.SecretKey = None,
    expire: Annotated[int, typer.Option(metavar="SECONDS", min=1, help="How long the ticket is good.")] = 86400,
) -> int:
    """Make a UserSig, the ticket a user signs in with."""
    from .identity import make_ticket

    typer.echo(make_ticket(user, app_id=app_id, secret_key=secret_key, expire=expire))
    return ExitCode.OK


@app.command()
def devices(json: o.Json = False) -> int:
    """List microphones, speakers, cameras and displays."""
    from .devices import run

    return run(json=json)


@app.command(epilog=_EXIT_CODES)
def call(
    users: Annotated[list[str], typer.Argument(metavar="USER", help="Whom to call: one, or up to eight in one call.")],
    video: Annotated[bool, typer.Option("--video", help="With picture; without it a voice call.")] = False,
    timeout: Annotated[
        int, typer.Option(metavar="SECONDS", min=0, max=86400, help="How long it rings; 0: for ever.")
    ] = 30,
    talk_for: o.ForSeconds = None,
    as_user: o.AsUser = None,
    server: o.Server = None,
    sig: o.Sig = None,
    app_id: o.AppId = None,
    profile: o.Profile = "720p30",
    audio_profile: o.AudioProfile = "voice",
    audio_source: o.AudioSource = None,
    video_source: o.VideoSource = None,
    audio_sink: o.AudioSink = None,
    video_sink: o.VideoSink = None,
    record: o.Record = None,
    json: o.Json = False,
) -> int:
    """Call somebody, or several at once. Keys: m mute, c camera, v voice/video (in a call of two), q hang up."""
    from .choices import MediaChoice
    from .identity import find_identity
    from .phone import run_call

    identity = find_identity(as_user, server=server, sig=sig, app_id=app_id)
    media = MediaChoice(audio_source, video_source, audio_sink, video_sink, profile, record, audio_profile)
    return run_call(identity, media, users, video=video, timeout=timeout, talk_for=talk_for, json=json)


@app.command(epilog=_EXIT_CODES)
def answer(
    auto: Annotated[
        bool,
        typer.Option(
            "--auto",
            help="Accept every call at once. A call of several lasts as long as two are in it, with or without its "
            "caller; --for ends it earlier.",
        ),
    ] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Refuse every call at once.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Leave after the first call, with its exit code.")] = False,
    talk_for: o.ForSeconds = None,
    as_user: o.AsUser = None,
    server: o.Server = None,
    sig: o.Sig = None,
    app_id: o.AppId = None,
    profile: o.Profile = "720p30",
    audio_profile: o.AudioProfile = "voice",
    audio_source: o.AudioSource = None,
    video_source: o.VideoSource = None,
    audio_sink: o.AudioSink = None,
    video_sink: o.VideoSink = None,
    record: o.Record = None,
    json: o.Json = False,
) -> int:
    """Wait for calls. Keys: a accept, r reject, i ignore, q leave; in a call as for `pycall call`."""
    from .choices import MediaChoice
    from .identity import find_identity
    from .phone import run_answer

    if auto and reject:
        raise typer.BadParameter("--auto and --reject exclude each other")
    identity = find_identity(as_user, server=server, sig=sig, app_id=app_id)
    media = MediaChoice(audio_source, video_source, audio_sink, video_sink, profile, record, audio_profile)
    reply = "accept" if auto else "reject" if reject else "ask"
    return run_answer(identity, media, reply=reply, once=once, talk_for=talk_for, json=json)


@bot_app.command()
def echo(
    as_user: o.AsUser = None,
    server: o.Server = None,
    sig: o.Sig = None,
    app_id: o.AppId = None,
    delay: Annotated[float, typer.Option(metavar="SECONDS", min=0, max=10, help="How late it answers.")] = 0.5,
    once: Annotated[bool, typer.Option("--once", help="Leave after the first call.")] = False,
    json: o.Json = False,
) -> int:
    """Answer and send back what is heard and seen."""
    from .bot import run_echo
    from .identity import find_identity

    return run_echo(find_identity(as_user, server=server, sig=sig, app_id=app_id), delay=delay, once=once, json=json)


@bot_app.command()
def play(
    file: Annotated[str, typer.Argument(help="Any media file that FFmpeg reads.")],
    as_user: o.AsUser = None,
    server: o.Server = None,
    sig: o.Sig = None,
    app_id: o.AppId = None,
    once: Annotated[bool, typer.Option("--once", help="Leave after the first call.")] = False,
    json: o.Json = False,
) -> int:
    """Answer and play a file, over and over."""
    from .bot import run_play
    from .identity import find_identity

    return run_play(find_identity(as_user, server=server, sig=sig, app_id=app_id), file, once=once, json=json)


@bot_app.command()
def record(
    file: Annotated[str, typer.Argument(help="The .mkv or .mp4 file to write.")],
    as_user: o.AsUser = None,
    server: o.Server = None,
    sig: o.Sig = None,
    app_id: o.AppId = None,
    once: Annotated[bool, typer.Option("--once", help="Leave after the first call.")] = False,
    json: o.Json = False,
) -> int:
    """Answer and record; a second call goes to a second file."""
    from .bot import run_record
    from .identity import find_identity

    return run_record(find_identity(as_user, server=server, sig=sig, app_id=app_id), file, once=once, json=json)


_HookSecret = Annotated[
    str | None,
    typer.Option(
        metavar="WHSEC",
        envvar="PYCALL_HOOKS_SECRET",
        help="Signing secret, whsec_…; without it the one that follows from PYCALL_SECRET_KEY or the dev server's key.",
    ),
]


@hooks_app.command()
def listen(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port; 0 takes a free one.")] = 8791,
    secret: _HookSecret = None,
    set_callback: Annotated[
        bool, typer.Option("--set", help="Make the server send its callbacks here, instead of where it did.")
    ] = False,
    server: o.Server = None,
    app_id: o.AppId = None,
    json: o.Json = False,
) -> int:
    """Receive callbacks, check their signatures and print them until Ctrl-C."""
    from .hooks import find_source
    from .hooks import listen as run

    source = find_source(secret, server=server, app_id=app_id)
    return run(source, host=host, port=port, set_callback=set_callback, json=json)


@hooks_app.command("secret")
def hooks_secret(app_id: o.AppId = None) -> int:
    """Print the secret, whsec_…, with which the server signs callbacks: for a receiver of your own."""
    from .hooks import find_source

    typer.echo(find_source(None, server=None, app_id=app_id).secret)
    return ExitCode.OK


@app.command()
def demo(
    seconds: Annotated[float, typer.Option(metavar="N", min=1, max=3600, help="How long the two talk.")] = 10,
    out: Annotated[str, typer.Option(metavar="DIR", help="Where demo.mkv and demo.png go.")] = ".",
    json: Annotated[bool, typer.Option("--json", help="Print exactly one JSON object.")] = False,
) -> int:
    """One real call between two processes on this machine, and a report of what arrived."""
    from .demo import run

    return run(seconds=seconds, out=out, json=json)


@app.command()
def doctor(server: o.Server = None, json: o.Json = False) -> int:
    """Check server, ports, devices and codecs, and say what to install."""
    from .doctor import run

    return run(server=server, json=json)


def _last_words(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What a bug looks like to a user: one line; the traceback only with PYCALL_DEBUG set. Ctrl-C is no bug."""
    if issubclass(kind, KeyboardInterrupt):
        return
    if os.environ.get("PYCALL_DEBUG"):
        sys.__excepthook__(kind, error, trace)
    json = _wants_json(sys.argv)
    complain(f"error inside pycall, please report it: {kind.__name__}: {error}", "internal", json_too=json)


def _wants_json(arguments: list[str]) -> bool:
    return "--json" in arguments


def _wrong_usage(error: Exception) -> str:
    """What is wrong, and whose help shows how it is right."""
    context = getattr(error, "ctx", None)
    command = "pycall" if context is None else context.command_path
    return f"{error.format_message()} ({command} --help shows how)"  # type: ignore[attr-defined]


def run(arguments: list[str]) -> int:
    """Run one command line; gives its exit code. Known failures are one line on stderr, with --json on stdout too."""
    json = _wants_json(arguments)
    try:
        # Not by calling `app`: that would put typer's own hook in the place of ours.
        command = typer.main.get_command(app)
        result = command.main(arguments or ["--help"], prog_name="pycall", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()  # at the interpreter's end nobody could say any more what is wrong
    except PyCallError as error:
        complain(error.message, error.code.value, json_too=json)
        return for_error(error)
    except _ClickError as error:
        complain(_wrong_usage(error), "usage", json_too=json)
        return ExitCode.USAGE
    except (typer.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # who reads it has seen enough
        _print_no_more()
        return ExitCode.INTERNAL
    except OSError as error:
        if error.filename is None and error.errno in _NO_ROOM:
            _print_no_more()
            complain(f"the output could not be written: {os.strerror(error.errno)}", ErrorCode.BAD_OUTPUT.value)
        else:
            complain(str(error), ErrorCode.BAD_SETTING.value, json_too=json)
        return ExitCode.USAGE
    return int(result or 0)


_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What only writing fails with; without a file's name it is the output, or a file that was open already."""


def _print_no_more() -> None:
    """What is still held back would fail again when Python ends, and change the exit code."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the process ends


def main() -> None:
    """The console script: run what the command line says and leave with its exit code."""
    sys.excepthook = _last_words
    level = os.environ.get("PYCALL_LOG", "").upper()
    known = logging.getLevelNamesMapping()
    logging.basicConfig(level=known.get(level, logging.CRITICAL + 1), format="%(levelname)s %(name)s: %(message)s")
    code = run(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C while Python ends must not change the code
    sys.exit(code)
