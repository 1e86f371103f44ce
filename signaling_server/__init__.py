"""The signaling server: accounts of who is on which line, one judge for every race, one book of records."""
