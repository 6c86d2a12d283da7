"""The method that learns from its users' own tracings, kept in one small file.

What the model says of each cell (`perceptrons`) is outlined by `contours`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scarmetrics.segmentation.evidence import Calibration, EvidenceSegmenter
from scarmetrics.segmentation.learned import with_net
from scarmetrics.segmentation.modelfile import load_model

if TYPE_CHECKING:
    from pathlib import Path

    from scarmetrics.config import SegmentationConfig
    from scarmetrics.models import FloatImage
    from scarmetrics.segmentation.normalise import SkinPlanes


class TaughtSegmenter(EvidenceSegmenter):
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
        self.model = model = load_model(path)
        super().__init__(
            config,
            Calibration(
                model.level,
                model.detection,
                evidence_sd=model.evidence_sd,
                area_rel_sd=model.area_rel_sd,
                change_rel_sd=model.area_rel_sd,  # of one visit only is known how wrong it is
            ),
        )

    def evidence(self, seen: SkinPlanes) -> tuple[FloatImage, FloatImage | None]:
        """See `EvidenceSegmenter`."""
        return self.model.evidence(with_net(seen), seen.roi, seen.mm_per_cell), None
