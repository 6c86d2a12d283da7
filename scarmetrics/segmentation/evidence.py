"""From a photograph to evidence to scars: what all learned methods have in common."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.segmentation.contours import evidence_noise, label_evidence
from scarmetrics.segmentation.net import NetError
from scarmetrics.segmentation.normalise import COARSEST_MM_PER_PX, LUMINANCE_UNIT, skin_planes
from scarmetrics.segmentation.protocol import FailedSegmentation, Response, ScarLabels

if TYPE_CHECKING:
    from scarmetrics.config import SegmentationConfig
    from scarmetrics.models import FloatImage, Image, Mask
    from scarmetrics.segmentation.normalise import SkinPlanes


@dataclass(frozen=True)
class Calibration:
    """How a method's evidence is to be read, and how wrong it is.

    Attributes
    ----------
    level : float
        Probability on the contour.
    detection : float
        Probability that a scar must reach somewhere, at a sensitivity of 0.5.
    evidence_sd : float
        Standard deviation of the probability on the contour.
    log_odds_sd : float or None
        Standard deviation, from one photograph to the next, of the log-odds that a scar reaches.
    area_rel_sd, change_rel_sd, repeat_rel_sd, scar_rel_sd : float
        As in `ScarLabels`.
    """

    level: float = 0.5
    detection: float = 0.6
    evidence_sd: float = 0.15
    log_odds_sd: float | None = None
    area_rel_sd: float = 0.0
    change_rel_sd: float = 0.0
    repeat_rel_sd: float = 0.0
    scar_rel_sd: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.level < 1 and 0 < self.detection < 1):
            raise ValueError("level and detection must lie between 0 and 1")
        for name, value in vars(self).items():
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} is {value}, must be a number and not negative")
        if self.log_odds_sd == 0:
            raise ValueError("log_odds_sd must be positive, or left out")


class EvidenceSegmenter(ABC):
    """A segmenter that says for each cell how likely it lies inside a scar.

    Parameters
    ----------
    config : SegmentationConfig
        Sizes, sensitivity, rule for touching scars.
    calibration : Calibration
        How the evidence is to be read.
    """

    def __init__(self, config: SegmentationConfig, calibration: Calibration) -> None:
        self.config, self.calibration = config, calibration

    @abstractmethod
    def evidence(self, seen: SkinPlanes) -> tuple[FloatImage, FloatImage | None]:
        """Probability of each cell, and relative depth where the method gives it; shape (h, w)."""

    def respond(
        self, image: Image, roi: Mask, mm_per_px: float, coarsest_mm_per_px: float
    ) -> Response | FailedSegmentation:
        """Evidence of scars in one photograph; see `Segmenter`."""
        if mm_per_px > COARSEST_MM_PER_PX:
            return FailedSegmentation("pixels_too_coarse")
        seen = skin_planes(image, roi, mm_per_px, coarsest_mm_per_px)
        if seen is None:
            return FailedSegmentation("no_skin")
        try:
            probability, core = self.evidence(seen)
        except NetError as error:
            return FailedSegmentation("net_failed", f"the net failed: {error}")
        log = seen.planes[0] * np.float32(LUMINANCE_UNIT)
        return Response(
            depth=probability,
            roi=seen.roi,
            origin=seen.grid.origin,
            px_per_cell=seen.grid.px_per_cell,
            mm_per_px=mm_per_px,
            noise=evidence_noise(log, seen.roi, seen.mm_per_cell),
            log=log,
            core=core,
        )

    def label(
        self, response: Response, roi: Mask, noise: float, known: Mask | None = None
    ) -> ScarLabels:
        """Scars in a response; see `Segmenter`."""
        read = self.calibration
        found = label_evidence(
            response,
            roi,
            noise,
            self.config,
            level=read.level,
            detection=read.detection,
            evidence_sd=read.evidence_sd,
            log_odds_sd=read.log_odds_sd,
            known=known,
        )
        return replace(
            found,
            area_rel_sd=read.area_rel_sd,
            change_rel_sd=read.change_rel_sd,
            repeat_rel_sd=read.repeat_rel_sd,
            scar_rel_sd=read.scar_rel_sd,
        )
