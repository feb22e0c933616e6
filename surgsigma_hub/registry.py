"""Finds sources by name: every module of ``loaders/`` that defines a :class:`Source`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache

from .errors import SurgSigmaError, UnknownNameError
from .source import Source


@cache
def _registry() -> dict[str, type[Source]]:
    from . import loaders  # the one place that imports loaders

    found: dict[str, type[Source]] = {}
    for module_info in pkgutil.iter_modules(loaders.__path__):
        module = importlib.import_module(f"{loaders.__name__}.{module_info.name}")
        classes = [
            c
            for _, c in inspect.getmembers(module, inspect.isclass)
            if issubclass(c, Source) and c.__module__ == module.__name__
        ]
        if len(classes) != 1 or classes[0].info.name != module_info.name:
            raise SurgSigmaError(
                f"loaders/{module_info.name}.py must define exactly one Source whose info.name is {module_info.name!r}"
            )
        found[module_info.name] = classes[0]
    return dict(sorted(found.items()))


def all_sources() -> dict[str, type[Source]]:
    """Every source by name: one module of ``loaders/`` each."""
    return dict(_registry())


def get_source(name: str) -> type[Source]:
    """The source of that name.

    Raises:
        UnknownNameError: with the closest known names.
    """
    try:
        return _registry()[name]
    except KeyError:
        raise UnknownNameError("source", name, _registry()) from None
