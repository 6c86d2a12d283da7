"""The three pictures of a half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scarmetrics.overlay.captions import (
    Captions,
    change_paragraph,
    half_paragraphs,
    legend_words,
    small_print,
    visit_paragraphs,
)
from scarmetrics.overlay.frame import Frame, frame_around
from scarmetrics.overlay.page import (
    beside,
    edge_letters,
    framed,
    gutter_px,
    legend_block,
    panel_block,
    scale_bar_block,
)
from scarmetrics.overlay.panels import draw_panel, visit_marks
from scarmetrics.overlay.text import Paragraph, text_block
from scarmetrics.overlay.tone import fit_tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from scarmetrics.config import OverlayConfig
    from scarmetrics.models import Fate
    from scarmetrics.overlay.page import Block
    from scarmetrics.pipeline import HalfResult, Pair

_EM_PER_SIDE = 1 / 60
_SMALLEST_EM_PX = 12
_COLUMN_EM = 27  # least width of a column, for its text
_LINE_PER_SIDE = 1 / 1500
_FATES: tuple[tuple[Fate, ...], tuple[Fate, ...]] = (
    ("persisted", "shrunk", "grown", "healed"),
    ("persisted", "shrunk", "grown", "new"),
)
_WARPED = "warped for display; measured in its own pixels"


@dataclass(frozen=True, eq=False)
class Overlays:
    """Pictures of one half.

    Attributes
    ----------
    baseline, follow_up : ndarray of uint8, shape (m, n, 3)
        RGB; each visit in its own pixels.
    pair : ndarray of uint8, shape (m, n, 3)
        RGB; both side by side on the same crop, the follow-up warped to the baseline.
    """

    baseline: NDArray[np.uint8]
    follow_up: NDArray[np.uint8]
    pair: NDArray[np.uint8]


def render_overlays(
    pair: Pair, result: HalfResult, captions: Captions, config: OverlayConfig
) -> Overlays:
    """Draw one half for a reviewer.

    Parameters
    ----------
    pair : Pair
        Both photographs, aligned.
    result : HalfResult
        What was measured on one side of them.
    captions : Captions
        Subject, visits, version.
    config : OverlayConfig
        Size of the panels, and whether eyes are hidden.

    Returns
    -------
    Overlays
        The same bytes for the same input.
    """
    rois = (result.baseline.roi, result.follow_up.roi)
    frames = [
        frame_around(roi, mm_per_px, config.max_side_px)
        for roi, mm_per_px in zip(rois, pair.detection_mm_per_px, strict=True)
    ]
    page = _Page(pair, result, captions, config.max_side_px)
    tone = fit_tone(pair.images, rois)
    marks = visit_marks(pair, result, hide_eyes=config.hide_eyes)
    warped = pair.registration.warp(pair.images[1], frames[0].box)
    seen = (  # crop at the panel's size, its frame, marks in the frame's photograph, its face
        (frames[0].cut(pair.images[0]), frames[0], marks[0], pair.faces[0]),
        (frames[1].cut(pair.images[1]), frames[1], marks[1], pair.faces[1]),
        (
            frames[0].resized(warped),
            frames[0],
            marks[1].moved(pair.registration.inverse_points),
            pair.faces[0],
        ),
    )
    before, after, after_warped = (
        draw_panel(tone.apply(crop), frame, mark, face, page.line_px)
        for crop, frame, mark, face in seen
    )
    return Overlays(
        baseline=page.of_visit(0, before, frames[0]),
        follow_up=page.of_visit(1, after, frames[1]),
        pair=page.of_pair((before, after_warped), frames[0]),
    )


@dataclass(frozen=True, eq=False)
class _Column:
    """A panel and what stands around it."""

    words: list[Paragraph]
    panel: Block
    letters: tuple[str, str]
    mm_per_panel_px: float | None


@dataclass(frozen=True, eq=False)
class _Page:
    """Panels, set among their words."""

    pair: Pair
    result: HalfResult
    captions: Captions
    max_side_px: int

    @property
    def em_px(self) -> int:
        """Size of plain text."""
        return max(_SMALLEST_EM_PX, round(_EM_PER_SIDE * self.max_side_px))

    @property
    def line_px(self) -> int:
        """Width of contours."""
        return max(1, round(_LINE_PER_SIDE * self.max_side_px))

    def of_visit(self, index: int, panel: Block, frame: Frame) -> Block:
        """The page of one visit in its own pixels."""
        intro = half_paragraphs(self.captions, self.result, self.em_px)
        return self._set([self._column(index, panel, frame, index)], intro, _FATES[index])

    def of_pair(self, panels: tuple[Block, Block], frame: Frame) -> Block:
        """The page of both visits in the baseline's frame."""
        intro = half_paragraphs(self.captions, self.result, self.em_px)
        intro.append(change_paragraph(self.result, self.em_px))
        columns = [
            self._column(0, panels[0], frame, 0),
            self._column(1, panels[1], frame, 0, note=_WARPED),
        ]
        return self._set(columns, intro, tuple(dict.fromkeys(_FATES[0] + _FATES[1])))

    def _column(
        self, index: int, panel: Block, frame: Frame, frame_of: int, note: str = ""
    ) -> _Column:
        """A visit's column; `frame_of` is the visit in whose pixels the panel is."""
        scale = (self.result.baseline, self.result.follow_up)[frame_of].scale
        return _Column(
            words=visit_paragraphs(self.captions, self.result, index, self.em_px, note),
            panel=panel,
            letters=edge_letters(self.pair.faces[frame_of]),
            mm_per_panel_px=None if scale is None else scale.mm_per_px / frame.zoom,
        )

    def _set(
        self, columns: Sequence[_Column], intro: list[Paragraph], fates: Sequence[Fate]
    ) -> Block:
        em = self.em_px
        width = max(columns[0].panel.shape[1] + 2 * gutter_px(em), _COLUMN_EM * em)
        rows = [
            beside([text_block(column.words, width) for column in columns], em),
            beside([panel_block(c.panel, c.letters, width, em) for c in columns], em),
            beside(
                [scale_bar_block(c.mm_per_panel_px, c.panel.shape[1], width, em) for c in columns],
                em,
            ),
        ]
        whole = rows[0].shape[1]
        legend = legend_words(self.captions, self.result)
        blocks = [
            text_block(intro, whole),
            *rows,
            legend_block({fate: legend[fate] for fate in fates}, whole, em, self.line_px),
            text_block([small_print(self.captions, em)], whole),
        ]
        return framed(blocks, em // 2)
