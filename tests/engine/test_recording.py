"""What a recording holds of a call that changes on its way."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pycall import MediaType
from pycall.core.events import CallEnded, ErrorOccurred
from tests.media.listening import play, strength
from tests.phones import Phone, phone, talk
from tests.switchroom import Switchroom


async def test_a_voice_call_that_becomes_a_video_call_is_recorded_with_both_pictures(
    bob: Phone, server: Switchroom, tmp_path: Path
) -> None:
    path = tmp_path / "talk.mkv"
    async with phone(server.url, record=str(path)) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await talk(carol, bob)
        await carol.ear.tone(1000)
        await carol.engine.switch_media(MediaType.VIDEO)
        await bob.engine.open_camera()
        await asyncio.gather(bob.eye.pictures(5), carol.eye.pictures(12))
        await carol.engine.hangup()
        await carol.saw(CallEnded)
        assert not carol.all(ErrorOccurred)
    played = await asyncio.to_thread(play, path)
    assert played.sizes == [(640, 360), (640, 360)]
    for track in played.tracks:
        numbers = [seen.number for seen in track]
        assert len(numbers) >= 4
        assert numbers == sorted(numbers)
    begin, end = played.tracks[0][-5].time - 0.3, played.tracks[0][-5].time
    assert strength(played.between(begin, end), 1000) > 3000
    assert strength(played.between(begin, end), 440) > 3000
