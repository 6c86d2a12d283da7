"""What one half's page in the report is made of: bare pictures, and outlines to lay over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.models import valid_subject_id
from scarmetrics.opencv import cv2
from scarmetrics.overlay.eyes import cover
from scarmetrics.overlay.frame import Frame, fitted
from scarmetrics.overlay.outlines import move_all, simplified
from scarmetrics.overlay.page import edge_letters
from scarmetrics.overlay.panels import draw_panel
from scarmetrics.overlay.scene import Scene
from scarmetrics.viewfile import HalfView, ViewExcluded, ViewScar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scarmetrics.config import OverlayConfig
    from scarmetrics.models import Image, Points
    from scarmetrics.overlay.captions import Captions
    from scarmetrics.overlay.panels import Marks
    from scarmetrics.pipeline import HalfResult, Pair
    from scarmetrics.viewfile import Ring, Which

FOLDER = "views"
RESIDUAL_MM = (0.0, 0.5)
"""Ends of the colours of the alignment's error, the same for every half so that halves compare."""

_MOST_PIXELS = 12_000_000
_QUALITY = 92
_TOLERANCE_PX = 0.1
_RESIDUAL_SIDE_PX = 600
_RESIDUAL_ALPHA = 150
_THUMBNAIL_PX = (158, 300)  # of each visit, at most
_THUMBNAIL_GAP_PX = 4
_THUMBNAIL_BYTES = 12_000
_THUMBNAIL_QUALITIES = (85, 75, 65, 55, 45, 35, 25, 15, 8)
_THUMBNAIL_EM_PX = 10
_BACKGROUND = 26


@dataclass(frozen=True, eq=False)
class View:
    """A half's view and its files.

    Attributes
    ----------
    half : HalfView
        What the JSON file holds.
    files : dict of str to bytes
        Content of every file by its name below OUT, the JSON file included.
    """

    half: HalfView
    files: dict[str, bytes]


def view_names(subject_id: str, side: str) -> dict[str, str]:
    """Names below OUT of a half's files, by what they are.

    Parameters
    ----------
    subject_id, side : str
        The half.

    Returns
    -------
    dict of str to str
        ``baseline``, ``follow_up``, ``residual``, ``thumbnail`` and ``data``.
    """
    stem = f"{FOLDER}/{subject_id}_{side}"
    return {
        "baseline": f"{stem}_baseline.jpg",
        "follow_up": f"{stem}_follow_up.jpg",
        "residual": f"{stem}_residual.png",
        "thumbnail": f"{stem}_thumbnail.jpg",
        "data": f"{stem}.json",
    }


def render_view(
    pair: Pair,
    result: HalfResult,
    captions: Captions,
    config: OverlayConfig,
    scene: Scene | None = None,
) -> View:
    """Make a half's view.

    Parameters
    ----------
    pair : Pair
        Both photographs, aligned.
    result : HalfResult
        What was measured on one side of them.
    captions : Captions
        Subject and visits.
    config : OverlayConfig
        Whether eyes are hidden.
    scene : Scene, optional
        That of the same pair and result, where other pictures are made of it too.

    Returns
    -------
    View
        The same bytes for the same input. Nothing of the photographs' files but their pixels.

    Raises
    ------
    ValueError
        If the subject's id could not be part of a file's name.
    """
    scene = scene or Scene(pair, result)
    names = view_names(valid_subject_id(captions.subject_id), result.side)
    frame = _frame(scene)
    hide_eyes = config.hide_eyes or config.hide_eyes_in_report
    covers = scene.common_covers if hide_eyes else ()
    half = HalfView(
        subject_id=captions.subject_id,
        side=result.side,
        baseline_visit=captions.baseline_visit,
        follow_up_visit=captions.follow_up_visit,
        baseline_date=captions.baseline_date,
        follow_up_date=captions.follow_up_date,
        box=frame.box,
        width_px=frame.size[0],
        height_px=frame.size[1],
        mm_per_px=_mm_per_px(result, frame),
        letters=edge_letters(pair.faces[0]),
        baseline_picture=names["baseline"],
        follow_up_picture=names["follow_up"],
        residual_picture=names["residual"],
        residual_mm=RESIDUAL_MM,
        thumbnail=names["thumbnail"],
        eyes_hidden=hide_eyes,
        regions=_rings(scene.marks[0].region, frame),
        scars=(
            *_scars("baseline", scene.marks[0], frame),
            *_scars("follow_up", scene.carried, frame),
        ),
        excluded=(
            *_excluded("baseline", scene.marks[0], frame),
            *_excluded("follow_up", scene.carried, frame),
        ),
    )
    bare = [_bare(scene, crop, frame, covers) for crop in (scene.crops[0], scene.warped)]
    files = {
        names["baseline"]: _jpeg(bare[0], _QUALITY),
        names["follow_up"]: _jpeg(bare[1], _QUALITY),
        names["residual"]: _residual_png(scene, frame),
        names["thumbnail"]: _thumbnail_jpeg(scene, bare, covers),
        names["data"]: _json(half),
    }
    return View(half, files)


