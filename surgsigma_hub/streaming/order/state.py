"""The state of a stream: a few hundred bytes of JSON that hold on any number of ranks, workers and threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ...errors import SurgSigmaError
from .permutation import ORDER_VERSION, Shuffle

_MUST_AGREE = {
    "data": "other data: another tree, build, split, config, mixture or filter",
    "samples": "another number of samples",
    "shuffle": "another way of shuffling",
    "interleave": "another interleaving",
    "seed": "another seed",
}


@dataclass(frozen=True, slots=True)
class State:
    """Where a stream stands.

    Attributes:
        data: Fingerprint of the samples and their shares.
        samples: Samples of an epoch.
        shuffle: Kind of order.
        interleave: Lanes of a block shuffle, 0 for other kinds.
        position: Samples of the epoch that were delivered, by all ranks together.
        order: Version of the order's definition.
    """

    data: str
    samples: int
    shuffle: Shuffle
    interleave: int
    seed: int
    epoch: int
    position: int
    order: int = ORDER_VERSION

    def to_json(self) -> dict[str, Any]:
        """As a dict of strings and integers."""
        return asdict(self)


def read_state(raw: Mapping[str, Any], *, here: State) -> State:
    """The state in ``raw``, if it is of the stream that stands at ``here``.

    Raises:
        SurgSigmaError: no state, of another version of the order, or of another stream; says in what they differ.
    """
    if not isinstance(raw, Mapping):
        raise SurgSigmaError(
            f"this is not the state of a stream, but of type {type(raw).__name__}",
            hint="Expected what state_dict() gave, whole.",
        )
    if "stream" in raw and "taken" in raw:
        raise SurgSigmaError(
            "this is the state of a loader, not of a stream",
            hint="Load it into stream.torch(...), or save its state_after(samples), which a stream takes.",
        )
    expected = {field.name: type(getattr(here, field.name)) for field in fields(State)}
    wrong = [name for name, kind in expected.items() if type(raw.get(name)) is not kind]
    if wrong:
        raise SurgSigmaError(
            f"this is not the state of a stream ({', '.join(wrong)} missing or of the wrong kind)",
            hint="Expected what state_dict() gave, whole.",
        )
    if raw["order"] != here.order:
        raise SurgSigmaError(
            f"checkpoint from shuffle-order version {raw['order']} cannot be resumed with version {here.order}",
            hint="Finish the run with the version of surgsigma-hub that it was begun with.",
        )
    for name, what in _MUST_AGREE.items():
        if raw[name] != getattr(here, name):
            raise SurgSigmaError(
                f"the state belongs to {what} ({name} {raw[name]!r}, here {getattr(here, name)!r})",
                hint="Open the stream with the arguments that it was saved with.",
            )
    if raw["epoch"] < 0 or not 0 <= raw["position"] <= here.samples:
        raise SurgSigmaError(f"the state names epoch {raw['epoch']}, position {raw['position']} of {here.samples}")
    return State(**{name: raw[name] for name in expected})
