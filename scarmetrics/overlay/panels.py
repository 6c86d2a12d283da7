"""Panels: the crop of a photograph with what was measured drawn in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.face.regions import LEFT_BROW, LEFT_EYE, RIGHT_BROW, RIGHT_EYE
from scarmetrics.overlay.outlines import (
    Outline,
    baseline_fates,
    follow_up_fates,
    mask_outlines,
    move_all,
    scar_outlines,
)
from scarmetrics.overlay.strokes import draw_outlines, draw_region, hide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from scarmetrics.face import Face
    from scarmetrics.models import Fate, Points
    from scarmetrics.overlay.frame import Frame
    from scarmetrics.pipeline import HalfResult, Pair, VisitResult

_EYES = (RIGHT_EYE + RIGHT_BROW, LEFT_EYE + LEFT_BROW)
_EYE_MARGIN = 0.06  # of the distance between the pupils


@dataclass(frozen=True, eq=False)
class Marks:
    """What is drawn into a photograph, as points in its own px.

    Attributes
    ----------
    region : tuple of ndarray of float64, shape (K, 2)
        Outlines of the skin that was measured.
    scars : tuple of Outline
        Outlines of the scars.
    eyes : tuple of ndarray of float64, shape (K, 2)
        Landmarks around each eye and brow to hide; empty to hide nothing.
    """

    region: tuple[Points, ...]
    scars: tuple[Outline, ...]
    eyes: tuple[Points, ...]

    def moved(self, move: Callable[[Points], Points]) -> Marks:
        """The same marks through a map of points."""
        outlines = move_all([scar.xy for scar in self.scars], move)
        return Marks(
            region=move_all(self.region, move),
            scars=tuple(
                Outline(xy, scar.fate) for scar, xy in zip(self.scars, outlines, strict=True)
            ),
            eyes=move_all(self.eyes, move),
        )


def visit_marks(pair: Pair, result: HalfResult, *, hide_eyes: bool) -> tuple[Marks, Marks]:
    """Marks of the baseline and of the follow-up, each in its own px."""
    return (
        _marks(result.baseline, baseline_fates(result.matches), pair.faces[0], hide_eyes=hide_eyes),
        _marks(
            result.follow_up, follow_up_fates(result.matches), pair.faces[1], hide_eyes=hide_eyes
        ),
    )


def draw_panel(
    panel: NDArray[np.uint8], frame: Frame, marks: Marks, face: Face, line_px: int
) -> NDArray[np.uint8]:
    """Draw marks into a panel.

    Parameters
    ----------
    panel : ndarray of uint8, shape (m, n, 3)
        The crop at the panel's size.
    frame : Frame
        Where it comes from.
    marks : Marks
        In px of the photograph that the frame belongs to.
    face : Face
        The photograph's face, whose size sets the margin around hidden eyes.
    line_px : int
        Width of a line.

    Returns
    -------
    ndarray of uint8, shape (m, n, 3)
    """
    drawn = panel.copy()
    placed = marks.moved(frame.to_panel)
    draw_region(drawn, placed.region)
    hide(drawn, placed.eyes, _EYE_MARGIN * face.interpupillary_px * frame.zoom)
    draw_outlines(drawn, placed.scars, line_px)
    return drawn


def _marks(visit: VisitResult, fates: Mapping[int, Fate], face: Face, *, hide_eyes: bool) -> Marks:
    eyes = tuple(face.landmarks[list(ring), :2] for ring in _EYES) if hide_eyes else ()
    return Marks(mask_outlines(visit.roi), scar_outlines(visit.labels, fates), eyes)
