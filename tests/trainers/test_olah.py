"""olah, a mirror that only reads, between a server like the Hub and its readers: they get the same samples."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import surgsigma_hub

from hub_client import waiting
from hub_server import HubServer, serve
from kit import Environment, environment
from test_push import READ

REPO = "org/surgsigma"
STREAM = """
import json, sys, surgsigma_hub
rows = surgsigma_hub.load_dataset(sys.argv[1], "phase_recognition", streaming=True)
samples = surgsigma_hub.stream(sys.argv[1], "phase_recognition", decode="bytes", shuffle=False)
print(json.dumps([sorted(s.key for s in samples), {split: len(list(part)) for split, part in rows.items()}]))
"""


@contextmanager
def mirror(olah: Environment, hub: HubServer, folder: Path) -> Iterator[str]:
    """A running mirror of ``hub``; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own, theirs = f"127.0.0.1:{port}", hub.url.removeprefix("http://")
    command = [
        olah.folder / "bin" / "olah-cli", "--host", "127.0.0.1", "--port", str(port), "--hf-scheme", "http",
        "--hf-netloc", theirs, "--hf-lfs-netloc", hub.storage.removeprefix("http://"), "--mirror-scheme", "http",
        "--mirror-netloc", own, "--mirror-lfs-netloc", own, "--repos-path", folder / "repos",
        "--log-path", folder / "logs",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 120
        while True:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            assert process.poll() is None and time.monotonic() < until, "the mirror did not come up"
            time.sleep(0.2)
        yield f"http://{own}"
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.slow
def test_through_a_mirror_everything_is_read_as_it_is(tmp_path: Path) -> None:
    olah, tree = environment("olah"), tmp_path / "surgsigma"
    size = {"videos": "5", "frames": "4", "width": "64", "height": "48"}
    surgsigma_hub.build("synthetic", out=tree, tasks=["phase_recognition"], options=size, shard_bytes=64 << 10)
    with serve() as hub, waiting(hub.environment(tmp_path / "home"), tmp_path) as client:
        assert client("push", REPO, tree, "--version", "v1").code == 0
        with mirror(olah, hub, tmp_path) as address:
            env = hub.environment(tmp_path / "fresh", token=None, HF_ENDPOINT=address)
            (tmp_path / "elsewhere").mkdir()

            def run(*words: str, cwd: str = "elsewhere") -> str:
                done = subprocess.run(
                    [sys.executable, *words], env=env, cwd=tmp_path / cwd, capture_output=True, text=True
                )
                assert done.returncode == 0, done.stderr
                return done.stdout

            for program in (READ, STREAM):
                there, here = run("-c", program, REPO), run("-c", program, "surgsigma", cwd=".")
                assert json.loads(there) == json.loads(here)
            said = run("-m", "surgsigma_hub.cli", "verify", f"{REPO}@v1")
            assert said.startswith("OK")
            hub.log.clear()
            run("-c", STREAM, REPO)
            assert not [line for line in hub.log if line.startswith("GET") and "/storage/" in line], (
                "kept by the mirror"
            )
        assert not hub.leaks
