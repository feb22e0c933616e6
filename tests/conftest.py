"""Shared fixtures. Real files are read where they are and tests skip loudly where they are absent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from surgsigma_hub.streaming import StreamSample

# A plugin of the tests of push, whose assertions are to say what they saw.
pytest.register_assert_rewrite("pushing")

# No example has a time limit of its own: a slow machine is no fault. Each test has one, see pyproject.toml.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

ROOT = Path(__file__).parent.parent
FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="session")
def real() -> Path:
    folder = ROOT.parent / "shared" / "real"
    if not folder.is_dir():
        pytest.skip(f"real files are not here: {folder} (licence-bound, kept outside the project)")
    return folder


@pytest.fixture(scope="session")
def adapter_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small tree with every task of the synthetic source, many of its samples joined and explained."""
    import surgsigma_hub

    out = tmp_path_factory.mktemp("adapters") / "surgsigma"
    size = {"videos": "3", "frames": "25", "width": "96", "height": "64"}
    surgsigma_hub.build("synthetic", out=out, options=size, joint=0.5, explained=0.4, smoke=0.3)
    return out


@pytest.fixture(scope="session")
def adapter_items(adapter_tree: Path) -> list[StreamSample]:
    """Every sample of its training split, media as bytes."""
    import surgsigma_hub

    return list(surgsigma_hub.stream(adapter_tree, "all", decode="bytes", shuffle=False))
