"""Drawn laparoscopic scenes with exact ground truth: what happens (:mod:`.story`), what is there, how it looks."""

from .scene import Extent, Instrument, Scene, Spec, scene
from .story import Interval, Moment, Story, story

__all__ = ["Extent", "Instrument", "Interval", "Moment", "Scene", "Spec", "Story", "scene", "story"]
