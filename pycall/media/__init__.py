"""Frames: where they begin, how they are shaped, where they end. Knows no call, no user list and no network."""
