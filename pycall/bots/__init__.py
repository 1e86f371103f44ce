"""Ready-made bots: one that echoes, one that plays a file, one that records.

A bot is an engine whose sources and sinks are code. This one answers, speaks, and hangs up after ten seconds:

    import asyncio
    from pycall import CallEngine, CallReceived, EngineConfig

    async def main(ticket: str) -> None:
        config = EngineConfig(audio_source="file:welcome.mp3", video_source="pattern", audio_sink="null")
        async with CallEngine(config) as bot:
            await bot.login("reception", ticket)
            while await bot.wait_for(CallReceived):
                await bot.accept()
                await asyncio.sleep(10)
                await bot.hangup()
"""
