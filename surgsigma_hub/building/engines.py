"""Choosing what runs the units of a build, by name."""

from __future__ import annotations

from ..errors import BuildError, UnknownNameError
from .ray_engine import RayEngine
from .units import Engine


def chosen_engine(name: str, *, address: str | None) -> Engine | None:
    """The engine of that name; None: processes of this machine.

    Args:
        name: ``processes`` or ``ray``.
        address: Of the cluster, as the engine names it.

    Raises:
        UnknownNameError: there is none.
        BuildError: an address where none belongs.
    """
    if name == "ray":
        return RayEngine(address or "auto")
    if name != "processes":
        raise UnknownNameError("engine", name, ("processes", "ray"))
    if address is not None:
        raise BuildError(f"address {address!r} without an engine", hint="Add --engine ray.")
    return None
