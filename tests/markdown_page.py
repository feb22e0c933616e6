"""A card as a page: GitHub-flavoured Markdown in the widths that the Hub's and GitHub's own styles give."""

from __future__ import annotations

from pathlib import Path

import pytest
from surgsigma_hub.shards.frontmatter import split_card

CSS = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 16px; max-width: 980px; color: #1f2328;
  overflow-wrap: break-word; }
table { display: block; width: max-content; max-width: 100%; overflow: auto; border-spacing: 0;
  border-collapse: collapse; margin-bottom: 16px; }
td, th { padding: 6px 13px; border: 1px solid #d1d9e0; }
pre { overflow: auto; padding: 16px; font-size: 13.6px; line-height: 1.45; white-space: pre; background: #f6f8fa;
  border-radius: 6px; }
code { font-family: monospace; font-size: 85%; }
pre code { font-size: 100%; }
img { max-width: 100%; }
h1, h2 { border-bottom: 1px solid #d1d9e0; padding-bottom: .3em; }
@media (prefers-color-scheme: dark) {
  body { color: #f0f6fc; background: #0d1117; } a { color: #4493f8; } pre { background: #151b23; }
  td, th, h1, h2 { border-color: #3d444d; }
}
"""


def write_page(readme: Path) -> Path:
    """The page of a card, beside it so that its pictures are found. Skips where there is nothing to render with."""
    parser = pytest.importorskip("markdown_it", reason="cards are not looked at: pip install markdown-it-py")
    body = split_card(readme.read_text("utf-8"), where=readme.name)[1]
    made = parser.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(body)
    page = readme.with_suffix(".html")
    page.write_text(f"<!doctype html><meta charset=utf-8><style>{CSS}</style><body>{made}", "utf-8")
    return page
