"""Ready-made bots: echo, play and record."""
