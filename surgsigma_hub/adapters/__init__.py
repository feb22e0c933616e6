"""From samples to the records that trainers eat: one module in ``formats`` each, discovered by name.

With ``adapter = get_adapter("trl")``, ``adapter.item(item)`` is the record of what ``stream`` delivers, and
``ds.filter(adapter.accepts).map(adapter.row, remove_columns=ds.column_names)`` makes those of a streamed
``load_dataset``. (Not streamed, ``datasets`` would encode every picture anew; files come from ``exporting``.)

>>> from surgsigma_hub.adapters import get_adapter
>>> get_adapter("trl").videos
('frames',)
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from ..errors import SurgSigmaError, UnfitError, UnknownNameError
from . import formats
from .base import REASONS, Adapter, Options
from .boxes import FAMILIES, Boxes, SmartResize, TrainerResize, find_boxes

__all__ = [
    "FAMILIES",
    "REASONS",
    "Adapter",
    "Boxes",
    "Options",
    "SmartResize",
    "TrainerResize",
    "UnfitError",
    "all_adapters",
    "find_boxes",
    "get_adapter",
]


@cache
def _registry() -> dict[str, Adapter]:
    found: dict[str, Adapter] = {}
    for module_info in pkgutil.iter_modules(formats.__path__):
        adapter = getattr(importlib.import_module(f"{formats.__name__}.{module_info.name}"), "ADAPTER", None)
        if not isinstance(adapter, Adapter) or adapter.name != module_info.name:
            raise SurgSigmaError(
                f"adapters/formats/{module_info.name}.py must define ADAPTER, an Adapter named {module_info.name!r}"
            )
        found[adapter.name] = adapter
    return dict(sorted(found.items()))


def all_adapters() -> dict[str, Adapter]:
    """Every format by name."""
    return dict(_registry())


def get_adapter(name: str) -> Adapter:
    """The format of that name.

    Raises:
        UnknownNameError: with the closest known names.
    """
    try:
        return _registry()[name]
    except KeyError:
        raise UnknownNameError("format", name, _registry()) from None
