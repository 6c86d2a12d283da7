"""A clinic's tracings: a folder of photographs, each with what its readers drew.

Every problem of the folder is found before anything is taught, and all are told at once.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from scarmetrics.errors import PhotographError, UsageError
from scarmetrics.segmentation.normalise import COARSEST_MM_PER_PX
from scarmetrics.teach.drawings import (
    DrawingError,
    read_region,
    scars_of_mask,
    traced_ellipses,
)
from scarmetrics.teach.lesson import Lesson, make_lesson
from scarmetrics.teach.photographs import read_traced_photograph

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from scarmetrics.models import Image, Mask

MASK, ELLIPSES, REGION = ".mask.png", ".ellipses.json", ".roi.png"
SCALES = "scales.csv"
_PHOTOGRAPHS = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp"})
_LEAST = 2
_LEAST_MM = 1.0  # side of a photograph or of a square as large as a region
_T = TypeVar("_T")
_LISTS = "tracings.json or tracings_READER.json"


class Problem(NamedTuple):
    """One thing that is wrong in the folder."""

    file: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}; {self.remedy}"


class TracingsError(UsageError):
    """The folder cannot be taught from; carries every problem.

    Parameters
    ----------
    folder : str
        Name of the folder.
    problems : list of Problem
        All that was found.
    """

    def __init__(self, folder: str, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\n  {problem}" for problem in problems)
        plural = "s" * (len(problems) != 1)
        super().__init__(
            f"{folder} has {len(problems)} problem{plural}{lines}\n  remedy",
            "correct the folder; nothing was taught",
        )


@dataclass(frozen=True, eq=False)
class Tracings:
    """What a folder holds, ready to be taught.

    Attributes
    ----------
    lessons : tuple of Lesson
        One per photograph, by name.
    sha256 : str
        Hash over all files that were used.
    """

    lessons: tuple[Lesson, ...]
    sha256: str

    @property
    def scar_count(self) -> int:
        """Scars traced, readers averaged."""
        return sum(lesson.scar_count for lesson in self.lessons)


@dataclass(eq=False)
class _Entry:
    """One photograph and what belongs to it, as found in the folder."""

    path: Path
    masks: dict[str, Path] = field(default_factory=dict)
    ellipses: dict[str, tuple[str, Any]] = field(default_factory=dict)
    region: Path | None = None
    mm_per_px: float | None = None
    person: str = ""


def read_tracings(
    folder: Path,
    *,
    mm_per_px: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Tracings:
    """Read a folder of traced photographs; it is never written to.

    Parameters
    ----------
    folder : pathlib.Path
        Layout as in docs/training.md.
    mm_per_px : float, optional
        Scale of photographs for which ``scales.csv`` states none.
    progress : callable, optional
        Called with (photographs read, photographs in all).

    Returns
    -------
    Tracings

    Raises
    ------
    UsageError
        If it is no folder, or anything in it is wrong; the message lists every problem.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder.name} is not a folder", "name the folder with the tracings")
    reading = _Reading(folder, mm_per_px)
    reading.collect()
    lessons = []
    for number, (name, entry) in enumerate(sorted(reading.entries.items()), start=1):
        lesson = reading.lesson(name, entry)
        if lesson is not None:
            lessons.append(lesson)
        if progress:
            progress(number, len(reading.entries))
    reading.check_enough(lessons)
    if reading.problems:
        raise TracingsError(folder.resolve().name, reading.problems)
    return Tracings(tuple(lessons), reading.digest())


