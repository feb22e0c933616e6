"""Energon over the tars, as crude samples; a file of its own, for its workers import what they run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peer_samples
from megatron.energon import (
    Cooker,
    DefaultTaskEncoder,
    Sample,
    WorkerConfig,
    basic_sample_keys,
    edataclass,
    get_loader,
    get_val_dataset,
    stateless,
)
from megatron.energon.flavors.webdataset.prepare import WebdatasetPreparator


@edataclass
class Decoded(Sample):
    """What a trainer gets."""

    sample: Any
    image: Any


@stateless
def cook(raw: dict[str, Any]) -> Decoded:
    """The members as they are."""
    return Decoded(**basic_sample_keys(raw), sample=raw["json"], image=raw["image.jpg"])


class Encoder(DefaultTaskEncoder):
    """Decodes as the other stock peers do."""

    decoder = None
    cookers = (Cooker(cook),)

    def __init__(self, work: str) -> None:
        super().__init__()
        self.work = work

    @stateless
    def encode_sample(self, found: Decoded) -> Decoded:
        """JSON and picture."""
        made = peer_samples.made(self.work, found.sample, found.image)
        found.sample, found.image = made["sample"], made["image"]
        return found

    def batch(self, found: list[Decoded]) -> Decoded:
        """The one sample of a batch."""
        return found[0]


def start(work: str, tree: Path, workers: int) -> peer_samples.Items:
    """A pass over links to the tars, beside which Energon wants files of its own."""
    folder = tree / "energon"
    if not folder.is_dir():
        folder.mkdir()
        for path in peer_samples.tars(tree):
            (folder / Path(path).name).symlink_to(path)
        names = sorted(p.name for p in folder.glob("*.tar"))
        (folder / ".nv-meta").mkdir()
        WebdatasetPreparator.prepare_dataset(folder, names, split_parts_ratio=[("val", 1.0)], workers=1)
        text = "__module__: megatron.energon\n__class__: CrudeWebdataset\n"
        (folder / ".nv-meta" / "dataset.yaml").write_text(text)
    config = WorkerConfig(rank=0, world_size=1, num_workers=workers)
    data = get_val_dataset(str(folder), worker_config=config, batch_size=1, task_encoder=Encoder(work))
    loader = get_loader(data, prefetch_factor=16) if workers else get_loader(data)
    return lambda: loader
