"""Shared readers of native formats."""
