"""Depth pseudo-labels: a depth-estimation model looks at every picture of a source, a folder keeps what it says.

The maps are *relative* depth. Depth Anything V2 (Yang et al., NeurIPS 2024, arXiv 2406.09414) predicts inverse depth up
to an unknown scale and shift, which differ from picture to picture: a stored map has no unit, and values of two
pictures cannot be compared.
"""

from .cache import CONVENTION, DepthCache, Header
from .encode import Sense, to_relative_depth

__all__ = ["CONVENTION", "DepthCache", "Header", "Sense", "to_relative_depth"]
