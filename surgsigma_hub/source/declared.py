"""A source as a declaration: marks of its home, patterns of its files, and what the labels of one video say."""

from __future__ import annotations

import filecmp
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from ..records import Defect, FileImage, FilmFile, Frame, NumberedImages, Reason, Recording, Video, VideoTimeline
from ..records.bulk import collection_paused
from .base import Source
from .film_parts import films_below, films_in, joining, parts_of
from .layout import Fields, Files, Films, Home, ImageFolders, filled, hash_split, matches, rate_for, split_table
from .numbered_files import lacking


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoLabels:
    """What the labels of one video say, before its footage is looked at.

    Attributes:
        frames: Every labelled moment, rising, without pictures; the base class takes every ``step_seconds``-th second.
        defects: What is left out.
        course: The video as a whole, see ``parsers.runs.course_of`` and ``parsers.intervals.course_in``.
        lasts: The footage goes on until this second at least; None where no footage can be asked for.
        said_by: What says so, for messages; empty takes the name of the first file.
        moments: Seconds that need a picture, where these are not those of ``frames``.
        within: A film may end this many seconds before that; None takes what :class:`.layout.Films` states.
        beyond: Footage may end this many seconds after that.
        spare: Labelled seconds whose image may be missing without being missed.
        always: Indices of moments that are taken whatever ``step_seconds`` says.
        told: Things worth telling that were seen while the labels were read.
    """

    frames: Sequence[Frame] = ()
    defects: Sequence[Defect] = ()
    course: VideoTimeline | None = None
    lasts: float | None = None
    said_by: str = ""
    moments: Sequence[float] | None = None
    within: float | None = None
    beyond: float = 1.0
    spare: frozenset[float] = frozenset()
    always: frozenset[int] = frozenset()
    told: tuple[str, ...] = ()

    @classmethod
    def of(cls, told: Iterable[Frame | Defect], **more: Any) -> VideoLabels:
        """From moments and what is left out in one row; ``more`` are the other attributes."""
        both: list[Frame | Defect] = list(told)
        frames = [one for one in both if isinstance(one, Frame)]
        return cls(frames=frames, defects=[one for one in both if isinstance(one, Defect)], **more)


