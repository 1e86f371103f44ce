"""A call over a lossy link in simulated time: our receiving objects, and around them only what the network does.

Real Opus packets with as many copies as our sender would give them, and pictures of realistic sizes whose lost packets
are asked for and sent again, cross a link that delays, reorders and loses. The machine may be slow: what falls into a
`Spell` happens at its end, all at once, as on an event loop that was kept from running.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pycall.rtc.opus import FRAME, RATE, OpusDecoder, OpusEncoder
from pycall.rtc.receive.beat import Beat
from pycall.rtc.receive.clock import TimeLine
from pycall.rtc.receive.jitter import JitterStats
from pycall.rtc.receive.nacks import NackTracker
from pycall.rtc.receive.pacing import PictureClock
from pycall.rtc.receive.playout import AudioPlayout
from pycall.rtc.receive.sync import LipSync
from pycall.rtc.receive.video_buffer import EncodedPicture, Piece, VideoBuffer
from pycall.rtc.send.history import History
from pycall.rtc.send.picture import REPEAT_FROM, REPEAT_GAP
from pycall.rtc.send.voice import RED_FROM, RED_TWICE_FROM, RED_UNTIL
from scripts.bench.link import Impairment, Lane

Samples = npt.NDArray[np.int16]
FPS, PICTURE, KEYFRAME, PACKET = 30, 9000, 40000, 1200
"""720p30 at 2.2 Mbit/s: bytes of a picture, a keyframe and a packet."""
ENCODING, DECODING = 0.006, 0.004
SPACING = 0.0015
"""Seconds between two packets of a picture, as the pacer sends them."""
READING = 0.00015
"""Seconds that handling one packet takes after a slow spell."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A machine does nothing for so many seconds."""

    begin: float
    seconds: float


@dataclass
class Story:
    """What happens: the link both ways, and when each machine is slow."""

    link: Impairment = field(default_factory=Impairment)
    seed: int = 1
    seconds: float = 20.0
    video: bool = True
    receiver_slow: tuple[Spell, ...] = ()
    sender_slow: tuple[Spell, ...] = ()


@dataclass
class Heard:
    """A piece of sound: when it was handed over, its samples, its age (None: made up)."""

    at: float
    samples: Samples
    age: float | None


