"""The YAML block at the top of a card: read strictly, written the same way every time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer

from ..errors import ShardError
from ..plain_file import read_plain
from ..schema import check_format_version

OURS = "surgsigma"
"""Key of the front matter that holds our own facts: the format version, and what a pointer card points at."""


MAX_CARD = 8 << 20
"""Most bytes of a card; one with all configs of forty sources has a tenth of it."""

_MOST_NODES = 100_000  # a card with all configs of forty sources has a fifth of it
_MOST_EXPANDED = 3_000_000  # aliases count as what they stand for, which is how a reader meets them
_DEEPEST = 40
_LONGEST = 1 << 14


_Events: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times as fast, where PyYAML has it


class _Loader(Composer, _Events):  # type: ignore[misc]
    """Plain values only, so many and so deep and no more: ten lines of aliases can stand for a billion of values."""

    def __init__(self, text: str) -> None:
        _Events.__init__(self, text)
        Composer.__init__(self)
        self._nodes = self._expanded = self._depth = 0
        self._weights: dict[str, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            # An anchor has no weight before its end: an alias inside is one to itself, and without end.
            self._count(self._weights.get(str(event.anchor), _MOST_EXPANDED))
            return super().compose_node(parent, index)
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > _LONGEST:
            raise yaml.YAMLError(f"a value of {len(event.value)} characters, expected at most {_LONGEST}")
        self._depth += 1
        self._nodes += 1
        if self._depth > _DEEPEST or self._nodes > _MOST_NODES:
            raise yaml.YAMLError(f"more than {_DEEPEST} levels or {_MOST_NODES} values")
        before = self._expanded
        self._count(1)
        self._weights.pop(event.anchor, None)
        node = super().compose_node(parent, index)
        if event.anchor:
            self._weights[event.anchor] = self._expanded - before
        self._depth -= 1
        return node

    def _count(self, values: int) -> None:
        self._expanded += values
        if self._expanded > _MOST_EXPANDED:
            raise yaml.YAMLError(f"aliases that stand for more than {_MOST_EXPANDED} values, or for themselves")


class _Dumper(yaml.SafeDumper):
    """Block style, lists indented, and anchors that read as what they are."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def generate_anchor(self, node: yaml.Node) -> str:
        return f"features{super().generate_anchor(node)[2:]}"


MOST_ALIASES = 90
"""Aliases of one anchor at most: the npm package ``yaml`` 2.9.1 refuses a document at the 100th. Others have no bound;
which reader the Hub uses is not known."""


def dump_yaml(mapping: Mapping[str, Any]) -> str:
    """``mapping`` as YAML; a list or mapping that occurs twice *as the same object* is written once, as an anchor.

    Once more for every :data:`MOST_ALIASES` further times, so that every YAML reader takes it.
    """
    shown = _rationed(dict(mapping), {})
    text: str = yaml.dump(shown, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return text


@dataclass(slots=True)
class _Shown:
    """What stands for a list or mapping, and how often it was named; ``value`` is kept so that its id is not reused."""

    value: Any
    made: Any
    aliases: int = 0


def _rationed(value: Any, shown: dict[int, _Shown]) -> Any:
    """A copy in which no list or mapping stands more than :data:`MOST_ALIASES` times behind its first time."""
    if not isinstance(value, dict | list) or not value:
        return value
    known = shown.get(id(value))
    if known is not None and known.aliases < MOST_ALIASES:
        known.aliases += 1
        return known.made
    if isinstance(value, dict):
        made: Any = {name: _rationed(inner, shown) for name, inner in value.items()}
    else:
        made = [_rationed(inner, shown) for inner in value]
    shown[id(value)] = _Shown(value, made)
    return made


def join_card(mapping: Mapping[str, Any], body: str) -> bytes:
    """A whole card."""
    return f"---\n{dump_yaml(mapping)}---\n\n{body.strip()}\n".encode()


def split_card(text: str, *, where: str) -> tuple[dict[str, Any], str]:
    """The front matter and the body of a card; an empty mapping where the card has none.

    Raises:
        ShardError: the front matter is not a YAML mapping, or too much of one.
    """
    if len(text) > MAX_CARD:
        raise ShardError(f"{where}: the card holds {len(text)} characters, more than {MAX_CARD} are not read")
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---" or "---" not in lines[1:]:
        return {}, text
    end = lines.index("---", 1)
    try:
        loaded = yaml.load("\n".join(lines[1:end]), Loader=_Loader)
    except Exception as error:  # PyYAML lets many of Python's errors through: dates that are none, numbers too long
        what = str(error) if isinstance(error, yaml.YAMLError) else f"{type(error).__name__}: {error}"
        raise ShardError(f"{where}: the front matter is not YAML ({what[:300]})") from None
    if loaded is None:
        loaded = {}
    if not isinstance(loaded, dict):
        raise ShardError(f"{where}: the front matter is a {type(loaded).__name__}, expected a mapping")
    return loaded, "\n".join(lines[end + 1 :])


def read_card(path: Path, *, where: str) -> str:
    """The text of a card.

    Raises:
        ShardError: it is not UTF-8, too long, or no plain file.
    """
    try:
        return read_plain(path, most=MAX_CARD).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ShardError(f"{where}: the card is not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise ShardError(f"{where}: the card cannot be read: {error.strerror or error}") from None


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
    version = entry["format_version"]
    check_format_version(str(version) if isinstance(version, float) else version, where=where)
    return entry
