"""Choosing what runs the units of a build, by name."""

from __future__ import annotations

from pathlib import Path

from ..errors import BuildError, UnknownNameError
from .ray_engine import RayEngine
from .slurm_engine import SlurmEngine
from .units import ENGINES, Engine


def chosen_engine(name: str, *, address: str | None, folder: Path) -> Engine | None:
    """The engine of that name; None: processes of this machine.

    Args:
        name: One of :data:`surgsigma_hub.building.units.ENGINES`.
        address: Of the cluster, as the engine names it.
        folder: On the disk that all nodes share, for what an engine writes while it runs.

    Raises:
        UnknownNameError: there is none.
        BuildError: an address where none belongs.
    """
    if name == "ray":
        return RayEngine(address or "auto")
    if name == "slurm":
        return SlurmEngine.at(address, folder)
    if name != "processes":
        raise UnknownNameError("engine", name, ENGINES)
    if address is not None:
        raise BuildError(f"address {address!r} without an engine", hint="Add --engine ray or --engine slurm.")
    return None
