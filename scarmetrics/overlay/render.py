"""The three pictures of a half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scarmetrics.overlay.captions import (
    Captions,
    alignment_paragraph,
    change_paragraph,
    half_paragraphs,
    left_out_words,
    legend_words,
    small_print,
    visit_paragraphs,
)
from scarmetrics.overlay.eyes import eye_covers
from scarmetrics.overlay.frame import Frame, fitted
from scarmetrics.overlay.page import (
    beside,
    edge_letters,
    framed,
    gutter_px,
    legend_block,
    panel_block,
    scale_bar_block,
)
from scarmetrics.overlay.panels import draw_panel
from scarmetrics.overlay.scene import Scene
from scarmetrics.overlay.text import Paragraph, text_block

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
    pair: Pair,
    result: HalfResult,
    captions: Captions,
    config: OverlayConfig,
    scene: Scene | None = None,
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
    scene : Scene, optional
        That of the same pair and result, where other pictures are made of it too.

    Returns
    -------
    Overlays
        The same bytes for the same input.
    """
    scene = scene or Scene(pair, result)
    page = _Page(scene, captions, config.max_side_px)
    frames = [fitted(box, config.max_side_px) for box in scene.boxes]
    covers = (scene.common_covers, eye_covers(pair.faces[1])) if config.hide_eyes else ((), ())
    seen = (  # a crop, its frame, and in px of the frame's photograph: marks, the eyes in it
        (scene.crops[0], frames[0], scene.marks[0], covers[0]),
        (scene.crops[1], frames[1], scene.marks[1], covers[1]),
        (scene.warped, frames[0], scene.carried, covers[0]),
    )
    before, after, after_warped = (
        draw_panel(
            scene.tone.apply(frame.resized(crop)),
            frame,
            marks,
            eyes,
            page.em_px,
        )
        for crop, frame, marks, eyes in seen
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

    scene: Scene
    captions: Captions
    max_side_px: int

    @property
    def result(self) -> HalfResult:
        """What was measured."""
        return self.scene.result

    @property
    def em_px(self) -> int:
        """Size of plain text."""
        return max(_SMALLEST_EM_PX, round(_EM_PER_SIDE * self.max_side_px))

    def of_visit(self, index: int, panel: Block, frame: Frame) -> Block:
        """The page of one visit in its own pixels."""
        intro = half_paragraphs(self.captions, self.result, self.em_px)
        return self._set([self._column(index, panel, frame, index)], intro, (index,))

    def of_pair(self, panels: tuple[Block, Block], frame: Frame) -> Block:
        """The page of both visits in the baseline's frame."""
        intro = half_paragraphs(self.captions, self.result, self.em_px)
        intro.append(change_paragraph(self.result, self.em_px))
        intro.append(alignment_paragraph(self.result, self.em_px))
        columns = [
            self._column(0, panels[0], frame, 0),
            self._column(1, panels[1], frame, 0, note=_WARPED),
        ]
        return self._set(columns, intro, (0, 1))

    def _column(
        self, index: int, panel: Block, frame: Frame, frame_of: int, note: str = ""
    ) -> _Column:
        """A visit's column; `frame_of` is the visit in whose pixels the panel is."""
        scale = (self.result.baseline, self.result.follow_up)[frame_of].scale
        return _Column(
            words=visit_paragraphs(self.captions, self.result, index, self.em_px, note),
            panel=panel,
            letters=edge_letters(self.scene.pair.faces[frame_of]),
            mm_per_panel_px=None if scale is None else scale.mm_per_px / frame.zoom,
        )

    def _set(
        self, columns: Sequence[_Column], intro: list[Paragraph], visits: tuple[int, ...]
    ) -> Block:
        """Columns and words as one page; `visits` are those that it shows."""
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
        fates = legend_words(self.captions, self.result)
        shown = dict.fromkeys(fate for visit in visits for fate in _FATES[visit])
        hatched = {reason for visit in visits for reason in self.scene.marks[visit].left_out}
        skipped = left_out_words(self.captions, self.scene.skipped, visits)
        skipped = {reason: words for reason, words in skipped.items() if reason in hatched}
        blocks = [
            text_block(intro, whole),
            *rows,
            legend_block({fate: fates[fate] for fate in shown}, skipped, whole, em),
            text_block([small_print(self.captions, em)], whole),
        ]
        return framed(blocks, em // 2)
