"""Finds sources by name: every module of ``loaders/`` that defines a :class:`Source`.

Only the module that is asked for is imported, so that a build of one source costs no more with every other source.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache

from .errors import SurgSigmaError, UnknownNameError
from .source import Source


@cache
def source_names() -> tuple[str, ...]:
    """Names of all sources, sorted; none of them is imported."""
    from . import loaders  # the one place that imports loaders

    return tuple(sorted(module.name for module in pkgutil.iter_modules(loaders.__path__)))


@cache
def _load(name: str) -> type[Source]:
    module = importlib.import_module(f"{__package__}.loaders.{name}")
    classes = [
        c
        for _, c in inspect.getmembers(module, inspect.isclass)
        if issubclass(c, Source) and c.__module__ == module.__name__
    ]
    if len(classes) != 1 or classes[0].info.name != name:
        raise SurgSigmaError(f"loaders/{name}.py must define exactly one Source whose info.name is {name!r}")
    return classes[0]


def all_sources() -> dict[str, type[Source]]:
    """Every source by name: one module of ``loaders/`` each."""
    return {name: _load(name) for name in source_names()}


def get_source(name: str) -> type[Source]:
    """The source of that name.

    Raises:
        UnknownNameError: with the closest known names.
    """
    if name not in source_names():
        raise UnknownNameError("source", name, source_names())
    return _load(name)
