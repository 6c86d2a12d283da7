"""The method that learns from its users' own tracings, kept in one small file.

What the model says of each cell (`perceptrons`) is outlined by `contours`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.segmentation.contours import LOG_PER_UNIT, evidence_noise, label_evidence
from scarmetrics.segmentation.modelfile import load_model
from scarmetrics.segmentation.normalise import skin_planes
from scarmetrics.segmentation.protocol import FailedSegmentation, Response, ScarLabels

if TYPE_CHECKING:
    from pathlib import Path

    from scarmetrics.config import SegmentationConfig
    from scarmetrics.models import Image, Mask


class TaughtSegmenter:
    """Outlines what its teachers would have outlined.

    Parameters
    ----------
    config : SegmentationConfig
        Sizes, sensitivity, rule for touching scars.
    path : pathlib.Path
        Model file.

    Raises
    ------
    UsageError
        If the file is missing, no model, damaged, or of another version.
    """

    def __init__(self, config: SegmentationConfig, path: Path) -> None:
        self.config = config
        self.model = load_model(path)

    def respond(
        self, image: Image, roi: Mask, mm_per_px: float, coarsest_mm_per_px: float
    ) -> Response | FailedSegmentation:
        """Probability that each cell of one photograph is scar; see `Segmenter`."""
        skin = skin_planes(image, roi, mm_per_px, coarsest_mm_per_px)
        if skin is None:
            return FailedSegmentation("no_skin")
        log = skin.planes[0] * np.float32(LOG_PER_UNIT)
        return Response(
            depth=self.model.evidence(skin.planes, skin.roi, skin.mm_per_cell),
            roi=skin.roi,
            origin=skin.grid.origin,
            px_per_cell=skin.grid.px_per_cell,
            mm_per_px=mm_per_px,
            noise=evidence_noise(log, skin.roi, skin.mm_per_cell),
            log=log,
        )

    def label(
        self, response: Response, roi: Mask, noise: float, known: Mask | None = None
    ) -> ScarLabels:
        """Scars in a response; see `Segmenter`."""
        return label_evidence(
            response,
            roi,
            noise,
            self.config,
            level=self.model.level,
            detection=self.model.detection,
            evidence_sd=self.model.evidence_sd,
            known=known,
        )
