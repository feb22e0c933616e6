"""Shared fixtures. Real files are read where they are and tests skip loudly where they are absent."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="session")
def real() -> Path:
    folder = ROOT.parent / "shared" / "real"
    if not folder.is_dir():
        pytest.skip(f"real files are not here: {folder} (licence-bound, kept outside the project)")
    return folder
