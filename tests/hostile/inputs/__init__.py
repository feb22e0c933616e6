"""Hostile inputs by what they are; importing this package registers all of them."""

from . import documents, manifests, natives

__all__ = ["documents", "manifests", "natives"]
