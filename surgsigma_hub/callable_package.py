"""Packages that are functions too: ``surgsigma_hub.build(...)`` beside ``surgsigma_hub.build.run``.

Python binds a package's name in its parent once it is imported, over any function of that name. So that the public
functions keep working after that, their packages can be called.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class CallablePackage(ModuleType):
    """A package that hands a call on to the function of its name in :mod:`surgsigma_hub.api`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call ``surgsigma_hub.api.<name>``."""
        function = getattr(importlib.import_module("surgsigma_hub.api"), self.__name__.rpartition(".")[2])
        return function(*args, **kwargs)


def make_callable(name: str) -> None:
    """Make the package ``name``, which is being imported, callable."""
    sys.modules[name].__class__ = CallablePackage