class _Reading:
    """The state of reading one folder."""

    def __init__(self, folder: Path, mm_per_px: float | None) -> None:
        self.folder = folder
        self.mm_per_px = mm_per_px
        self.entries: dict[str, _Entry] = {}
        self.problems: list[Problem] = []
        self.hashes: dict[str, str] = {}

    def problem(self, file: str, what: str, remedy: str) -> None:
        self.problems.append(Problem(file, what, remedy))

    def collect(self) -> None:
        """Sort the folder's files to the photographs that they belong to."""
        try:
            files = sorted(path for path in self.folder.iterdir() if path.is_file())
        except OSError as error:
            raise UsageError(
                f"the folder {self.folder.resolve().name} cannot be read ({error.strerror})",
                "check its permissions",
            ) from None
        files = [path for path in files if not path.name.startswith(".")]
        for path in files:
            if path.suffix.lower() in _PHOTOGRAPHS and not path.name.endswith((MASK, REGION)):
                if path.stem in self.entries:
                    other = self.entries[path.stem].path.name
                    self.problem(path.name, f"has the same name as {other}", "rename one of them")
                else:
                    self.entries[path.stem] = _Entry(path)
        for path in files:
            try:
                if path.name == SCALES:
                    self._collect_scales(path)
                else:
                    self._collect_drawing(path)
            except DrawingError as error:
                self.problem(path.name, error.what, error.remedy)

    def _collect_drawing(self, path: Path) -> None:
        name = path.name
        if name.endswith(REGION):
            found = self._owner(name, REGION, readers=False)
            if found:
                found[0].region = path
        elif name.endswith(MASK):
            found = self._owner(name, MASK)
            if found and self._is_new(name, *found):
                found[0].masks[found[1]] = path
        elif name.endswith(ELLIPSES):
            found = self._owner(name, ELLIPSES)
            if found and self._is_new(name, *found):
                found[0].ellipses[found[1]] = (name, self._json(path))
        elif path.suffix.lower() == ".json":
            if path.stem.partition("_")[0] != "tracings":
                what, remedy = "is no name of tracings", f"call it NAME{ELLIPSES}, or {_LISTS}"
                raise DrawingError(what, remedy)
            self._collect_list(path)

    def _owner(self, file: str, ending: str, *, readers: bool = True) -> tuple[_Entry, str] | None:
        """The photograph that a file belongs to, and the reader who drew it."""
        base = file.removesuffix(ending)
        name, _, reader = base.rpartition(".")
        if base in self.entries:
            return self.entries[base], ""
        if readers and name in self.entries:
            return self.entries[name], reader
        self.problem(file, "belongs to no photograph", "add the photograph or correct the name")
        return None

    def _is_new(self, file: str, entry: _Entry, reader: str) -> bool:
        fresh = reader not in entry.masks and reader not in entry.ellipses
        if not fresh:
            who = f"reader {reader}" if reader else "the same reader"
            self.problem(file, f"{who} has traced {entry.path.name} twice", "remove one of them")
        return fresh

    def _collect_list(self, path: Path) -> None:
        """A file with the ellipses of many photographs."""
        reader = path.stem.partition("_")[2]
        drawn = self._json(path)
        if not isinstance(drawn, dict):
            raise DrawingError("holds no list per photograph", 'write {"NAME": [[...]], ...}')
        for key, ellipses in drawn.items():
            name = key if key in self.entries else Path(key).stem
            if name not in self.entries:
                what = f"traces {key!r}, which is no photograph here"
                self.problem(path.name, what, "add the photograph or remove the entry")
            elif self._is_new(path.name, self.entries[name], reader):
                self.entries[name].ellipses[reader] = (path.name, ellipses)

    def _collect_scales(self, path: Path) -> None:
        try:
            rows = list(csv.DictReader(io.StringIO(self._bytes(path).decode("utf-8-sig"))))
        except (UnicodeDecodeError, csv.Error):
            raise DrawingError("is not a UTF-8 table", "save it as CSV in UTF-8") from None
        for line, row in enumerate(rows, start=2):
            key = (row.get("photograph") or "").strip()
            name = key if key in self.entries else Path(key).stem
            where = f"{path.name}, line {line}"
            if name not in self.entries:
                what = f"{key!r} is no photograph here"
                self.problem(where, what, "columns are photograph, mm_per_px, person; correct it")
                continue
            self.entries[name].person = (row.get("person") or "").strip()
            text = (row.get("mm_per_px") or "").strip()
            if text:
                self.entries[name].mm_per_px = self._scale(where, text)

    def _scale(self, where: str, text: str) -> float | None:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not (np.isfinite(value) and value > 0):
            self.problem(where, f"mm_per_px is {text!r}", "write a positive number, such as 0.2")
            return None
        return value

    def lesson(self, name: str, entry: _Entry) -> Lesson | None:
        """Decode a photograph and draw its tracings; None where that cannot be done."""
        before = len(self.problems)
        file = entry.path.name
        mm_per_px = entry.mm_per_px or self.mm_per_px
        if mm_per_px is None:
            remedy = f"give --mm-per-px, or the photograph's row in {SCALES}"
            self.problem(file, "has no scale", remedy)
        if not entry.masks and not entry.ellipses:
            remedy = f"add {name}{MASK} or {name}{ELLIPSES}, with no scar where there is none"
            self.problem(file, "has no tracing", remedy)
        image = self._photograph(entry.path)
        if image is None:
            return None
        shape = image.shape[:2]
        self._check_sizes(file, shape, mm_per_px)
        region, readers = self._drawings(entry, shape, mm_per_px)
        if len(self.problems) > before or mm_per_px is None:
            return None
        return make_lesson(
            image,
            [labels for labels in readers if labels is not None],
            mm_per_px=mm_per_px,
            name=name,
            person=entry.person,
            roi=region,
        )

    def _drawings(
        self, entry: _Entry, shape: tuple[int, int], mm_per_px: float | None
    ) -> tuple[Mask | None, list[NDArray[np.int32] | None]]:
        """The region of an entry, and what each reader drew."""
        region: Mask | None = None
        readers: list[NDArray[np.int32] | None] = []
        if entry.region is not None:
            path, least_px = entry.region, (_LEAST_MM / (mm_per_px or np.inf)) ** 2
            region = self._drawn(path.name, lambda: read_region(self._bytes(path), shape, least_px))
        for mask in entry.masks.values():
            readers.append(self._drawn(mask.name, partial(self._scars, mask, shape, region)))
        for source, drawn in entry.ellipses.values():
            readers.append(self._drawn(source, partial(traced_ellipses, drawn, shape)))
        return region, readers

    def _check_sizes(self, file: str, shape: tuple[int, int], mm_per_px: float | None) -> None:
        """A scale that was mistyped makes a photograph that cannot be."""
        remedy = f"correct its scale in {SCALES} or --mm-per-px; 0.2 is usual"
        if mm_per_px is not None and mm_per_px > COARSEST_MM_PER_PX:
            what = f"has {mm_per_px:g} mm/px, and above {COARSEST_MM_PER_PX:g} no scar can be seen"
            self.problem(file, what, remedy)
        elif mm_per_px is not None and min(shape) * mm_per_px < _LEAST_MM:
            what = f"shows {min(shape) * mm_per_px:.2g} mm only at {mm_per_px:g} mm/px"
            self.problem(file, what, remedy)

    def _photograph(self, path: Path) -> Image | None:
        try:
            photograph = read_traced_photograph(path)
        except PhotographError as error:
            self.problem(path.name, error.message, error.remedy)
            return None
        self.hashes[path.name] = photograph.sha256
        return photograph.pixels

    def _scars(self, path: Path, shape: tuple[int, int], region: Mask | None) -> NDArray[np.int32]:
        return scars_of_mask(self._bytes(path), shape, region)

    def _drawn(self, file: str, draw: Callable[[], _T]) -> _T | None:
        try:
            return draw()
        except DrawingError as error:
            self.problem(file, error.what, error.remedy)
            return None

    def _json(self, path: Path) -> Any:
        try:
            return json.loads(self._bytes(path).decode("utf-8-sig"))
        except (ValueError, RecursionError):
            remedy = "write [[cx, cy, rx, ry, angle_deg], ...]"
            raise DrawingError("is not JSON", remedy) from None

    def _bytes(self, path: Path) -> bytes:
        try:
            data = path.read_bytes()
        except OSError as error:
            what = f"cannot be read ({error.strerror})"
            raise DrawingError(what, "check that it is whole and its permissions") from None
        self.hashes[path.name] = hashlib.sha256(data).hexdigest()
        return data

    def check_enough(self, lessons: list[Lesson]) -> None:
        """Teaching needs two photographs and a scar."""
        if len(self.entries) < _LEAST:
            what = f"holds fewer than {_LEAST} photographs"
            remedy = "add and trace more; ten of different people are a good beginning"
            self.problem(self.folder.resolve().name, what, remedy)
        elif len(lessons) == len(self.entries) and not any(one.target.any() for one in lessons):
            what = "no scar is traced in any photograph"
            self.problem(self.folder.resolve().name, what, "trace scars, or check the masks")

    def digest(self) -> str:
        """One hash over the names and contents of all files used."""
        text = "".join(f"{name}\0{value}\n" for name, value in sorted(self.hashes.items()))
        return hashlib.sha256(text.encode()).hexdigest()
