"""Three-level reasoning from facts: writing it, judging it, and its published text form."""

from .check import Objection, check
from .facts import Facts
from .format import read_trace, write_trace
from .scene_facts import Memory
from .write import reason

__all__ = ["Facts", "Memory", "Objection", "check", "read_trace", "reason", "write_trace"]
