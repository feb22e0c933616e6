"""Debian's Chromium for tests of pages, by Playwright; a machine without it skips them loudly."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def browser() -> Iterator[Any]:
    """A running browser. Skips where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="pages are not looked at: pip install playwright")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("pages are not looked at, for there is no browser: apt-get install chromium")
    with api.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            context = opened.new_context()
            context.set_default_timeout(300_000)  # a page that never comes fails, a busy machine does not
            yield context
        finally:
            opened.close()
