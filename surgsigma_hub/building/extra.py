"""Facts that a source lacks and the build can add on request: depth maps made by a model, rendered smoke.

Both are marked: the origin of the fact says that it was computed, and by what.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..depth.cache import DepthCache
from ..errors import BuildError
from ..media.smoke import smoked
from ..records import Fact, Frame, Origin, Video
from ..tasks.common.chance import chance
from .plan import Settings

SMOKE_VARIANT = "smoke"


@dataclass(frozen=True, slots=True)
class Extra:
    """What to add to the frames of one source."""

    source: str
    smoke: float
    depth: DepthCache | None

    @classmethod
    def of(cls, settings: Settings) -> Extra:
        """As the settings ask.

        Raises:
            BuildError: the folder of depth maps is none, or belongs to another source.
        """
        cache = None if settings.depth is None else DepthCache(settings.depth)
        if cache is not None and cache.header.source != settings.source:
            raise BuildError(
                f"{settings.depth} holds depth maps of {cache.header.source!r}, not of {settings.source!r}",
                hint=f"Make them with: surgsigma depth {settings.source} --out DIR",
            )
        return cls(settings.source, settings.smoke, cache)

    def added(self, video: Video, frame: Frame) -> Iterator[Frame]:
        """``frame`` with what can be added, then its smoky twin where chance asks for one."""
        if self.depth is not None and frame.depth is None and (found := self.depth.ref(video.id, frame)):
            origin = Origin("model", model=self.depth.describe())
            frame = replace(frame, depth=found, origins={**frame.origins, Fact.DEPTH: origin})
        yield frame
        seed = f"{self.source}/{video.id}/{frame.index}/{frame.fps:g}"
        if frame.image is None or frame.clean_image is not None or chance("smoke", seed) >= self.smoke:
            return
        smoky, density = smoked(frame.image, seed=seed)
        yield Frame(
            index=frame.index,
            fps=frame.fps,
            variant="-".join(part for part in (frame.variant, SMOKE_VARIANT) if part),
            image=smoky,
            clean_image=frame.image,
            origins={Fact.CLEAN_IMAGE: Origin("derived", note=f"rendered_smoke:{density:.2f}")},
        )
