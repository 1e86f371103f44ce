"""The connection to the signaling server: one WebSocket, signed in, kept alive and resumed."""
