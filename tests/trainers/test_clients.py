"""What talks to the Hub, with the first, the last of the 1.x and the newest huggingface_hub as its client.

The tests are those of push, verify and loading; the servers run here, the clients in an environment of their own.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kit import environment
from run import KNOWN, ROOT

TESTS = (
    "test_push.py", "test_push_faults.py", "test_push_xet.py", "test_verify.py", "test_hub_loading.py",
    "test_hub_pointer.py", "test_push_bucket.py",
)  # fmt: skip
WITHOUT_BUCKETS = ("hub_client_1_0",)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in KNOWN if name.startswith("hub_client_")])
def test_the_hub_is_written_to_and_read_through_another_client(name: str) -> None:
    variables = {**os.environ, "SURGSIGMA_CLIENT_PYTHON": environment(name).python}
    tests = [f"tests/{file}" for file in TESTS if name not in WITHOUT_BUCKETS or "bucket" not in file]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", *tests]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
