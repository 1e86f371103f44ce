"""The options that several commands share, each described once."""

from __future__ import annotations

from typing import Annotated

import typer

_WHO = "Who and where"
_MEDIA = "Sound and picture"
_TALK = "The call"

AsUser = Annotated[
    str | None,
    typer.Option("--as", metavar="USER", envvar="PYCALL_USER", help="Sign in as this user.", rich_help_panel=_WHO),
]
Server = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="PYCALL_SERVER",
        help="ws:// or wss:// address; by default the one on this machine.",
        rich_help_panel=_WHO,
    ),
]
Sig = Annotated[
    str | None,
    typer.Option(
        metavar="TICKET",
        envvar="PYCALL_SIG",
        help="UserSig; without it one is made from PYCALL_SECRET_KEY or the key of the dev server on this machine.",
        rich_help_panel=_WHO,
    ),
]
AppId = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, envvar="PYCALL_APP_ID", help="SDKAppID of the server.", rich_help_panel=_WHO),
]
SecretKey = Annotated[
    str | None,
    typer.Option(
        metavar="KEY", envvar="PYCALL_SECRET_KEY", help="The server's secret key; better given by the environment."
    ),
]
AudioSource = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="mic, mic:NAME, file:PATH, tone:HZ or null.", show_default="mic", rich_help_panel=_MEDIA
    ),
]
AudioProfile = Annotated[
    str, typer.Option(metavar="NAME", help="voice (mono) or music (stereo, both ways).", rich_help_panel=_MEDIA)
]
VideoSource = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="camera:N, screen, file:PATH, pattern or null.",
        show_default="camera:0",
        rich_help_panel=_MEDIA,
    ),
]
AudioSink = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="speaker, speaker:NAME, file:PATH or null.", show_default="speaker", rich_help_panel=_MEDIA
    ),
]
VideoSink = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="window, terminal, file:PATH or null.",
        show_default="window, if there is a display",
        rich_help_panel=_MEDIA,
    ),
]
Profile = Annotated[
    str,
    typer.Option(
        metavar="SIZE",
        help="120p, 180p, 240p, 360p, 480p, 540p, 720p, 1080p, 1440p or 4K, with 15 or 30 behind it for the rate.",
        rich_help_panel=_MEDIA,
    ),
]
Record = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Write the call to this .mkv or .mp4 file.", rich_help_panel=_MEDIA),
]
ForSeconds = Annotated[
    float | None,
    typer.Option("--for", metavar="SECONDS", min=0.1, help="Hang up after talking this long.", rich_help_panel=_TALK),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="One JSON object per event, and per error, on stdout and nothing else."),
]
