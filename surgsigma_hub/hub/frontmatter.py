"""The YAML block at the top of a card: read strictly, written the same way every time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ..errors import ShardError
from ..schema import check_format_version

OURS = "surgsigma"
"""Key of the front matter that holds our own facts: the format version, and what a pointer card points at."""


class _Dumper(yaml.SafeDumper):
    """Block style, lists indented, and anchors that read as what they are."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def generate_anchor(self, node: yaml.Node) -> str:
        return f"features{super().generate_anchor(node)[2:]}"


def dump_yaml(mapping: Mapping[str, Any]) -> str:
    """``mapping`` as YAML; a list or mapping that occurs twice *as the same object* is written once, as an anchor."""
    text: str = yaml.dump(dict(mapping), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return text


def join_card(mapping: Mapping[str, Any], body: str) -> bytes:
    """A whole card."""
    return f"---\n{dump_yaml(mapping)}---\n\n{body.strip()}\n".encode()


def split_card(text: str, *, where: str) -> tuple[dict[str, Any], str]:
    """The front matter and the body of a card; an empty mapping where the card has none.

    Raises:
        ShardError: the front matter is not a YAML mapping.
    """
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---" or "---" not in lines[1:]:
        return {}, text
    end = lines.index("---", 1)
    try:
        loaded = yaml.safe_load("\n".join(lines[1:end]))
    except yaml.YAMLError as error:
        raise ShardError(f"{where}: the front matter is not YAML ({error})") from None
    if loaded is None:
        loaded = {}
    if not isinstance(loaded, dict):
        raise ShardError(f"{where}: the front matter is a {type(loaded).__name__}, expected a mapping")
    return loaded, "\n".join(lines[end + 1 :])


def read_card(path: Path, *, where: str) -> str:
    """The text of a card.

    Raises:
        ShardError: it is not UTF-8.
    """
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ShardError(f"{where}: the card is not UTF-8 at byte {error.start}") from None


def check_ours(front: Mapping[str, Any], *, where: str) -> Mapping[str, Any]:
    """Our own entry of the front matter, its format version checked.

    Raises:
        ShardError: the card is not one of ours, or is of a newer format version.
    """
    entry = front.get(OURS)
    if not isinstance(entry, dict) or "format_version" not in entry or not isinstance(front.get("configs"), list):
        raise ShardError(
            f"{where}: not the card of a tree of this package (its front matter has no "
            f"{OURS}.format_version or no configs)",
            hint="Expected the README.md that a build writes; is this the right dataset and revision?",
        )
    check_format_version(str(entry["format_version"]), where=where)
    return entry
