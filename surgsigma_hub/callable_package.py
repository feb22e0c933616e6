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
    """A package that hands a call on to the function of its name in the module ``home``."""

    home: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        function = getattr(importlib.import_module(self.home), self.__name__.rpartition(".")[2])
        return function(*args, **kwargs)


def make_callable(name: str, home: str = "surgsigma_hub.api") -> None:
    """Make the package ``name``, which is being imported, callable as the function of its name in ``home``."""
    package = sys.modules[name]
    package.__class__ = CallablePackage
    package.__dict__["home"] = home
