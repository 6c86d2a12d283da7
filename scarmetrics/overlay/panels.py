"""Panels: the crop of a photograph with what was measured drawn in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.overlay.eyes import cover
from scarmetrics.overlay.outlines import (
    mask_outlines,
    move_all,
    scar_outlines,
)
from scarmetrics.overlay.strokes import (
    draw_hatching,
    draw_outlines,
    draw_region,
    gray_outside,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from scarmetrics.models import Fate, Points
    from scarmetrics.overlay.frame import Frame
    from scarmetrics.overlay.left_out import LeftOut
    from scarmetrics.overlay.outlines import Outline
    from scarmetrics.pipeline import VisitResult
    from scarmetrics.registration.frame import Box


@dataclass(frozen=True, eq=False)
class Marks:
    """What is drawn into a photograph, as points in its own px.

    Attributes
    ----------
    region : tuple of ndarray of float64, shape (K, 2)
        Outlines of the skin that was measured.
    scars : tuple of Outline
        Outlines of the scars.
    left_out : dict of str to tuple of ndarray of float64, shape (K, 2)
        Outlines of skin that was not measured, by reason.
    """

    region: tuple[Points, ...]
    scars: tuple[Outline, ...]
    left_out: Mapping[str, tuple[Points, ...]]

    def moved(self, move: Callable[[Points], Points]) -> Marks:
        """The same marks through a map of points."""
        outlines = move_all([scar.xy for scar in self.scars], move)
        return Marks(
            region=move_all(self.region, move),
            scars=tuple(
                replace(scar, xy=xy) for scar, xy in zip(self.scars, outlines, strict=True)
            ),
            left_out={reason: move_all(rings, move) for reason, rings in self.left_out.items()},
        )


def visit_marks(
    visit: VisitResult,
    fates: Mapping[int, Fate],
    skipped: LeftOut | None,
    mm_per_px: float,
    box: Box,
) -> Marks:
    """Marks of one visit in its own px; `box` is a part of the photograph that holds its ROI."""
    x0, y0, x1, y1 = box
    part = np.s_[y0:y1, x0:x1]
    marks = Marks(mask_outlines(visit.roi[part]), scar_outlines(visit.labels[part], fates), {})
    placed = marks.moved(lambda xy: xy + np.array([x0, y0], np.float64))
    return placed if skipped is None else replace(placed, left_out=skipped.rings(mm_per_px))


def draw_panel(
    panel: NDArray[np.uint8], frame: Frame, marks: Marks, covers: Sequence[Points], em_px: int
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
    covers : sequence of ndarray of float64, shape (K, 2)
        Polygons to cover, in the same px: see `scarmetrics.overlay.eyes`.
    em_px : int
        Size of the page's text, which sets the pitch of hatching.

    Returns
    -------
    ndarray of uint8, shape (m, n, 3)
    """
    drawn = panel.copy()
    placed = marks.moved(frame.to_panel)
    gray_outside(drawn, placed.region)
    draw_hatching(drawn, placed.left_out, hatch_pitch_px(em_px))
    cover(drawn, move_all(covers, frame.to_panel))
    draw_region(drawn, placed.region)
    draw_outlines(drawn, placed.scars)
    return drawn


def hatch_pitch_px(em_px: int) -> int:
    """Distance of the lines of a hatching."""
    return max(5, em_px // 2)
