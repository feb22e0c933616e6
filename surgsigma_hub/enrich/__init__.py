"""Enriching: captions and traces of a built tree in a model's words, kept only where a checker finds no false claim."""

from ..callable_package import make_callable

make_callable(__name__)
