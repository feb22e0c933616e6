"""Other machines and other heaps, as far as one machine can play them: what the tests of byte-exactness run code on.

Run as a script, this module is the child process: it limits itself as it is told, then calls one function of the
tests, whose answer it prints as JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Machine:
    """A process with some of this processor's instructions, a heap of known garbage, and a past.

    Attributes:
        x264: The highest instruction set that x264 may use, "0" for plain C, empty for all that there is.
        heap: The byte that glibc writes over memory it gives out and takes back; 0 leaves memory as it comes.
        used: Whether the process has encoded other films before, and left their memory behind.
    """

    x264: str = ""
    heap: int = 0
    used: bool = False

    @property
    def name(self) -> str:
        """For test ids and messages."""
        return f"x264={self.x264 or 'all'} heap={self.heap}{' used' if self.used else ''}"

    def run(self, function: str, *arguments: str) -> Any:
        """``module:function`` of the tests, called with ``arguments`` in a process of this kind.

        Raises:
            AssertionError: the process failed; with what it wrote to stderr.
        """
        environment = dict(os.environ)
        if self.heap:
            # Large blocks come from the heap too: fresh pages of the system would always be zero.
            environment |= {
                "MALLOC_PERTURB_": str(self.heap),
                "GLIBC_TUNABLES": f"glibc.malloc.perturb={self.heap}:glibc.malloc.mmap_threshold=1000000000",
            }
        command = [sys.executable, __file__, json.dumps(asdict(self)), function, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{self.name}: {done.stderr}"
        return json.loads(done.stdout)


MACHINES = (
    Machine(),
    *(Machine(heap=fill) for fill in (1, 85, 255)),
    Machine(used=True),
    Machine(heap=170, used=True),
    *(Machine(x264=name, heap=170, used=True) for name in ("AVX2", "SSSE3")),
    *(Machine(x264=name) for name in ("AVX", "SSE4.2", "SSE2", "0")),
)
"""No set that this processor lacks is forced: x264 takes away from what it finds, it never adds."""


def _become(machine: Machine) -> None:
    from surgsigma_hub.media import video

    if machine.x264:
        video.ENCODER["x264-params"] += f":asm={machine.x264}"
    if machine.used:
        _have_a_past(video.encode_video)


def _have_a_past(encode: Any) -> None:
    import tempfile

    import numpy as np

    rng = np.random.default_rng(1)
    garbage = [rng.bytes(50_000 + 7919 * n) for n in range(60)]
    with tempfile.TemporaryDirectory() as folder:
        for width, height in ((128, 96), (320, 240)):
            frames = rng.integers(0, 256, (15, height, width, 3), dtype=np.uint8)
            encode(Path(folder) / "past.mp4", frames, fps=25)
    del garbage


def _child(machine: str, function: str, *arguments: str) -> None:
    _become(Machine(**json.loads(machine)))
    module, name = function.split(":")
    json.dump(getattr(importlib.import_module(module), name)(*arguments), sys.stdout)


if __name__ == "__main__":
    _child(*sys.argv[1:])
