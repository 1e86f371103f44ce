"""Receiving: packets into complete frames, in order, with as little waiting as the network allows."""
