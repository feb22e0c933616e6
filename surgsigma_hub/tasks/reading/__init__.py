"""Reading answers: from the text a model prints to the typed answer of a task, or an error that says why not.

Each class is a ``Parser`` of ``tasks.base``; a task module names the one that fits it.
"""

from .boxes import Boxes
from .criteria import Criteria
from .labels import LabelSet, MaskLabels, OneLabel
from .partial import PartialAnswer
from .question import InContext
from .seconds import Seconds
from .text import PlainText
from .triplets import Triplets

__all__ = [
    "Boxes",
    "Criteria",
    "InContext",
    "LabelSet",
    "MaskLabels",
    "OneLabel",
    "PartialAnswer",
    "PlainText",
    "Seconds",
    "Triplets",
]
