"""Reading where the system gives little: few file handles, no shared memory."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from packed import write_packed

READ = """
import os, resource, sys
import surgsigma_hub
tree, count, how, taken = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
stream = surgsigma_hub.stream(tree, decode="bytes", mapped=how == "mapped", threads=3 if how == "threads" else 0)
resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
held = []
while len(held) < taken:
    try:
        held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        break
print(sum(1 for _ in stream))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    write_packed(folder, [[500] * 3] * 60)
    return folder


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", READ, str(tree), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("how", ["read", "mapped", "threads"])
@pytest.mark.parametrize(("count", "taken"), [("24", "0"), ("64", "40"), ("40", "24")])
def test_sixty_shards_with_few_handles(tree: Path, how: str, count: str, taken: str) -> None:
    done = run(tree, count, how, taken)
    assert done.stdout.strip() == "180", done.stderr


def test_no_handle_at_all_is_an_error_of_ours(tree: Path) -> None:
    done = run(tree, "24", "read", "99")
    assert "surgsigma_hub" in done.stderr and "Allow more open files" in done.stderr


WITHOUT_SHARED = """
import sys
import surgsigma_hub
from torch.utils.data import DataLoader
data = surgsigma_hub.stream(sys.argv[1], decode="bytes").torch(2)
print(sum(len(batch) for batch in DataLoader(data, batch_size=2, collate_fn=list)))
"""


@pytest.mark.torch
def test_no_shared_memory_leaves_the_threads(tree: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed: pip install 'surgsigma-hub[torch]'")
    script = f"mount -t tmpfs -o ro,size=4k tmpfs /dev/shm && exec {sys.executable} -c '{WITHOUT_SHARED}' {tree}"
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("nobody here may have a /dev/shm of their own")
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "180" and "no shared memory" in done.stderr, done.stderr
