"""Hostile inputs by what they are; importing this package registers all of them."""

from . import documents

__all__ = ["documents"]
