"""One call as one user lives through it: its states, and the table of everything that can happen to them.

              dial()                            invited
 (no call) ───────────► DIALING     (no call) ───────────► RINGING
                          │ somebody joined                   │ accept()
                          ▼                                   │
                      CONNECTING ◄────────────────────────────┘
                          │ media to a peer is up
                          ▼
                      CONNECTED ⇄ RECONNECTING        (media to the last peer is lost / a peer is up again)

 every state ── hangup() / reject() / deadline ──► LEAVING ── the server's word, or 3 s ──► (no call)
 every state ── the server's word ──► (no call)

"No call" is no state: a line without a call simply has none, and the end of a call is an event.
"""

from __future__ import annotations

from enum import Enum


class CallState(Enum):
    """Where the one call of a line stands."""

    DIALING = "dialing"
    """We called; nobody has answered yet."""
    RINGING = "ringing"
    """Somebody calls us; our user has not answered yet."""
    CONNECTING = "connecting"
    """It was answered; media is not up yet."""
    CONNECTED = "connected"
    """The conversation: media to at least one peer is up."""
    RECONNECTING = "reconnecting"
    """The conversation, but media to every peer is lost at the moment."""
    LEAVING = "leaving"
    """Hung up here: media has stopped, the server's word on how it ended is awaited."""
