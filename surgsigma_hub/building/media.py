"""The media of a part: every distinct image, mask and clip made once, named by as many samples as need it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import MediaError
from ..media.clips import encode_clip, even_cut
from ..media.frame_side import Size, smaller_depth, smaller_mask
from ..media.image import load_raw, png_bytes, to_jpeg
from ..media.masks import render
from ..records import Cut, Drawn, ImageRef, Media, MediaRole
from ..tasks.common.base import DepthMap, Draft, Masks
from .inputs import Inputs
from .parts import Blob, PartWriter
from .plan import Settings

_FARTHEST = 65535
"""What 16 bits hold: a larger depth would come out as a near one."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A medium that is in the part: how the sample's JSON names it, where its bytes are, width and height.

    Attributes:
        full: Width and height before the build made it smaller: labels in pixels, masks and depth maps have that size.
    """

    media: Media
    blob: Blob
    size: Size
    full: Size

    def as_member(self, member: str, role: MediaRole) -> Stored:
        """The same bytes under another member name."""
        media = replace(self.media, member=member, role=role)
        return replace(self, media=media, blob=Blob(member, self.blob.offset, self.blob.length))


@dataclass(slots=True)
class MediaStore:
    """Turns what drafts name into members of the part; remembers what failed, so that nothing is decoded twice."""

    part: PartWriter
    settings: Settings
    endoscopic: bool = True
    inputs: Inputs = field(init=False)
    _made: dict[Hashable, Stored | MediaError] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.inputs = Inputs(self.settings.root)

    def fitted(self, draft: Draft) -> Draft:
        """The draft, its clips of an even number of frames where the settings ask for it and their footage allows it.

        Raises:
            MediaError: there is no frame in a clip.
        """
        if not self.settings.even_clips or draft.inputs is None:
            return draft
        rate = self.settings.clip_fps
        inputs = tuple(even_cut(one, rate) if isinstance(one, Cut) else one for one in draft.inputs)
        return replace(draft, inputs=inputs)

    def members(self, draft: Draft, picture: ImageRef | None) -> list[Stored]:
        """The members of a sample, inputs first.

        Args:
            draft: What it looks at and answers with.
            picture: The frame's own picture, for drafts that name no other input.

        Raises:
            MediaError: one of them is missing, damaged, too large or shows no surgical view.
        """
        inputs = (picture,) if draft.inputs is None else draft.inputs
        for one in inputs:
            self.inputs.add(one)
        stored = [self._input(one) for one in inputs]
        target = draft.target
        if target is None:
            return stored
        if isinstance(target, Masks):
            return [*stored, self._mask(target, stored[0])]
        if isinstance(target, DepthMap):
            self.inputs.add(target.image)
            return [*stored, self._depth(target, stored[0])]
        self.inputs.add(target)
        if isinstance(target, Cut):
            return [*stored, self._clip(target).as_member("target.mp4", "target")]
        made = self.picture(target).as_member("target.jpg", "target")
        if stored and made.full != stored[0].full:
            raise MediaError(f"the target image is {made.full}, the input {stored[0].full} (width, height)")
        return [*stored, made]

    def _input(self, one: ImageRef | Cut | None) -> Stored:
        if one is None:
            raise MediaError("the frame has no image", reason="media_missing")
        return self._clip(one) if isinstance(one, Cut) else self.picture(one)

    def _once(self, key: Hashable, make: Callable[[], Stored]) -> Stored:
        found = self._made.get(key)
        if found is None:
            try:
                found = make()
            except MediaError as error:
                found = error
            self._made[key] = found
        if isinstance(found, MediaError):
            raise found
        return found

    def _store(self, data: bytes, media: Media, size: Size, full: Size | None = None) -> Stored:
        named = replace(media, sha256=hashlib.sha256(data).hexdigest())
        return Stored(named, self.part.add_media(media.member, data), size, full or size)

    def picture(self, ref: ImageRef) -> Stored:
        """The picture as ``image.jpg``.

        Raises:
            MediaError: missing, damaged or too large.
        """

        def make() -> Stored:
            image = to_jpeg(ref, quality=self.settings.jpeg_quality, side=self.settings.frame_side)
            media = Media("image.jpg", "image", "input", "")
            return self._store(image.data, media, (image.width, image.height), image.full)

        # A drawn picture is known by its name: its function is a new object each time it is asked for.
        return self._once(ref.name if isinstance(ref, Drawn) else ref, make)

    def _clip(self, cut: Cut) -> Stored:
        def make() -> Stored:
            clip = encode_clip(
                cut,
                max_fps=self.settings.clip_fps,
                max_side=self.settings.clip_side,
                endoscopic=self.endoscopic,
            )
            media = Media("video.mp4", "video", "input", "", clip.num_frames, clip.fps)
            return self._store(clip.data, media, (clip.width, clip.height))

        # All cuts of one video share its footage object; hashing thousands of stills each time would be slow.
        return self._once((id(cut.footage), cut.start_seconds, cut.end_seconds), make)

    def _mask(self, masks: Masks, frame: Stored) -> Stored:
        pixels = render((m.mask for m in masks.regions), width=frame.full[0], height=frame.full[1])
        pixels = smaller_mask(pixels, frame.size)
        return self._store(png_bytes(pixels), Media("target.png", "mask", "target", ""), frame.size)

    def _depth(self, depth: DepthMap, frame: Stored) -> Stored:
        size, values = frame.full, load_raw(depth.image)
        if values.ndim != 2:
            raise MediaError(f"depth map in colour (shape {values.shape}), expected one channel of 8 or 16 bits")
        if values.dtype.kind == "f":
            raise MediaError(
                f"depth map of {values.dtype} values {values.min():g}..{values.max():g}, expected the whole numbers of "
                "8 or 16 bits that the dataset has: their unit is not known here; take the original map, or scale this "
                "one back and save it as uint16"
            )
        if (values.shape[1], values.shape[0]) != size:
            raise MediaError(f"depth map of shape {values.shape}, expected {size[1]} rows and {size[0]} columns")
        if values.size and not 0 <= int(values.min()) <= int(values.max()) <= _FARTHEST:
            raise MediaError(f"depth map with values {values.min()}..{values.max()}, expected 0..{_FARTHEST}")
        if depth.gaps and not values.any():
            raise MediaError("depth map in which nothing was measured")
        if values.dtype == np.uint8:
            values = values.astype(np.uint16) * 257  # the whole range of 16 bit, 255 becoming 65535
        values = smaller_depth(values.astype(np.uint16), frame.size)
        return self._store(png_bytes(values), Media("target.png", "depth", "target", ""), frame.size)
