"""What all ready-made bots do: sign in and answer every call, one after the other."""

from __future__ import annotations

from pycall import CallEnded, CallEngine, CallError, CallNotConnected, CallReceived, EngineConfig


class AnsweringBot:
    """Answers every call with the sources and sinks of `config` and stays until the caller hangs up."""

    def __init__(self, config: EngineConfig) -> None:
        self.config = config

    async def run(self, user_id: str, user_sig: str, *, calls: int | None = None) -> None:
        """Sign in and answer; returns after this many calls (None: never).

        Raises `LoginError`, `SignalingError` and `MediaError` as `CallEngine.login` does, before anybody can call.
        """
        async with CallEngine(self.config) as engine:
            events = engine.events()
            await engine.login(user_id, user_sig)
            async for event in events:
                if isinstance(event, CallReceived):
                    await _answer(engine)
                elif isinstance(event, CallEnded | CallNotConnected) and calls is not None:
                    calls -= 1
                    if calls <= 0:
                        return


async def _answer(engine: CallEngine) -> None:
    try:
        await engine.accept()
    except CallError:
        """The caller was quicker and has hung up; the call's last event says so."""
