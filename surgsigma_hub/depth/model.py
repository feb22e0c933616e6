"""A depth-estimation model of the transformers library. The only module that needs torch, and only when it is used."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import orjson

from ..errors import MissingExtraError, SurgSigmaError
from .encode import Sense

logger = logging.getLogger(__name__)

DEFAULT_MODEL = "depth-anything/Depth-Anything-V2-Small-hf"
"""Apache-2.0. The Base and Large models of the family are CC BY-NC 4.0: not for commercial use."""

Device = Literal["cpu", "cuda", "auto"]
_SETTINGS = (
    "do_resize", "size", "keep_aspect_ratio", "ensure_multiple_of", "resample",
    "do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std",
)  # fmt: skip
"""What an image processor does to a picture; other settings come and go with versions of the library."""

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Which model it is, see :class:`~surgsigma_hub.depth.cache.Header`."""

    model: str
    sha256: str
    revision: str | None = None
    commit: str | None = None
    processor: Mapping[str, Any] = field(default_factory=dict)


class Estimator(Protocol):
    """What a run needs of a model."""

    card: Card
    sense: Sense

    def predict(self, pictures: Sequence[Pixels]) -> list[Floats]:
        """A value per pixel of each picture."""


class DepthModel:
    """A Depth Anything model (V1 or V2, relative or metric) with its image processor.

    Args:
        model: Hub id, or a folder written by ``save_pretrained``.
        revision: Branch, tag or commit of a hub repository.
        device: ``auto`` takes a GPU where there is one.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        SurgSigmaError: no such model, no model in the folder, no network, not a depth model, no such device.
    """

    def __init__(self, model: str = DEFAULT_MODEL, *, revision: str | None = None, device: Device = "auto") -> None:
        self._torch = _torch()
        where = _place(model)
        self._device = _device(self._torch, device)
        self._processor, self._model = _load(where, revision)
        self._model = self._model.float().eval().to(self._device)
        self.sense = _sense(self._model.config, model)
        stated = self._processor.to_dict()
        settings = orjson.loads(orjson.dumps({k: stated[k] for k in _SETTINGS if k in stated}))  # as read again
        local = Path(where).is_dir()
        self.card = Card(
            model=Path(where).resolve().name if local else model,
            sha256=_digest(self._model),
            revision=None if local else revision,
            commit=None if local else _commit(self._model, where, revision),
            processor=settings,
        )

    def predict(self, pictures: Sequence[Pixels]) -> list[Floats]:
        """The raw prediction for every ``(H, W, 3)`` uint8 picture, resized to it: float32 ``(H, W)``.

        Pictures of one size go through the model together. On one machine the same batch gives the same values; other
        batches may differ in the last bits of a float.
        """
        made: dict[int, Floats] = {}
        sizes = dict.fromkeys(p.shape for p in pictures)
        for size in sizes:
            places = [n for n, p in enumerate(pictures) if p.shape == size]
            for n, depth in zip(places, self._together([pictures[n] for n in places]), strict=True):
                made[n] = depth
        return [made[n] for n in range(len(pictures))]

    def _together(self, pictures: list[Pixels]) -> Floats:
        torch = self._torch
        inputs = self._processor(images=pictures, return_tensors="pt", input_data_format="channels_last")
        with torch.inference_mode():
            depth = self._model(**inputs.to(self._device)).predicted_depth
            depth = torch.nn.functional.interpolate(
                depth[:, None], size=pictures[0].shape[:2], mode="bicubic", align_corners=False
            )
        values: Floats = depth[:, 0].float().cpu().numpy()
        return values


def _torch() -> Any:
    for package in ("torch", "transformers"):
        try:
            module = __import__(package)
        except ImportError:
            raise MissingExtraError(package, "depth", purpose="estimating depth") from None
        if package == "torch":
            torch = module
    return torch


