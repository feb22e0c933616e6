"""Sizes and colours of the sheet."""

from __future__ import annotations

from ..media.overlay import Colour

CARD_WIDTH = 420
PICTURE_HEIGHTS = (210, 320)
"""Least and largest height of the picture part; what is taller gets dark borders at its sides."""
MARGIN = 32
GAP = 20
PAD = 18
INNER = CARD_WIDTH - 2 * PAD
"""Width of the text of a card."""

PAGE: Colour = (240, 242, 245)
CARD: Colour = (255, 255, 255)
EDGE: Colour = (222, 226, 231)
DARK: Colour = (17, 20, 26)
RIM: Colour = (52, 58, 70)
"""A thin line around pictures that do not fill their part, so that a black one has an edge."""
INK: Colour = (24, 29, 39)
SOFT: Colour = (71, 80, 96)
GREY: Colour = (138, 146, 160)
TINT: Colour = (243, 245, 248)
CAPTION: Colour = (205, 211, 220)
MET: Colour = (22, 145, 84)
UNMET: Colour = (196, 62, 54)
FAMILY: dict[str, Colour] = {
    "understanding": (37, 99, 205),
    "reasoning": (124, 58, 190),
    "planning": (194, 110, 8),
    "generation": (13, 133, 124),
}
