"""From a sample to a request: which text is to be written anew, and the body that asks for it. Pure, no network."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

import orjson
import yaml

from ..errors import SurgSigmaError
from ..ontology import concepts
from ..shards.sample_checks import ABSOLUTE

What = Literal["caption", "reasoning"]
WHATS: tuple[What, ...] = get_args(What)

CAPTIONING = ("image_captioning", "video_captioning")
"""The tasks whose answer is a caption."""

PROMPT_VERSION = "v1"
"""Names the prompt file in use; part of every cache key and of what a sample says of itself."""

LEVELS = ("perceptual", "relational", "contextual")

_KEYS = {"system", "caption", "reasoning", "picture", "media", "parameters"}
_PICTURE_TOKENS = 1000
_MEDIA_TAG = re.compile(r"<(?:image|video)>\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What decides the requests, and by that the new text.

    Attributes:
        model: The model's name as the endpoint knows it.
        tasks: Names of tasks; empty takes all that have something to write anew.
        splits: Splits; empty takes all.
        images: Whether the input picture goes along.
        parameters: Fields of the request that differ from the prompt file's; None leaves a field out.
    """

    model: str
    what: tuple[What, ...] = WHATS
    tasks: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    images: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def published_model(self) -> str:
        """The model's name as samples may show it: servers often call a model by its folder on their disk.

        >>> Settings(model="/srv/models/some-model-7b").published_model, Settings(model="org/name").published_model
        ('some-model-7b', 'org/name')
        """
        if ABSOLUTE.search(self.model) or self.model.startswith(("/", "\\")):
            return re.split(r"[\\/]+", self.model.rstrip("\\/"))[-1]
        return self.model


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: ``digest`` names it in the cache, ``tokens`` is a rough guess of what question and answer cost."""

    sample: str
    what: What
    body: bytes
    digest: str
    tokens: int


@cache
def prompts() -> Mapping[str, Any]:
    """The prompt file in use.

    Raises:
        SurgSigmaError: it is missing or not of the expected form.
    """
    path = resources.files(__package__) / f"prompts_{PROMPT_VERSION}.yaml"
    raw = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else None
    if not isinstance(raw, dict) or set(raw) != _KEYS:
        raise SurgSigmaError(f"enrich/prompts_{PROMPT_VERSION}.yaml must hold exactly the keys {', '.join(_KEYS)}")
    return raw


def original_of(doc: Mapping[str, Any], what: What) -> str | None:
    """The text of a sample that is to be written anew; None where it has none of that kind."""
    if what == "caption":
        return str(doc["messages"][-1]["content"]) if doc["task"] in CAPTIONING else None
    return levels_text(doc["reasoning"]) or None


def levels_text(reasoning: Mapping[str, Any]) -> str:
    r"""The filled levels of a trace under their headings.

    >>> levels_text({"perceptual": "A hook.", "relational": None, "contextual": "It is dissection."})
    'Level 1: A hook.\nLevel 3: It is dissection.'
    """
    return "\n".join(f"Level {n}: {reasoning[name]}" for n, name in enumerate(LEVELS, 1) if reasoning[name])


def asks_of(doc: Mapping[str, Any], members: Mapping[str, bytes], settings: Settings) -> Iterator[Ask]:
    """The requests for one sample.

    Args:
        doc: Its JSON.
        members: Its media.
        settings: What to ask for and how.
    """
    picture = members.get("image.jpg") if settings.images else None
    for what in settings.what:
        original = original_of(doc, what)
        if original is not None:
            yield _ask(doc, what, original, settings, picture)


def _ask(doc: Mapping[str, Any], what: What, original: str, settings: Settings, picture: bytes | None) -> Ask:
    words = prompts()
    inputs = [m["kind"] for m in doc["media"] if m["role"] == "input"]
    names = concepts("procedure")
    text = words[what].format(
        procedure=names[doc["procedure"]].name if doc["procedure"] in names else doc["procedure"].replace("_", " "),
        medium=words["media"].get(inputs[0] if inputs else "text", words["media"]["text"]),
        question=_MEDIA_TAG.sub("", doc["messages"][-2]["content"]).strip(),
        answer=doc["answer"]["text"],
        text=original,
    )
    system = words["system"] if picture is None else f"{words['system']} {words['picture']}"
    content: Any = text
    if picture is not None:
        url = f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
        content = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]
    body = {
        "model": settings.model,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": content}],
        **words["parameters"],
        **settings.parameters,
    }
    data = orjson.dumps({k: v for k, v in body.items() if v is not None}, option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(b"\0".join((settings.model.encode(), PROMPT_VERSION.encode(), data))).hexdigest()
    guess = rough_tokens(system + text) + rough_tokens(original) + (_PICTURE_TOKENS if picture is not None else 0)
    return Ask(doc["id"], what, data, digest, guess)


def rough_tokens(text: str) -> int:
    """A guess without any tokenizer: four characters a token.

    >>> rough_tokens("A hook dissects the gallbladder.")
    9
    """
    return len(text) // 4 + 1


def shown_messages(ask: Ask) -> list[tuple[str, str]]:
    """Role and text of every message, a picture as a remark: for people."""
    shown: list[tuple[str, str]] = []
    for message in orjson.loads(ask.body)["messages"]:
        content = message["content"]
        if not isinstance(content, str):
            parts = (p["text"] if p["type"] == "text" else f"[image, {len(p['image_url']['url'])} bytes as text]"
                     for p in content)  # fmt: skip
            content = "\n".join(parts)
        shown.append((message["role"], content))
    return shown