def _place(model: str) -> str:
    """A folder as it is to be opened, or the hub id."""
    path = Path(model).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise SurgSigmaError(
                f"no model in the folder {model}: it has no config.json",
                hint="Expected a folder written by save_pretrained: config.json, preprocessor_config.json and "
                "model.safetensors.",
            )
        return str(path)
    if path.is_file() or not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", model) or model.startswith("."):
        raise SurgSigmaError(
            f"no model at {model}: it is neither a folder nor a hub id",
            hint=f"Give a folder written by save_pretrained, or OWNER/NAME, for example {DEFAULT_MODEL}.",
        )
    return model


def _device(torch: Any, asked: Device) -> str:
    there = bool(torch.cuda.is_available())
    if asked == "cuda" and not there:
        raise SurgSigmaError("device cuda was asked for, but torch sees no GPU here", hint="Use --device cpu or auto.")
    return "cuda" if there and asked != "cpu" else "cpu"


def _load(where: str, revision: str | None) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoImageProcessor, AutoModelForDepthEstimation

    hint = (
        f"Give --model a folder written by save_pretrained, or a hub id, for example {DEFAULT_MODEL}. Without a "
        "network, download the model elsewhere and give its folder."
    )
    options = {} if Path(where).is_dir() or revision is None else {"revision": revision}
    try:
        config = AutoConfig.from_pretrained(where, **options)  # first, and alone: without a network this fails soonest
    except (OSError, ValueError) as error:
        raise SurgSigmaError(f"model {where} cannot be loaded: {_first_line(error)}", hint=hint) from None
    if type(config) not in AutoModelForDepthEstimation._model_mapping:
        raise SurgSigmaError(
            f"{where} is not a depth-estimation model, but of the kind {config.model_type!r}", hint=hint
        )
    _sense(config, where)
    try:
        processor = AutoImageProcessor.from_pretrained(where, **options)
        model, loading = AutoModelForDepthEstimation.from_pretrained(where, output_loading_info=True, **options)
    except ImportError as error:
        raise SurgSigmaError(f"model {where} needs one more package: {_first_line(error)}") from None
    except Exception as error:  # damaged weights raise kinds of their own, from several libraries
        raise SurgSigmaError(f"model {where} cannot be loaded: {_first_line(error)}", hint=hint) from None
    if absent := sorted(loading["missing_keys"]):  # the library would fill them with random numbers and go on
        raise SurgSigmaError(
            f"model {where} lacks {len(absent)} of its weights, {absent[0]} among them", hint="Download it again."
        )
    return processor, model


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:300]


def _sense(config: Any, name: str) -> Sense:
    """Which way a model predicts. Nothing in a checkpoint says so in general: only a family that is known is taken."""
    if config.model_type != "depth_anything":
        raise SurgSigmaError(
            f"{name} is a depth model of the kind {config.model_type!r}, and it is not known here whether "
            "its larger values are nearer or farther",
            hint=f"Use a Depth Anything model, for example {DEFAULT_MODEL}.",
        )
    return Sense.FARTHER if getattr(config, "depth_estimation_type", "relative") == "metric" else Sense.NEARER


def _digest(model: Any) -> str:
    """sha256 of all weights by name: the same for a hub repository and for a copy of it in a folder."""
    digest = hashlib.sha256()
    for name, values in sorted(model.state_dict().items()):
        array = values.detach().cpu().contiguous().numpy()
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    digest.update(f"{model.config.model_type} {getattr(model.config, 'depth_estimation_type', '')}".encode())
    return digest.hexdigest()


def _commit(model: Any, name: str, revision: str | None) -> str | None:
    """The hub commit that was loaded: newer transformers do not keep it, the cache of the hub's client does."""
    known = getattr(model.config, "_commit_hash", None)
    if known:
        return str(known)
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, "config.json", revision=revision)
    parts = Path(found).parts if isinstance(found, str) else ()
    return parts[parts.index("snapshots") + 1] if "snapshots" in parts else None