class DeclaredSource(Source):
    """A source whose files follow patterns. A loader declares them and gives :meth:`labels`; the rest is done here.

    Owns which files belong to which video, splits, the footage of a recording and the step between moments. Never reads
    an annotation and never opens media. A loader overrides what its source does differently, no more.

    Attributes:
        home: How the folder of the dataset is known; without marks the root is it.
        files: Patterns of annotation files by kind, see :mod:`.layout`. A pattern without fields names a file that
            holds all videos and belongs to each of them.
        films: Where films are; None where the release has none.
        images: Where numbered images are; they go before films where both are there.
        video_id: Id of a video, of the fields of the patterns: ``video{number:02d}``.
        hashed: Parts of the splits of the scheme ``hashed``.
    """

    home: Home = Home()
    files: Files = Files()
    films: Films | None = None
    images: ImageFolders | None = None
    video_id: str
    hashed: ClassVar[Mapping[str, int]] = {"train": 7, "val": 1, "test": 2}

    # ------------------------------------------------------------------------------------------- what a loader gives

    @abstractmethod
    def labels(self, video: Video) -> VideoLabels:
        """What the files of one video say; asked for once a video, whoever needs it."""

    def fields_of(self, fields: Fields) -> Fields:
        """The fields of a video from those of one of its files; for ids that need more than a pattern."""
        return fields

    def listed(self) -> Iterable[Fields] | None:
        """Fields of the videos that a table names, where a table and not the files say which videos there are."""
        return None

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The same surgery across sources; for sources that show the videos of another one."""
        return f"{self.info.name}/{id}"

    def split_of(self, id: str, fields: Fields) -> str | None:
        """Split of a video under the scheme in use; None where it is in none.

        A scheme is a column of ``loaders/<source>_splits.csv``, or ``hashed``, or has one split.
        """
        table, splits = split_table(self.info.name), self.info.split_schemes[self.split_scheme]
        if self.split_scheme in table:
            return table[self.split_scheme].get(id)
        return hash_split(id, self.hashed) if self.split_scheme == "hashed" else splits[0]

    # ------------------------------------------------------------------------------------------------- finding files

    @cached_property
    def folder(self) -> Path:
        """The home.

        Raises:
            LayoutError: there is none, or several.
        """
        found = self.search(self.home)
        if found is None:
            raise self.layout_error(self.root, self.home.told())
        return found

    def search(self, home: Home) -> Path | None:
        """The folder that bears the marks of ``home``, the nearest to the root.

        Raises:
            LayoutError: several at the same level do.
        """
        level = [self.root]
        for _ in range(home.depth + 1):
            found = [folder for folder in level if home.fits(folder)]
            if len(found) > 1:
                names = ", ".join(self.relative(f) for f in found[:5])
                detail = f"it holds several copies ({names}); give one of them or, where they are parts, merge them"
                raise self.layout_error(self.root, f"{detail} into one folder")
            if found:
                return found[0]
            level = [path for folder in level for _, path in matches(folder, "*/")]
        return None

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """Fields and files by kind of each video; a loader overrides it where patterns cannot tell them."""
        found: dict[str, tuple[Fields, dict[str, Path]]] = {}
        shared: dict[str, Path] = {}
        home = self.folder
        for kind, patterns in self.files.items():
            for pattern in patterns:
                before = {id: paths[kind] for id, (_, paths) in found.items() if kind in paths}
                for fields, path in matches(home, pattern):
                    if not fields:
                        shared.setdefault(kind, path)
                        continue
                    id, fields = self._named(fields)
                    other = found.setdefault(id, (fields, {}))[1].setdefault(kind, path)
                    if other != path and id not in before and not filecmp.cmp(other, path, shallow=False):
                        names = f"{self.relative(other)} and {self.relative(path)}"
                        raise self.layout_error(self.root, f"{names} are the same video; keep one of them")
        for id, folders in self._image_folders.items():
            found.setdefault(id, (folders[0][0], {}))
        for fields, path in self.films.find(home) if self.films is not None else ():
            id, fields = self._named(fields)
            found.setdefault(id, (fields, {}))[1].setdefault("film", path)
        listed = self.listed()
        if listed is not None:
            found = {id: (fields, found.get(id, (fields, {}))[1]) for id, fields in map(self._named, listed)}
        return {id: (fields, {**shared, **paths}) for id, (fields, paths) in found.items()}

    @cached_property
    def _image_folders(self) -> dict[str, list[tuple[Fields, Path]]]:
        """Fields and folders of images of each video, in the order in which they count."""
        found: dict[str, list[tuple[Fields, Path]]] = {}
        for fields, path in self.images.find(self.folder) if self.images is not None else ():
            id, fields = self._named(fields)
            before = found.setdefault(id, [])
            if any(other.parent == path.parent and other != path for _, other in before):
                names = " and ".join(sorted((before[0][1].name, path.name)))
                raise self.layout_error(self.root, f"{names} are the same video; keep one of them")
            if all(other != path for _, other in before):
                before.append((fields, path))
        return found

    def _named(self, fields: Fields) -> tuple[str, Fields]:
        fields = self.fields_of(fields)
        return filled(self.video_id, fields), fields

    def videos(self) -> list[Video]:
        """All videos with a file, a film or a folder of images, by their fields.

        Raises:
            LayoutError: no file is named after a video.
        """
        if not self.found:
            raise self.layout_error(self.root, "no file is named after a video")
        ordered = sorted(self.found.items(), key=lambda f: [(type(v) is str, v) for v in f[1][0].values()])
        return [self._video(id, fields, paths) for id, (fields, paths) in ordered]

    def _video(self, id: str, fields: Fields, paths: Mapping[str, Path]) -> Video:
        split = self.split_of(id, fields)
        return Video(
            id=id,
            canonical_id=self.canonical_id(id, fields),
            # A video of no split gets the first one's name, since it must have one, and never yields a frame.
            split=split or self.info.split_schemes[self.split_scheme][0],
            files=tuple(paths.values()),
            data={**fields, "outside": split is None},
        )

    def file(self, video: Video, kind: str) -> tuple[Path | None, str]:
        """A file of a video, None where it is missing, and its place for messages, whether or not it is there."""
        path = self.found[video.id][1].get(kind)
        if path is not None:
            return path, self.relative(path)
        return None, filled(self.files[kind][0], self.found[video.id][0]).removeprefix("**/")

    def fps_of(self, video: Video) -> float:
        """The rate of a video's film as :attr:`films` states it."""
        assert self.films is not None, "only for sources with videos"
        return self.rate_of(self.films.fps, video)

    def rate_of(self, rates: Mapping[float, str], video: Video) -> float:
        """The rate of a video of rates that are given as data, see :func:`.layout.rate_for`."""
        number = video.data.get("number")
        return float(rate_for(rates, number if isinstance(number, int) else None, video.id))

    # ------------------------------------------------------------------------------------------------ reading labels

    @cached_property
    def _last(self) -> dict[str, VideoLabels]:
        """The labels of the video that was read last: frames, recording and course ask for the same."""
        return {}

    def _labels(self, video: Video) -> VideoLabels:
        if video.id not in self._last:
            self._last.clear()
            with collection_paused():
                self._last[video.id] = self.labels(video)
        return self._last[video.id]

    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        """The labelled moments of one video, every ``step_seconds``-th second where the options have that."""
        if video.data.get("outside"):
            known = Counter(split_table(self.info.name).get(self.split_scheme, {}).values())
            sizes = ", ".join(f"{split} {n} videos" for split, n in known.items())
            detail = f"this video is in no split of scheme {self.split_scheme} ({sizes})"
            yield Defect(Reason.SAMPLE_INVALID, video.id, detail)
            return
        told = self._labels(video)
        yield from told.defects
        step = getattr(self.options, "step_seconds", 1)
        yield from (f for f in told.frames if step == 1 or round(f.seconds) % step == 0 or f.index in told.always)

    def course(self, video: Video) -> VideoTimeline | None:
        """The video as a whole, as :meth:`labels` tells it."""
        return None if video.data.get("outside") else self._labels(video).course

    def recording(self, video: Video) -> Recording | None:
        """The footage as :attr:`images` and :attr:`films` state it, and what the labels need of it."""
        if video.data.get("outside"):
            return None
        told = self._labels(video)
        if told.lasts is None:
            return None
        seen = dict(self._footage(video))
        if told.within is not None:
            seen["within"] = told.within
        return Recording(
            **seen,
            moments=[f.seconds for f in told.frames] if told.moments is None else told.moments,
            lasts=told.lasts,
            said_by=told.said_by or (video.files[0].name if video.files else video.id),
            beyond=told.beyond,
            spare=told.spare,
            told=told.told,
            stated=self.stated(video),
        )

    def _footage(self, video: Video) -> Mapping[str, Any]:
        """The part of a recording that does not depend on labels."""
        fields = {**self.found[video.id][0], "video": video.id}
        path, film = self.found[video.id][1].get("film"), None
        if path is not None and self.films is not None:
            film = FilmFile(path=path, fps=self.fps_of(video), counted=self.films.counted)
        within = {} if self.films is None else {"within": self.films.within}  # counts for films alone
        images, folder = self._images(video, fields)
        if images is not None and (images.images or self.films is None):
            name, hint = images.name.format(images.base), self.images.hint if self.images else ""
            return {
                "media": images,
                "film": film,
                "place": self.relative(folder),
                "absent": lacking(folder, name) + hint,
            }
        if film is not None:
            parts = self._joining(film.path.stem.partition(".")[0], beside=film.path)
            place = self.relative(film.path)
            return {"media": film, "place": place, "absent": "the video is missing", "parts": parts, **within}
        assert self.films is not None, f"{self.info.name} declares footage: neither videos nor images"
        place = filled(self.films.places[0], fields).removeprefix("**/") + ".mp4"
        absent = "the video is missing" if self.images is None else "neither images nor a video are there"
        expected = dict.fromkeys(Path(filled(pattern, fields)) for pattern in self.films.places)
        parts = next((said for film in expected if (said := self._joining(film.name, within=film.parent.name))), "")
        return {"media": None, "place": place, "absent": f"{absent}; its {parts}" if parts else absent, **within}

    @cached_property
    def _films_there(self) -> dict[Path, list[Path]]:
        return films_below(self.folder)

    @cached_property
    def _films_beside(self) -> dict[Path, list[Path]]:
        return {}

    def _joining(self, name: str, *, beside: Path | None = None, within: str = "") -> str:
        """How the numbered parts of a film become it, beside one or in folders of one name; empty without any."""
        if beside is not None and beside.parent not in self._films_beside:
            self._films_beside[beside.parent] = films_in(beside.parent)
        folders = self._films_there if beside is None else {beside.parent: self._films_beside[beside.parent]}
        for folder, films in folders.items():
            own = folder.name.casefold() == name.casefold()
            holders = {folder.name.casefold(), folder.parent.name.casefold() if own else ""}
            if within in ("", "**") or within.casefold() in holders:
                parts = parts_of(name, folder, films)
                if parts:
                    return joining(parts, f"{name}.mp4")
        return ""

    def image_numbers(self, video: Video) -> list[int]:
        """Numbers of the images of a video that :attr:`images` names, rising."""
        found = self._images(video, {**self.found[video.id][0], "video": video.id})[0]
        return [] if found is None else list(found.images)

    def _images(self, video: Video, fields: Fields) -> tuple[NumberedImages | None, Path]:
        layout = self.images
        if layout is None:
            return None, self.folder
        folders = [path for _, path in self._image_folders.get(video.id, ())]
        expected = self.folder / filled(layout.places[0], fields).removeprefix("**/")
        read = ((folder, layout.images(folder, fields)) for folder in folders)
        folder, images = next(((f, i) for f, i in read if i), (folders[0] if folders else expected, {}))
        return (
            NumberedImages(
                images={n: FileImage(p) for n, p in images.items()},
                name=layout.name(fields),
                base=layout.base,
                base_seconds=layout.base_seconds,
                fps=self.rate_of(layout.fps, video),
            ),
            folder,
        )
