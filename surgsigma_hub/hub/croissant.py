"""``croissant.json`` of a tree: what is in it in the form that dataset search engines read (Croissant 1.0).

Its records are the rows of the catalog, which any reader of Parquet has; the shards are named as files.
"""

from __future__ import annotations

from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from ..errors import MissingExtraError
from ..schema import FORMAT_VERSION
from ..visible import visible
from ..whole_files import write_atomic
from .citations import bibtex
from .tree_facts import TreeFacts

PLACE = "croissant.json"
LOG = "assets/croissant.log"
"""What mlcroissant said of it, beside it."""

_TYPES = {"frame_index": "sc:Integer", "width": "sc:Integer", "height": "sc:Integer", "boxes": "sc:Integer",
          "reasoning_level": "sc:Integer", "offset": "sc:Integer", "bytes": "sc:Integer", "fps": "sc:Float",
          "start_seconds": "sc:Float", "end_seconds": "sc:Float"}  # fmt: skip
_REPEATED = ("labels", "members")
_COLUMNS = (
    "id", "task", "family", "source", "split", "specialty", "procedure", "video_id", "canonical_video_id",
    "frame_index", "fps", "start_seconds", "end_seconds", "width", "height", "license", "answer", "labels", "boxes",
    "reasoning_level", "label_origin", "members", "shard", "offset", "bytes",
)  # fmt: skip
_LICENSES = {
    "cc0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "mit": "https://opensource.org/license/mit",
    "apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
}


def croissant(facts: TreeFacts) -> bytes:
    """The description of a tree; the same tree gives the same bytes."""
    whole = facts.held()
    synthetic = " All of them are drawn by a program." if all(map(facts.synthetic, facts.sources)) else ""
    text = (
        f"Surgical multimodal conversations: {whole.samples:,} samples of {whole.videos:,} surgeries, "
        f"{len(facts.tasks)} tasks, from {', '.join(facts.named(s) for s in facts.sources)}.{synthetic} Each sample "
        "names its licence."
    )
    made = {
        "@context": orjson.loads((resources.files(__package__) / "croissant_context.json").read_bytes()),
        "@type": "sc:Dataset",
        "name": "surgsigma",
        "description": visible(text, keep=""),
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "citeAs": bibtex(facts.sources),
        "license": [_license(one) for one in sorted({facts.license(s) for s in facts.sources})],
        "url": "https://huggingface.co/datasets",
        "version": f"{FORMAT_VERSION}.0",
        "distribution": [
            _files("catalog", "catalog/*.parquet", "application/x-parquet", "One row per sample, no media."),
            _files("shards", "data/*/*/*.tar", "application/x-tar", "Samples: JSON and media, adjacent."),
            _files("manifests", "data/*/*/*.manifest.json", "application/json", "sha256 of every shard."),
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "samples",
                "name": "samples",
                "description": "One record per sample; shard, offset and bytes say where it lies.",
                "key": {"@id": "samples/id"},
                "field": [_field(name) for name in _COLUMNS],
            }
        ],
    }
    return orjson.dumps(made, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def check_croissant(tree: Path) -> bool:
    """Hold the description of a tree against mlcroissant, and keep what it says beside it.

    Returns:
        Whether it is a valid description.

    Raises:
        MissingExtraError: mlcroissant is not installed.
    """
    try:
        import mlcroissant
    except ImportError:
        raise MissingExtraError("mlcroissant", "croissant", purpose="validating croissant.json") from None
    try:
        issues = mlcroissant.Dataset(jsonld=str(tree / PLACE)).metadata.ctx.issues
        errors, warnings = sorted(map(str, issues.errors)), sorted(map(str, issues.warnings))
    except (mlcroissant.ValidationError, OSError, ValueError) as error:
        errors, warnings = [str(error)], []
    lines = [f"mlcroissant {version('mlcroissant')} on {PLACE}: {'not valid' if errors else 'valid'}"]
    lines += [f"error: {one}" for one in errors] + [f"warning: {one}" for one in warnings]
    (tree / LOG).parent.mkdir(exist_ok=True)
    write_atomic(tree / LOG, "\n".join((*lines, "")).encode())
    return not errors


def _files(name: str, includes: str, form: str, description: str) -> dict[str, Any]:
    return {"@type": "cr:FileSet", "@id": name, "name": name, "description": description, "encodingFormat": form,
            "includes": includes}  # fmt: skip


def _field(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"samples/{name}",
        "name": name,
        "description": f"Column {name} of the catalog.",
        "dataType": _TYPES.get(name, "sc:Text"),
        "source": {"fileSet": {"@id": "catalog"}, "extract": {"column": name}},
    }
    return {**found, "repeated": True} if name in _REPEATED else found


def _license(id: str) -> str:
    if id in _LICENSES:
        return _LICENSES[id]
    if id.startswith("cc-by-"):
        kind, _, version = id.removeprefix("cc-").rpartition("-")
        return f"https://creativecommons.org/licenses/{kind}/{version}/"
    return id
