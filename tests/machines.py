"""Other machines and other heaps, as far as one machine can play them: what the tests of byte-exactness run code on.

Run as a script, this module is the child process: it limits itself as it is told, then calls one function of the
tests, whose answer it prints as JSON. Whole processors can be played by an emulator, which no test needs:

    qemu-x86_64 -cpu Nehalem .venv/bin/python tests/golden.py
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_SSE2 = 0x0001 | 0x0002 | 0x0008 | 0x0010 | 0x1000
_SSSE3 = _SSE2 | 0x0040 | 0x0080
_AVX = _SSSE3 | 0x0100 | 0x0200 | 0x4000
_AVX2 = _AVX | 0x8000 | 0x10000 | 0x20000 | 0x40000
INSTRUCTIONS = {"AVX2": _AVX2, "AVX": _AVX, "SSSE3": _SSSE3, "SSE2": _SSE2, "0": 0}
"""Names as x264 knows them, "0" for plain C, and FFmpeg's flags (``libavutil/cpu.h``) for the same."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A process with some of this processor's instructions, a heap of known garbage, and a past.

    Attributes:
        instructions: The highest instruction set that x264, FFmpeg, numpy, libjpeg-turbo, OpenBLAS and glibc may use,
            one of :data:`INSTRUCTIONS`; empty for all that there is. It takes away and never adds.
        heap: The byte that glibc writes over memory it gives out and takes back; 0 leaves memory as it comes.
        used: Whether the process has encoded other films before, and left their memory behind.
    """

    instructions: str = ""
    heap: int = 0
    used: bool = False

    @property
    def name(self) -> str:
        """For test ids and messages."""
        return f"instructions={self.instructions or 'all'} heap={self.heap}{' used' if self.used else ''}"

    def run(self, function: str, *arguments: str) -> Any:
        """``module:function`` of the tests, called with ``arguments`` in a process of this kind.

        Raises:
            AssertionError: the process failed; with what it wrote to stderr.
        """
        tunables = []
        environment = dict(os.environ)
        if self.heap:
            # Large blocks come from the heap too: fresh pages of the system would always be zero.
            tunables += [f"glibc.malloc.perturb={self.heap}", "glibc.malloc.mmap_threshold=1000000000"]
            environment["MALLOC_PERTURB_"] = str(self.heap)
        if self.instructions:
            below = self.instructions != "AVX2"
            environment["NPY_DISABLE_CPU_FEATURES"] = " ".join(
                name for name in numpy_features() if below or "512" in name or name == "X86_V4"
            )
            environment["OPENBLAS_CORETYPE"] = "Nehalem" if below else "Haswell"
            environment["JSIMD_FORCENONE" if self.instructions == "0" else "JSIMD_FORCESSE2"] = "1"
            tunables += [f"glibc.cpu.hwcaps={'-AVX2,-FMA,-FMA4' if below else '-AVX512F'}"]
        environment["GLIBC_TUNABLES"] = ":".join(tunables)
        command = [sys.executable, __file__, json.dumps(asdict(self)), function, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{self.name}: {done.stderr}"
        return json.loads(done.stdout)


MACHINES = (
    Machine(),
    *(Machine(heap=fill) for fill in (1, 85, 255)),
    Machine(used=True),
    Machine(heap=170, used=True),
    *(Machine(name, heap=170, used=True) for name in ("AVX2", "SSSE3")),
    *(Machine(name) for name in ("AVX", "SSE2", "0")),
)


def numpy_features() -> list[str]:
    """What numpy chooses from at run time in this process."""
    import numpy as np

    core = (np._core if hasattr(np, "_core") else np.core)._multiarray_umath
    return [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]


def ffmpeg_flags() -> int:
    """What FFmpeg uses in this process."""
    return sum(int(library.av_get_cpu_flags()) for library in _libavutil())


def _become(machine: Machine) -> None:
    from surgsigma_hub.media import video

    if machine.instructions:
        video.ENCODER["x264-params"] += f":asm={machine.instructions}"
        _limit_ffmpeg(INSTRUCTIONS[machine.instructions])
    if machine.used:
        _have_a_past(video.encode_video)


def _limit_ffmpeg(flags: int) -> None:
    for library in _libavutil():
        library.av_force_cpu_flags(library.av_get_cpu_flags() & flags)


def _libavutil() -> list[ctypes.CDLL]:
    """The library of PyAV, in a list; none where the system does not tell what is loaded."""
    import av  # noqa: F401

    maps = Path("/proc/self/maps")
    loaded = {line.split()[-1] for line in maps.read_text().splitlines()} if maps.exists() else set()
    return [ctypes.CDLL(path) for path in loaded if "libavutil" in path]


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
