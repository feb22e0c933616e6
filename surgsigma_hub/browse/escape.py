"""Escaping text on its way into HTML, the one place that does: what a source says is shown, and is never markup."""

from __future__ import annotations

import html

from ..ontology.forms import noun_of
from ..visible import visible

_TEMPLATES = str.maketrans({"$": "&#36;", "{": "&#123;", "}": "&#125;"})


def text(value: object) -> str:
    """A value as it reads. Signs of templates are escaped as well, since Gradio's HTML is one.

    >>> text("<b>${x}</b>")
    '&lt;b&gt;&#36;&#123;x&#125;&lt;/b&gt;'
    """
    return html.escape(visible(str(value))).translate(_TEMPLATES)


def label(id: str) -> str:
    """A label by its noun, escaped.

    >>> label("gut")
    'bowel'
    """
    return text(noun_of(id))


def words(name: object) -> str:
    """A name of the vocabulary as a reader says it, escaped.

    >>> words("cystic_duct")
    'cystic duct'
    """
    return text(str(name).replace("_", " "))
