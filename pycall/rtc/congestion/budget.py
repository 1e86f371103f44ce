"""Divides one peer's bits: sound first, then what repair will need, and the rest among the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_REPAIR = 0.3
"""Share of what sound leaves that repair may get: with more loss than that, repairing cannot keep up."""
REPAIR_FACTOR = 1.2
"""Retransmissions are lost too."""
LEAST_LOSS = 0.01
"""Loss below that is repaired out of the estimate's own reserve."""
LEAST_VIDEO = 60_000
"""bit/s below which a picture is not worth sending."""


@dataclass(frozen=True, slots=True)
class Budget:
    """bit/s for each; a picture that gets 0 is not to be sent."""

    audio: int
    repair: int
    videos: tuple[int, ...]


def split(target: float, audio: float, loss: float, videos: Sequence[float]) -> Budget:
    """Divide `target` bit/s: `audio` is what sound wants with its headers, `loss` the share of packets lost (0 to 1),
    `videos` what each picture could use at the most, the most important first.

    Each picture gets an equal share; what one cannot use goes to the others; if a share would be under `LEAST_VIDEO`,
    the last pictures get nothing.
    """
    sound = min(audio, target)
    rest = target - sound
    loss = min(max(loss, 0.0), 0.5)
    share = min(REPAIR_FACTOR * loss / (1 - loss), MOST_REPAIR) if loss >= LEAST_LOSS else 0.0
    repair = rest * share / (1 + share) if videos else 0.0
    return Budget(int(sound), int(repair), _shares(rest - repair, videos))


def _shares(rest: float, videos: Sequence[float]) -> tuple[int, ...]:
    wanted = list(videos)
    while wanted and rest / len(wanted) < min(LEAST_VIDEO, *wanted):
        wanted.pop()
    shares = [0.0] * len(videos)
    left, open_ones = rest, len(wanted)
    for index in sorted(range(len(wanted)), key=lambda i: wanted[i]):
        shares[index] = min(wanted[index], left / open_ones)
        left -= shares[index]
        open_ones -= 1
    return tuple(int(share) for share in shares)
