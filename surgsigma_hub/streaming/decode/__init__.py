"""Bytes to pixels: images and videos, resized, in memory that is used again."""
