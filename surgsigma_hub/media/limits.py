"""Most of what is decoded at a time."""

MAX_PIXELS = 64_000_000
"""Larger pictures are refused: no surgical camera makes them, and decoding them could exhaust memory."""
