"""Media connections: the only package that knows aiortc and aioice."""
