"""What must hold of one sample of a shard, whoever wrote it: its JSON, its media, and that the two agree."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import Any

import orjson
from jsonschema import Draft202012Validator

from ..conformance import certainly_fits
from ..errors import ShardError
from ..media.metadata import Probe, probe
from ..schema import KEY, MAX_JSON, MEMBERS, Layout, check_format_version, json_schema
from ..source.terms import LICENSES, OTHER
from .by_medium import layout_of
from .manifest_checks import depth

ABSOLUTE = re.compile(
    r"""(?:^|(?<=[\s"'(=\[,;]))/(?:[\w.@+-]+/)+[\w.@+-]*"""  # /a/b, at the start of a word: "and/or" is none
    r"""|(?<![A-Za-z])[A-Za-z]:[\\/](?!/)[\w.]"""  # C:\a, C:/a
    r"""|^\\\\\w|\bfile://"""
)
_LONGEST = 160
_MOST = 100  # findings of the schema in one sample; a list of a million wrong things says no more
_DEEPEST = 32
_MANY = 900  # brackets; a text with fewer cannot be too deep for a function that calls itself


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong; ``kind`` groups findings for counting."""

    kind: str
    what: str
    expected: str


@cache
def _validator(layout: Layout) -> Draft202012Validator:
    schema = json_schema(layout)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def parse(data: bytes) -> tuple[dict[str, Any], list[Finding]]:
    """The JSON member, empty where it cannot be read."""
    if len(data) > MAX_JSON:
        return {}, [Finding("json", f"the JSON member holds {len(data)} bytes", f"at most {MAX_JSON}")]
    try:
        doc = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        return {}, [Finding("json", f"the JSON member cannot be read ({error})", "UTF-8 JSON")]
    if not isinstance(doc, dict):
        return {}, [Finding("json", f"the JSON member holds a {type(doc).__name__}", "an object")]
    if data.count(b"[") + data.count(b"{") > _MANY and depth(doc) > _DEEPEST:
        return {}, [Finding("json", f"the JSON member is more than {_DEEPEST} levels deep", "the form of a sample")]
    return doc, []


def check(
    key: str, members: Mapping[str, bytes], *, without_media: bool = False
) -> tuple[dict[str, Any], list[Finding]]:
    """Everything that is wrong with one sample, and its JSON as far as it can be trusted.

    Args:
        key: Key of the sample in the tar.
        members: Its members by name, the JSON as ``json``.
        without_media: Its media were left out, and its JSON names none.

    Returns:
        The top-level fields that are of the form the schema asks for, and the findings.
    """
    if not KEY.fullmatch(key):
        dotted = " has a dot, which cuts it short for readers" if "." in key else ""
        findings = [Finding("key", f"key {key!r}{dotted}", f"a key that matches {KEY.pattern}")]
    else:
        findings = []
    if "json" not in members:
        names = ", ".join(members) or "none that is known"
        return {}, [*findings, Finding("json", f"no JSON member (members: {names})", f"{key}.json")]
    doc, unread = parse(members["json"])
    findings += unread
    if unread:
        return {}, findings
    findings += _version(doc)
    broken: set[str] = set()
    layout = layout_of(doc)
    wrong = [] if certainly_fits(doc, layout=layout) else list(islice(_validator(layout).iter_errors(doc), _MOST))
    for error in wrong:
        broken.add(str(error.absolute_path[0]) if error.absolute_path else "")
        rule = f"{error.validator}: {_short(error.validator_value)}" if error.validator != "required" else "every field"
        findings.append(Finding("schema", f"{error.json_path}: {_short(error.message)}", rule))
    if len(wrong) == _MOST:
        return {}, findings
    doc = {name: value for name, value in doc.items() if name not in broken}
    for path, text in absolute_paths(doc):
        findings.append(Finding("path", f"{path} holds an absolute path: {text}", "no path of any machine"))
    if "id" in doc and doc["id"] != key:
        findings.append(Finding("key", f"id {_short(doc['id'])!r} differs from the key {key!r}", "id equal to the key"))
    if without_media:
        if doc.get("media") or set(members) - {"json"}:
            findings.append(Finding("media", "media, or names of them", "none, as its manifest says"))
        doc = {name: value for name, value in doc.items() if name != "media"}
    whole = layout == "frames" and {"media", "conversations"} <= set(doc)
    for talk in doc["conversations"] if whole else ():
        of_talk = [*_messages({**talk, "media": doc["media"]}), *_boxes(talk)]
        findings += [replace(one, what=f"conversation {_short(talk['id'])}: {one.what}") for one in of_talk]
    if doc.get("license", OTHER) not in LICENSES:
        what = f"unknown licence id {_short(doc['license'])!r}"
        findings.append(Finding("license", what, f"an id of the Hub, or {OTHER}"))
    findings += _messages(doc)
    findings += _boxes(doc)
    findings += _times(doc)
    findings += _media(doc, members)
    return doc, findings


def _short(thing: object) -> str:
    text = str(thing)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _version(doc: Mapping[str, Any]) -> Iterator[Finding]:
    version = doc.get("format_version")
    if isinstance(version, str):
        try:
            check_format_version(version, where="sample")
        except ShardError as error:
            yield Finding("version", error.message.removeprefix("sample: "), error.hint or "MAJOR.MINOR")


def _strings(value: Any, path: str = "$") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _strings(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _strings(inner, f"{path}[{n}]")


def absolute_paths(value: Any) -> Iterator[tuple[str, str]]:
    """Where in some JSON an absolute path stands, and the text."""
    if _has_absolute_path(value):
        yield from ((path, _short(text)) for path, text in _strings(value) if ABSOLUTE.search(text))


def _has_absolute_path(value: Any) -> bool:
    """Whether there is any, without the places: few samples have one, and all are asked."""
    waiting = [value]
    for one in waiting:  # which grows meanwhile
        if isinstance(one, str):
            if ("/" in one or "\\" in one) and ABSOLUTE.search(one):
                return True
        elif isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return False


def _messages(doc: Mapping[str, Any]) -> Iterator[Finding]:
    if "messages" not in doc:
        return
    roles = [m["role"] for m in doc["messages"]]
    wanted = ["user", "assistant"] * (len(roles) // 2 or 1)
    if roles != wanted:
        yield Finding("messages", f"roles {roles}", "user and assistant in turn, the last assistant")
    if any(not m["content"].strip() for m in doc["messages"]):
        yield Finding("messages", "an empty turn", "text in every turn")
    if "media" not in doc:
        return
    for kind in ("image", "video"):
        tags = sum(m["content"].count(f"<{kind}>") for m in doc["messages"])
        inputs = sum(m["role"] == "input" and m["kind"] == kind for m in doc["media"])
        if tags != inputs:
            yield Finding("messages", f"{tags} <{kind}> tags in the messages", f"{inputs}, one for each input {kind}")
    if any("<image>" in m["content"] or "<video>" in m["content"] for m in doc["messages"] if m["role"] == "assistant"):
        yield Finding("messages", "a media tag in the assistant's turn", "media tags in user turns only")


def _boxes(doc: Mapping[str, Any]) -> Iterator[Finding]:
    for n, box in enumerate(doc.get("answer", {}).get("boxes", ())):
        corners = tuple(box[side] for side in ("x1", "y1", "x2", "y2"))
        if not (0 <= corners[0] < corners[2] <= 1 and 0 <= corners[1] < corners[3] <= 1):
            what = f"answer.boxes[{n}] is {corners}"
            yield Finding("box", what, "0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1")


def _times(doc: Mapping[str, Any]) -> Iterator[Finding]:
    start, end = doc.get("start_seconds"), doc.get("end_seconds")
    if start is not None and end is not None and end < start:
        yield Finding("time", f"end_seconds {end} before start_seconds {start}", "start <= end")


def _media(doc: Mapping[str, Any], members: Mapping[str, bytes]) -> Iterator[Finding]:
    stored = set(members) - {"json"}
    pictures = {name: probe(members[name]) for name in sorted(stored & MEMBERS.keys()) if not name.endswith(".mp4")}
    for name, seen in pictures.items():
        yield from _picture(name, members[name], seen)
    if "media" not in doc:
        return
    named = [m["member"] for m in doc["media"]]
    if len(set(named)) != len(named):
        yield Finding("media", f"the JSON names a member twice: {named}", "every member once")
    for name in sorted(stored - set(named)):
        yield Finding("media", f"member {name!r} is in the tar, the JSON does not name it", "JSON and tar agree")
    for entry in doc["media"]:
        name = entry["member"]
        if name not in stored:
            yield Finding("media", f"the JSON names member {name!r}, which is not in the tar", "JSON and tar agree")
            continue
        digest = hashlib.sha256(members[name]).hexdigest()
        if digest != entry["sha256"]:
            yield Finding("sha256", f"member {name!r} has sha256 {digest[:16]}...", f"{entry['sha256'][:16]}...")
        kinds = ("video",) if MEMBERS.get(name) == "video" else ("image", "mask", "depth")
        if entry["kind"] not in kinds:
            yield Finding("media", f"member {name!r} is said to be a {entry['kind']}", " or ".join(kinds))
        seen = pictures[name] if name in pictures else probe(members[name])
        sized = (name == "image.jpg" and entry["role"] == "input") or entry["kind"] == "mask"
        if seen and sized and doc.get("width") and doc.get("height"):
            size = (doc["width"], doc["height"])
            if (seen.width, seen.height) != size:
                what = f"member {name!r} is {seen.width} x {seen.height}"
                yield Finding("size", what, f"{size[0]} x {size[1]}, as width and height say")


def _picture(name: str, data: bytes, seen: Probe | None) -> Iterator[Finding]:
    kind = "JPEG" if name.endswith(".jpg") else "PNG"
    right = data[:2] == b"\xff\xd8" if kind == "JPEG" else data[:4] == b"\x89PNG"
    if seen is None or not right:
        yield Finding("media", f"member {name!r} is no {kind} ({len(data)} bytes)", f"a {kind}")
        return
    if seen.damage:
        yield Finding("media", f"member {name!r}: {seen.damage}", f"a whole {kind}")
    for part in seen.private:
        yield Finding("metadata", f"member {name!r} carries a {part}", "no metadata in published media")
