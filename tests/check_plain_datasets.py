"""Load every config of a tree with plain `datasets`, both ways, and print a JSON summary.

Needs nothing but `datasets` (and pillow): run it with any interpreter, ``python check_plain_datasets.py TREE``. The
working folder becomes the parent of TREE, and the name given to ``load_dataset`` is the bare name of the folder.
With ``--name ORG/NAME`` that name is loaded instead, from wherever HF_ENDPOINT points.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path


def media_of(sample):
    """Decode what can be decoded of a sample: column -> size or number of bytes."""
    found = {}
    for column, value in sample.items():
        if value is None or column in ("json", "__key__", "__url__"):
            continue
        if hasattr(value, "load"):
            value.load()
            found[column] = [value.mode, *value.size]
        else:
            found[column] = {key: len(v) for key, v in value.items() if key == "bytes" and v}
    return found


def one(datasets, name, config, streaming):
    splits = {}
    loaded = datasets.load_dataset(name, config, streaming=streaming)
    for split, data in loaded.items():
        count, ids, first = 0, [], None
        declared = data.info.splits[split].num_examples
        for sample in data:
            first = first or sample
            count += 1
            ids.append(sample["json"]["id"])
        splits[split] = {
            "samples": count,
            "declared": declared,
            "unique": len(set(ids)),
            "sources": sorted({i.split("-")[0] for i in ids}),
            "features": data.features._to_yaml_list(),
            "shards": data.num_shards if streaming else None,
            "first": {
                "id": first["json"]["id"],
                "key": first["__key__"],
                "media": media_of(first),
                "json": first["json"],
            },
        }
    return splits


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tree", nargs="?", type=Path)
    parser.add_argument("--name")
    parser.add_argument("--config", action="append")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["HF_HOME"] = home
        os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
        name = args.name
        if not name:
            tree = args.tree.resolve()
            os.chdir(tree.parent)
            name = tree.name
        import datasets

        datasets.logging.set_verbosity_error()
        names = datasets.get_dataset_config_names(name)
        summary = {
            "datasets": datasets.__version__,
            "configs": names,
            "default": datasets.get_dataset_default_config_name(name),
            "streaming": {c: one(datasets, name, c, True) for c in args.config or names},
            "arrow": {c: one(datasets, name, c, False) for c in args.config or names},
        }
        os.chdir("/")
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
