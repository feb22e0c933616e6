"""The 18 tasks: one module and one template file each, discovered by name."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from ..errors import SurgSigmaError, UnknownNameError
from .common.base import AnswerKind, Draft, MediaIn, Task

__all__ = ["AnswerKind", "Draft", "MediaIn", "Task", "all_tasks", "get_task"]


@cache
def _registry() -> dict[str, Task]:
    found: dict[str, Task] = {}
    for module_info in pkgutil.iter_modules(__path__):
        if module_info.ispkg:
            continue
        task = getattr(importlib.import_module(f"{__name__}.{module_info.name}"), "TASK", None)
        if not isinstance(task, Task) or task.name != module_info.name:
            raise SurgSigmaError(f"tasks/{module_info.name}.py must define TASK, a Task named {module_info.name!r}")
        if task.draft is None and task.draft_course is None:
            raise SurgSigmaError(f"tasks/{module_info.name}.py: TASK needs draft, draft_course or both")
        found[task.name] = task
    return dict(sorted(found.items()))


def all_tasks() -> dict[str, Task]:
    """Every task by name."""
    return dict(_registry())


def get_task(name: str) -> Task:
    """The task of that name.

    Raises:
        UnknownNameError: with the closest known names.
    """
    try:
        return _registry()[name]
    except KeyError:
        raise UnknownNameError("task", name, _registry()) from None
