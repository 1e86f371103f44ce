"""How many bits our picture may take: starts at the profile's rate and follows what the receiver can take; pure."""

from __future__ import annotations

LOWEST_BITRATE = 150_000
"""bit/s; below that a face is no longer a face."""
GROWTH = 0.08
"""Per second, while nothing speaks against it (the step of the REMB estimator itself)."""
CONGESTED = 0.9
"""An estimate under this share of what was really sent means congestion (the estimator answers overuse with 0.85)."""
WINDOW = 1.0


class VideoRate:
    """The target bitrate of one outgoing picture.

    REMB never allows more than 1.5 times what arrives, so an easy picture would pull its own limit down and the next
    scene would start starved. Hence an estimate counts as a limit only when it is below what we are sending.
    """

    def __init__(self, ceiling: int, now: float) -> None:
        self._ceiling = max(ceiling, LOWEST_BITRATE)
        self._target = float(self._ceiling)
        self._grown_at = now
        self._sent: list[tuple[float, int]] = []

    @property
    def target(self) -> int:
        """bit/s, between `LOWEST_BITRATE` and the profile's bitrate."""
        return int(self._target)

    def set_ceiling(self, ceiling: int) -> None:
        """The profile has changed: a higher one begins at its own rate unless the path was found narrow."""
        ceiling = max(ceiling, LOWEST_BITRATE)
        if self._target >= self._ceiling:
            self._target = float(ceiling)
        self._ceiling = ceiling
        self._target = min(self._target, float(ceiling))

    def sent(self, size: int, now: float) -> None:
        """`size` bytes of picture have left."""
        self._sent.append((now, size))
        while self._sent and now - self._sent[0][0] > WINDOW:
            self._sent.pop(0)

    def estimate(self, bitrate: int, now: float) -> None:
        """The receiver estimates that it can take `bitrate` (RTCP REMB)."""
        sending = sum(size for at, size in self._sent if now - at <= WINDOW) * 8 / WINDOW
        if bitrate < CONGESTED * sending:
            self._target = float(max(LOWEST_BITRATE, min(bitrate, self._ceiling)))
        else:
            grown = self._target * (1 + GROWTH * min(now - self._grown_at, 2.0))
            self._target = min(float(self._ceiling), max(grown, float(LOWEST_BITRATE)))
        self._grown_at = now
