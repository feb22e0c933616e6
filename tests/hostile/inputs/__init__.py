"""Hostile inputs by what they are; importing this package registers all of them."""

from . import documents, manifests

__all__ = ["documents", "manifests"]