def _frame(scene: Scene) -> Frame:
    """The crop pixel for pixel, or reduced to 12 million pixels where it has more."""
    box = scene.boxes[0]
    width, height = box[2] - box[0], box[3] - box[1]
    if width * height <= _MOST_PIXELS:
        return Frame(box, (width, height))
    return fitted(box, int(max(width, height) * (_MOST_PIXELS / (width * height)) ** 0.5))


def _mm_per_px(result: HalfResult, frame: Frame) -> float | None:
    scale = result.baseline.scale
    return None if scale is None else scale.mm_per_px / frame.zoom


def _bare(scene: Scene, crop: Image, frame: Frame, covers: Sequence[Points]) -> NDArray[np.uint8]:
    """A visit in the view's pixels without any drawing but what hides eyes."""
    native = frame.size == (crop.shape[1], crop.shape[0])
    shown = scene.tone.apply(crop if native else frame.resized(crop))
    cover(shown, move_all(covers, frame.to_panel))
    return shown


def _rings(lines: Sequence[Points], frame: Frame) -> tuple[Ring, ...]:
    """Lines in px of the view, with no more points and decimals than a tenth of a pixel needs."""
    rings = []
    for line in move_all(lines, frame.to_panel):
        points = np.round(simplified(line, _TOLERANCE_PX), 1) + 0.0  # no negative zero
        rings.append(tuple((x, y) for x, y in points.tolist()))
    return tuple(rings)


def _scars(visit: Which, marks: Marks, frame: Frame) -> tuple[ViewScar, ...]:
    labels = dict.fromkeys(outline.label for outline in marks.scars)
    fates = {outline.label: outline.fate for outline in marks.scars}
    lines = {
        label: [outline.xy for outline in marks.scars if outline.label == label] for label in labels
    }
    return tuple(
        ViewScar(visit=visit, scar_id=label, fate=fates[label], rings=_rings(lines[label], frame))
        for label in labels
    )


def _excluded(visit: Which, marks: Marks, frame: Frame) -> tuple[ViewExcluded, ...]:
    return tuple(
        ViewExcluded(visit=visit, cause=reason, rings=_rings(lines, frame))
        for reason, lines in marks.left_out.items()
    )


def _residual_png(scene: Scene, frame: Frame) -> bytes:
    """Expected error of the alignment in colours; transparent off the skin and where it failed."""
    x0, y0, x1, y1 = frame.box
    registration, visit = scene.pair.registration, scene.result.baseline
    skin = visit.roi if visit.skin_states is None else visit.skin_states > 0
    small = fitted(frame.box, min(_RESIDUAL_SIDE_PX, max(x1 - x0, y1 - y0))).size
    error, known, covered = (
        cv2.resize(part[y0:y1, x0:x1].astype(kind), small, interpolation=cv2.INTER_NEAREST)
        for part, kind in (
            (registration.residual_mm, np.float32),
            (registration.registered_mask, np.uint8),
            (skin, np.uint8),
        )
    )
    shown = np.isfinite(error) & (known > 0) & (covered > 0)
    low, high = RESIDUAL_MM
    level = np.clip((np.where(shown, error, low) - low) / (high - low), 0, 1)
    colours = cv2.applyColorMap(np.rint(255 * level).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    alpha = np.where(shown, _RESIDUAL_ALPHA, 0).astype(np.uint8)
    colours[~shown] = 0
    return _encoded(".png", np.dstack([colours, alpha]))


def _thumbnail_jpeg(
    scene: Scene, bare: Sequence[NDArray[np.uint8]], covers: Sequence[Points]
) -> bytes:
    """Both visits side by side with what was measured, small enough for a page with many."""
    x0, y0, x1, y1 = scene.boxes[0]
    zoom = min(_THUMBNAIL_PX[0] / (x1 - x0), _THUMBNAIL_PX[1] / (y1 - y0))
    frame = fitted(scene.boxes[0], max(1, round(zoom * max(x1 - x0, y1 - y0))))
    panels = [
        draw_panel(frame.resized(picture), frame, marks, covers, _THUMBNAIL_EM_PX)
        for picture, marks in zip(bare, (scene.marks[0], scene.carried), strict=True)
    ]
    gap = np.full((panels[0].shape[0], _THUMBNAIL_GAP_PX, 3), _BACKGROUND, np.uint8)
    both = np.concatenate([panels[0], gap, panels[1]], axis=1)
    for quality in _THUMBNAIL_QUALITIES:
        data = _jpeg(both, quality)
        if len(data) <= _THUMBNAIL_BYTES:
            break
    return data


def _jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """RGB as JPEG without colour subsampling, which would smear redness and fine contours."""
    settings = [
        *(cv2.IMWRITE_JPEG_QUALITY, quality),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
        *(cv2.IMWRITE_JPEG_OPTIMIZE, 1),
    ]
    return _encoded(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), settings)


def _encoded(suffix: str, pixels: NDArray[np.uint8], settings: Sequence[int] = ()) -> bytes:
    done, data = cv2.imencode(suffix, pixels, list(settings))
    if not done:
        raise ValueError("the picture could not be encoded")
    return bytes(data.tobytes())


def _json(half: HalfView) -> bytes:
    """The view as JSON that holds no character that means anything in HTML."""
    text = half.model_dump_json()
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"{text}\n".encode()