class Ground:
    """The order of events."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, moment: float, do: Callable[[], None], rank: int = 1) -> None:
        self._count += 1
        heapq.heappush(self._events, (max(moment, self.now), rank, self._count, do))

    def run(self, end: float) -> None:
        while self._events and self._events[0][0] <= end:
            self.now, _, _, do = heapq.heappop(self._events)
            do()


def delayed(spells: tuple[Spell, ...], moment: float) -> float:
    """When what should happen at `moment` does happen."""
    return next((s.begin + s.seconds for s in spells if s.begin <= moment < s.begin + s.seconds), moment)


class Far:
    """The sender: speech in 20 ms packets with copies, pictures with a history of packets."""

    def __init__(self, story: Story, ground: Ground, speech: Samples) -> None:
        self.story, self.ground, self.speech = story, ground, speech
        self.near: Near
        self._lane = Lane(story.link, story.seed)
        self._chance = random.Random(story.seed + 1000)
        self._encoder = OpusEncoder()
        self._sent: list[tuple[int, bytes]] = []
        self._copies, self._loss, self._encoded_for = 0, 0.0, 0.0
        self._sequence, self._free = 0, 0.0
        self._history: History[tuple[int, Piece]] = History()
        self._key = True
        self.repairs = 0
        ground.at(0.02, lambda: self._speak(0))
        if story.video:
            ground.at(0.005, lambda: self._film(0))

    def _do(self, moment: float, what: Callable[[], None]) -> None:
        self.ground.at(delayed(self.story.sender_slow, moment), what)

    def _speak(self, number: int) -> None:
        at = number * FRAME % (len(self.speech) - FRAME)
        payload = self._encoder.encode(self.speech[at : at + FRAME])
        timestamp = number * FRAME
        copies = self._sent[-self._copies :] if self._copies else []
        self._sent = [*self._sent[-1:], (timestamp, payload)]
        size = len(payload) + sum(len(p) for _, p in copies) + 60
        arrival = self._lane.take(self.ground.now, size)
        if arrival is not None:
            self.near.post(arrival, lambda: self.near.take_sound(timestamp, payload, copies, arrival))
        self._do((number + 2) * 0.02, lambda: self._speak(number + 1))

    def _film(self, number: int) -> None:
        key, self._key = self._key, False
        size = int((KEYFRAME if key else PICTURE) * self._chance.uniform(0.7, 1.3))
        count = -(-size // PACKET)
        for index in range(count):
            opens = key and index == 0
            piece = Piece(number * 90000 // FPS, index == count - 1, opens, b"x", opens)
            self._free = max(self._free + SPACING, self.ground.now + ENCODING)
            self._do(self._free, lambda piece=piece: self._send(piece))  # type: ignore[misc]
        self._do((number + 1) / FPS + 0.005, lambda: self._film(number + 1))

    def _send(self, piece: Piece) -> None:
        sequence, self._sequence = self._sequence, (self._sequence + 1) & 0xFFFF
        self._history.keep(sequence, (sequence, piece), self.ground.now)
        self._across(sequence, piece, False)

    def _across(self, sequence: int, piece: Piece, repaired: bool) -> None:
        arrival = self._lane.take(self.ground.now, PACKET + 60)
        if arrival is not None:
            self.near.post(arrival, lambda: self.near.take_piece(sequence, piece, arrival, repaired))

    def asked(self, sequences: list[int]) -> None:
        for sequence in sequences:
            kept = self._history.ask(sequence, self.ground.now, 2 * self.story.link.delay)
            if kept is None:
                continue
            self.repairs += 1
            for copy in range(2 if self._loss >= REPEAT_FROM else 1):
                self._do(self.ground.now + copy * REPEAT_GAP, lambda kept=kept: self._across(*kept, True))  # type: ignore[misc]

    def asked_for_key(self) -> None:
        self._key = True

    def reported(self, fraction: float) -> None:
        """As `Sending` and `VoiceSender` take a report."""
        self._loss = max(fraction, 0.8 * self._loss + 0.2 * fraction)
        if self._loss >= RED_TWICE_FROM:
            self._copies = 2
        elif self._loss >= RED_FROM:
            self._copies = max(self._copies, 1)
        elif self._loss < RED_UNTIL:
            self._copies = 0
        self._encoder.set_loss(self._loss)


class Near:
    """The receiver: joins the pure objects as `Receiving`, `VoiceReceiver` and `PictureReceiver` do."""

    def __init__(self, story: Story, ground: Ground, far: Far) -> None:
        self.story, self.ground, self.far = story, ground, far
        self.heard: list[Heard] = []
        self.seen: list[tuple[float, float]] = []
        """When each picture was shown, and how old it was."""
        self.playout = AudioPlayout(OpusDecoder())
        self.sync, self.clock, self.line = LipSync(), PictureClock(), TimeLine()
        self.nacks, self.buffer = NackTracker(), VideoBuffer()
        self.nacks.rtt = 2 * story.link.delay
        self._lane = Lane(story.link, story.seed + 500)
        self._beat: Beat | None = None
        self._shown_at = self._decoded_at = 0.0
        self._read_at = 0.0
        self._got = 0
        self._key = False
        self._highest = -1
        self.overtaken: list[float] = []
        """When pictures were left out because they were too old and a younger one was complete."""
        ground.at(0.0, self._tick)
        ground.at(1.0, lambda: self._report(-1, 0))

    def post(self, arrival: float, do: Callable[[], None]) -> None:
        """A packet: read when the machine has time, before anything else that is due then."""
        moment = delayed(self.story.receiver_slow, arrival)
        if moment > arrival:
            moment = self._read_at = max(moment, self._read_at + READING)
        self.ground.at(moment, do, rank=0)

    def _do(self, moment: float, what: Callable[[], None]) -> None:
        self.ground.at(delayed(self.story.receiver_slow, moment), what)

    # --- sound

    def take_sound(self, timestamp: int, payload: bytes, copies: list[tuple[int, bytes]], arrival: float) -> None:
        self._got += 1
        self._highest = max(self._highest, timestamp // FRAME)
        self.playout.buffer.insert(timestamp, payload, arrival)
        for copy in copies:
            self.playout.buffer.insert_copy(*copy, arrival)
        if self._beat is None:
            self._beat = Beat(self.ground.now)
            self._play(self._beat)
        self._beat.read(arrival, self.ground.now)

    def _play(self, beat: Beat) -> None:
        wait = beat.wait(self.ground.now)
        if not wait:
            samples = self.playout.step(beat.due)
            self._listen(beat.due, samples)
            beat.played(len(samples) / RATE)
            wait = max(0.0, beat.due - self.ground.now)
        self._do(self.ground.now + wait, lambda: self._play(beat))

    def _listen(self, due: float, samples: Samples) -> None:
        age = None
        if self.playout.timestamp is not None:
            buffer, age = self.playout.buffer, due - self.playout.timestamp / RATE
            if due > 1.0 and self.story.video:
                buffer.floor = self.sync.heard(age, buffer.last_delay, buffer.need)
        self.heard.append(Heard(self.ground.now, samples, age))

    # --- picture

    def take_piece(self, sequence: int, piece: Piece, arrival: float, repaired: bool) -> None:
        self._key = not self.nacks.arrived(sequence, arrival, repaired=repaired) or self._key
        if self.buffer.fresh and not piece.opens:
            self.nacks.began_late(sequence, arrival)
        pictures = self.buffer.add(sequence, piece, arrival)
        for picture in pictures:
            self._decoded_at = max(self.ground.now, self._decoded_at) + DECODING
            last = picture is pictures[-1]
            self._do(self._decoded_at, lambda picture=picture, last=last: self._show(picture, arrival, last))  # type: ignore[misc]

    def _show(self, picture: EncodedPicture, arrived: float, last: bool) -> None:
        now = self.ground.now
        at = self.clock.place(self.line.place(picture.timestamp), arrived, now, last=last)
        captured = picture.timestamp / 90000 + 0.005
        wait = self.sync.arrived(self.clock.meant - captured, at - captured) if now > 1.0 else 0.0
        if wait < 0 and not last:
            self.overtaken.append(now)
            return
        at = self._shown_at = max(at + max(wait, 0.0), self._shown_at)
        self._do(at, lambda: self.seen.append((self.ground.now, self.ground.now - captured)))

    def _tick(self) -> None:
        now = self.ground.now
        missing = self.nacks.due(now)
        key = self.buffer.keyframe_due(now) or self._key
        self._key = False
        if missing and (there := self._lane.take(now, 80)) is not None:
            self.far._do(there, lambda: self.far.asked(missing))
        if key and (there := self._lane.take(now, 80)) is not None:
            self.far._do(there, self.far.asked_for_key)
        self._do(now + 0.01, self._tick)

    def _report(self, highest: int, got: int) -> None:
        expected = self._highest - highest
        fraction = max(0.0, 1 - (self._got - got) / expected) if expected else 0.0
        there = self._lane.take(self.ground.now, 80)
        if there is not None:
            self.far._do(there, lambda: self.far.reported(fraction))
        highest, got = self._highest, self._got
        self._do(self.ground.now + 1.0, lambda: self._report(highest, got))

    @property
    def stats(self) -> JitterStats:
        return self.playout.buffer.stats


def tell(story: Story, speech: Samples) -> Near:
    """Let it happen; what was heard and seen is in the result."""
    ground = Ground()
    far = Far(story, ground, speech)
    near = far.near = Near(story, ground, far)
    ground.run(story.seconds)
    return near
