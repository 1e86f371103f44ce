"""Filters over frames: backgrounds, beauty, noise; their libraries are imported only when one is switched on."""
