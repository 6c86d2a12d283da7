"""What one half's page shows, as the run leaves it in ``views/`` for the report to read."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import NonNegativeInt, PositiveInt

from scarmetrics.models import Fate, Record, Side

Ring = tuple[tuple[float, float], ...]
"""A closed line of points (x, y) in px of the view, pixel centres at integers; open in the list."""

Which = Literal["baseline", "follow_up"]


class ViewScar(Record):
    """One scar at one visit, where the view shows it.

    Attributes
    ----------
    visit : {'baseline', 'follow_up'}
        On which of the two pictures.
    scar_id : int
        Its label, as in ``scars.csv``.
    fate : {'persisted', 'shrunk', 'grown', 'healed', 'new'}
        What becomes, or became, of it.
    rings : tuple of Ring
        Its outlines, holes included.
    """

    visit: Which
    scar_id: PositiveInt
    fate: Fate
    rings: tuple[Ring, ...]


class ViewExcluded(Record):
    """Skin that was not measured, and why.

    Attributes
    ----------
    visit : {'baseline', 'follow_up'}
        On which of the two pictures.
    cause : str
        ``print``, ``tilt``, ``shadow``, ``highlight``, ``hair`` or ``beard``, as the columns
        ``*_fraction`` of ``measurements.csv`` have it; ``not_aligned``; or ``other_visit``, where
        only the other visit's photograph does not show it.
    rings : tuple of Ring
        Its outlines.
    """

    visit: Which
    cause: str
    rings: tuple[Ring, ...]


class HalfView(Record):
    """Pictures and outlines of one half, all in the same crop of the baseline's photograph.

    Attributes
    ----------
    subject_id : str
        The subject.
    side : {'left', 'right'}
        The half.
    baseline_visit, follow_up_visit : str
        Names of the visits.
    baseline_date, follow_up_date : datetime.date or None
        When the photographs were taken.
    box : tuple of int
        The crop (x0, y0, x1, y1) in px of the upright baseline photograph, the last two exclusive.
    width_px, height_px : int
        Size of both pictures: that of the crop, pixel for pixel; a crop of more than 12 million
        pixels is reduced to so many.
    mm_per_px : float or None
        Scale of the view; None without a scale.
    letters : tuple of str
        Anatomical sides, 'R' or 'L', at the viewer's left and right.
    baseline_picture, follow_up_picture : str
        Both visits without any drawing, in one tone mapping; the follow-up is warped to the
        baseline, for display only. Names below OUT.
    residual_picture : str
        The alignment's expected error as a translucent picture of the same frame.
    residual_mm : tuple of float
        Errors at the two ends of that picture's colours, mm (nominal where there is no scale).
    thumbnail : str
        Both visits side by side, small.
    eyes_hidden : bool
        Whether eyes and brows are covered in the pictures.
    regions : tuple of Ring
        Outlines of the skin that was measured, of the baseline.
    scars : tuple of ViewScar
        All scars of both visits.
    excluded : tuple of ViewExcluded
        Skin that was not measured.
    """

    subject_id: str
    side: Side
    baseline_visit: str
    follow_up_visit: str
    baseline_date: dt.date | None = None
    follow_up_date: dt.date | None = None
    box: tuple[NonNegativeInt, NonNegativeInt, PositiveInt, PositiveInt]
    width_px: PositiveInt
    height_px: PositiveInt
    mm_per_px: float | None = None
    letters: tuple[str, str]
    baseline_picture: str
    follow_up_picture: str
    residual_picture: str
    residual_mm: tuple[float, float]
    thumbnail: str
    eyes_hidden: bool
    regions: tuple[Ring, ...] = ()
    scars: tuple[ViewScar, ...] = ()
    excluded: tuple[ViewExcluded, ...] = ()
