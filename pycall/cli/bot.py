"""`pycall bot`: the ready-made bots, each a phone that answers by itself."""

from __future__ import annotations

from collections.abc import Callable

from pycall.config import EngineConfig

from .exit_codes import ExitCode
from .identity import Identity
from .phone import answer_with


def run_echo(identity: Identity, *, delay: float, once: bool, json: bool) -> ExitCode:
    """Answer and send back what is heard and seen, `delay` seconds later."""
    from pycall.bots.echo import EchoBot

    return _run(identity, lambda config: EchoBot(config, delay=delay).config, once=once, json=json)


def run_play(identity: Identity, file: str, *, once: bool, json: bool) -> ExitCode:
    """Answer and play `file`."""
    from pycall.bots.play import PlayBot

    return _run(identity, lambda config: PlayBot(file, config).config, once=once, json=json)


def run_record(identity: Identity, file: str, *, once: bool, json: bool) -> ExitCode:
    """Answer and record to `file`."""
    from pycall.bots.record import RecordBot

    from .choices import check_writable

    check_writable(file)
    return _run(identity, lambda config: RecordBot(file, config).config, once=once, json=json)


def _run(identity: Identity, equip: Callable[[EngineConfig], EngineConfig], *, once: bool, json: bool) -> ExitCode:
    config = equip(EngineConfig(server=identity.server, app_id=identity.app_id))
    return answer_with(identity, lambda tell: config, reply="accept", once=once, talk_for=None, json=json)
