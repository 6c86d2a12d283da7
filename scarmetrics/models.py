"""The records that travel between the parts: photographs, halves, failures, results."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from scarmetrics.errors import REASONS
from scarmetrics.units import quoted

Side = Literal["left", "right"]
View = Literal["frontal", "left", "right"]
Fate = Literal["persisted", "shrunk", "grown", "healed", "new"]

SIDES: tuple[Side, Side] = ("left", "right")

Image = NDArray[np.uint8] | NDArray[np.uint16]
Mask = NDArray[np.bool_]
FloatImage = NDArray[np.float32]
Points = NDArray[np.float64]

_SUBJECT_ID = re.compile(r"[^\W_][\w.-]{0,63}")
_MAX_SUBJECT_BYTES = 200  # file names have 255, and hold side and visit too; 64 letters may be 256


def valid_subject_id(text: str) -> str:
    """Check a subject id, which becomes part of file names.

    Parameters
    ----------
    text : str
        Letters and digits of any script, ``-``, ``_``, ``.``; starts with a letter or digit;
        at most 64 characters.

    Returns
    -------
    str
        The same text.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if not _SUBJECT_ID.fullmatch(text) or len(text.encode()) > _MAX_SUBJECT_BYTES:
        raise ValueError(
            f"subject id {quoted(text)}: use letters, digits, '-', '_', '.', 64 at most"
        )
    return text


class Record(BaseModel):
    """Base of all frozen, strict records."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class PhotoRecord(Record):
    """One photograph of a study as listed, not yet decoded.

    Attributes
    ----------
    subject_id, visit, view : str
        Canonical words, after aliases.
    path : pathlib.Path
        Where the file is; never written to an output.
    path_relative : str
        The same below the exports folder, with ``/``; what outputs show.
    captured_on : datetime.date or None
        Day of the photograph.
    light : str or None
        Kind of light, where the device has several.
    mm_per_px, mm_per_px_rel_sd : float or None
        Scale of this photograph from the manifest, and its relative standard deviation.
    side : {'left', 'right'} or None
        Restricts the photograph to one side.
    source : str
        Where the record was read, such as ``manifest.csv line 3``.
    """

    subject_id: Annotated[str, AfterValidator(valid_subject_id)]
    visit: str
    view: View
    path: Path
    path_relative: str
    captured_on: dt.date | None = None
    light: str | None = None
    mm_per_px: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    mm_per_px_rel_sd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    side: Side | None = None
    source: str = ""


class FailureRecord(Record):
    """One row of ``failures.csv``: a half or a file that could not be measured."""

    subject_id: str = ""
    side: str = ""
    visit: str = ""
    path_relative: str = ""
    reason_code: str
    reason: str
    remedy: str


class Failure:
    """A result that is not there: falsy, with a reason.

    Parameters
    ----------
    reason_code : str
        A key of `scarmetrics.errors.REASONS`.
    detail : str, optional
        What is special about this case; the code's meaning when empty.
    """

    def __init__(self, reason_code: str, detail: str = "") -> None:
        text = REASONS[reason_code]
        self.reason_code = reason_code
        self.reason = detail or text.meaning
        self.remedy = text.remedy

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.reason_code!r}, {self.reason!r})"


class FailedHalf(Failure):
    """A half that could not be measured.

    Parameters
    ----------
    reason_code, detail : str
        As for `Failure`.
    visit : str, optional
        The visit whose photograph is the cause, where one is.
    """

    def __init__(self, reason_code: str, detail: str = "", visit: str = "") -> None:
        super().__init__(reason_code, detail)
        self.visit = visit


@dataclass(frozen=True, eq=False)
class Photograph:
    """A decoded photograph: upright, sRGB, with its hash.

    Attributes
    ----------
    pixels : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB.
    sha256 : str
        Hash of the file's bytes.
    flags : tuple of str
        Names from `scarmetrics.flags.FLAGS`.
    dpi : float or None
        Resolution that the file states; no scale unless the config says so.
    """

    pixels: Image
    sha256: str
    flags: tuple[str, ...] = ()
    dpi: float | None = None


@dataclass(frozen=True)
class HalfPlan:
    """One half that can be measured: a side of a subject with a photograph at both visits."""

    subject_id: str
    side: Side
    baseline: PhotoRecord
    follow_up: PhotoRecord


@dataclass(frozen=True)
class StudyPlan:
    """Everything a folder of exports amounts to, before any photograph is decoded.

    Attributes
    ----------
    halves : tuple of HalfPlan
        What will be measured, in the order of subject and side.
    failures : tuple of FailureRecord
        Files and halves that cannot be, with reasons.
    records : tuple of PhotoRecord
        All photographs that were understood.
    unused : tuple of PhotoRecord
        Understood, but not part of any half (another visit, another view).
    unlisted : tuple of str
        Photographs in the folder that the manifest does not list, below the exports folder.
    """

    halves: tuple[HalfPlan, ...]
    failures: tuple[FailureRecord, ...]
    records: tuple[PhotoRecord, ...]
    unused: tuple[PhotoRecord, ...] = field(default=())
    unlisted: tuple[str, ...] = field(default=())
