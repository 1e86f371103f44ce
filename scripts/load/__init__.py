"""Load on the signaling server: how fast it is, and whether it loses anything when it is killed."""
