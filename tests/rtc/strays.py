"""Datagrams that nobody should send, and somebody who sends them."""

from __future__ import annotations

import os
import socket
import struct

from tests.rtc.stage import End

HELLO_HEADER = bytes.fromhex("16feff0000000000000000002f010000230000000000000023fefd")
CLIENT_HELLO = HELLO_HEADER + bytes(32) + b"\0\0\0\x02\0\0\x01\0"
FATAL_ALERT = bytes.fromhex("15fefd000000000000000000020228")
CLOSE_NOTIFY = bytes.fromhex("15fefd000000000000000100020100")
STUN_COOKIE = bytes.fromhex("2112a442")
STRAYS = {
    "empty": b"",
    "one byte": b"\x16",
    "2000 bytes that look like RTP": b"\x80" * 2000,
    "2000 bytes that look like DTLS": b"\x16" * 2000,
    "RTP": b"\x80\x60" + bytes(100),
    "RTCP": b"\x80\xc8\x00\x06" + bytes(24),
    "client hello": CLIENT_HELLO,
    "fatal alert": FATAL_ALERT,
    "close notify": CLOSE_NOTIFY,
    "STUN with a short attribute": struct.pack("!HH", 1, 8) + STUN_COOKIE + bytes(12) + struct.pack("!HHI", 0x24, 1, 0),
    "STUN with bad text": struct.pack("!HH", 1, 8) + STUN_COOKIE + bytes(12) + struct.pack("!HH", 6, 4) + b"\xff" * 4,
    "STUN without a signature": struct.pack("!HH", 1, 0) + STUN_COOKIE + bytes(12),
    "STUN cut off": struct.pack("!HH", 1, 400) + STUN_COOKIE + bytes(12),
    "noise": os.urandom(300),
}


class Stranger:
    """Two sockets that send every stray to every address of an end."""

    def __init__(self) -> None:
        # Plain sockets: asyncio's transports do not send an empty datagram.
        self._sockets = {
            4: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            6: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
        }
        for one in self._sockets.values():
            one.setblocking(False)

    def throw(self, end: End, other: str) -> int:
        """How many datagrams were sent."""
        peer = end.mesh.peers.get(other)
        sent = 0
        for candidate in peer.ice.local_candidates if peer and peer.ice else []:
            for stray in STRAYS.values():
                one = self._sockets[6 if ":" in candidate.host else 4]
                one.sendto(stray, (candidate.host, candidate.port))
                sent += 1
        return sent

    def close(self) -> None:
        for one in self._sockets.values():
            one.close()
