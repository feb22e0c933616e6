"""Opt-in: make the bare ``datasets.load_dataset("surgsigma", ...)`` work from any folder.

``datasets`` has no way to register a dataset, so this wraps one private function of it, in the two modules that use it.
A folder ``surgsigma`` in the current folder keeps the first word, as it has without us.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import SurgSigmaError
from .index import DEFAULT_TREE, open_index

_FUNCTION = "dataset_module_factory"


@dataclass(frozen=True, slots=True)
class _Target:
    path: str
    revision: str | None


_target: _Target | None = None
_originals: dict[str, Any] = {}


def _modules() -> dict[str, Any]:
    import datasets.inspect
    import datasets.load

    return {"datasets.load": datasets.load, "datasets.inspect": datasets.inspect}


def check_patchable() -> None:
    """Make sure that this version of ``datasets`` still has what :func:`register` wraps.

    Raises:
        SurgSigmaError: it has not.
    """
    import datasets

    modules = _modules()
    callers = (
        (modules["datasets.load"], "load_dataset_builder"),
        (modules["datasets.inspect"], "get_dataset_config_names"),
    )
    for module, caller in callers:
        code = getattr(getattr(module, caller, None), "__code__", None)
        factory = getattr(module, _FUNCTION, None)
        if factory is None or code is None or _FUNCTION not in code.co_names:
            raise SurgSigmaError(
                f"datasets {datasets.__version__} no longer resolves names through {module.__name__}.{_FUNCTION}",
                hint="Use surgsigma_hub.load_dataset, or load from the folder that holds ./surgsigma.",
            )


def register(path: str | Path | None = None, *, revision: str | None = None) -> None:
    """Let ``datasets.load_dataset("surgsigma", ...)`` mean the given tree, in this process, from any folder.

    The columns are those of the tars, as with the bare call beside the folder; :func:`surgsigma_hub.load_dataset` gives
    the flat ones. Calling it again changes the tree; :func:`unregister` takes it back.

    Args:
        path: A built tree, a folder with a pointer card, or ``ORG/NAME`` on the Hub. None: ``./surgsigma``, even when
            the process changes folder later.
        revision: Branch, tag or commit of a dataset on the Hub.

    Raises:
        SurgSigmaError: there is no such tree, or this version of ``datasets`` cannot be extended this way.
    """
    global _target
    check_patchable()
    open_index(path, revision=revision)  # fails here, with our words, instead of in the middle of a training script
    text = str(path) if path is not None else DEFAULT_TREE
    folder = Path(text).expanduser()
    _target = _Target(str(folder.resolve()) if folder.is_dir() else text.removeprefix("hf://datasets/"), revision)
    for name, module in _modules().items():
        if name not in _originals:
            _originals[name] = getattr(module, _FUNCTION)
            setattr(module, _FUNCTION, _wrapped(_originals[name]))


def unregister() -> None:
    """Undo :func:`register`; nothing happens where it was not called."""
    global _target
    _target = None
    for name, module in _modules().items():
        if name in _originals:
            setattr(module, _FUNCTION, _originals.pop(name))


def _wrapped(original: Any) -> Any:
    @functools.wraps(original)
    def factory(path: str, *args: Any, **kwargs: Any) -> Any:
        if path == DEFAULT_TREE and _target is not None and not Path(DEFAULT_TREE).is_dir():
            path = _target.path
            if not args and kwargs.get("revision") is None and _target.revision is not None:
                kwargs["revision"] = _target.revision
        return original(path, *args, **kwargs)

    return factory
