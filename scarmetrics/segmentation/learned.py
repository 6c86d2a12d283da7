"""A net taught on rendered scars: the default method.

The net sees illumination-normalised planes at one fixed size of cell and says for each cell how
likely it lies inside a scar's outline, and how deep, relative to the scar's deepest point. What it
was trained on, with which figures and limits, is in docs/model-card.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.errors import UsageError
from scarmetrics.segmentation.contours import LOG_PER_UNIT, evidence_noise, label_evidence
from scarmetrics.segmentation.net import NetError, ScarNet
from scarmetrics.segmentation.normalise import skin_planes
from scarmetrics.segmentation.protocol import FailedSegmentation, Response, ScarLabels

if TYPE_CHECKING:
    from scarmetrics.config import SegmentationConfig
    from scarmetrics.models import Image, Mask

_PACKAGE, _NET, _FACTS = "scarmetrics.segmentation", "scarnet.onnx", "scarnet.json"


@dataclass(frozen=True)
class NetFacts:
    """What goes with a net's weights.

    Attributes
    ----------
    level : float
        Probability on the contour.
    detection : float
        Probability that a scar must reach somewhere, at a sensitivity of 0.5.
    """

    level: float = 0.5
    detection: float = 0.6

    def __post_init__(self) -> None:
        if not (0 < self.level < 1 and 0 < self.detection < 1):
            raise ValueError("level and detection must lie between 0 and 1")


class NetSegmenter:
    """Scars by a net of the contract in `scarmetrics.segmentation.net`.

    Parameters
    ----------
    config : SegmentationConfig
        Sizes, sensitivity, rule for touching scars.
    net : ScarNet
        The net.
    facts : NetFacts
        Its levels.
    """

    def __init__(self, config: SegmentationConfig, net: ScarNet, facts: NetFacts) -> None:
        self.config, self._net, self._facts = config, net, facts

    def respond(
        self, image: Image, roi: Mask, mm_per_px: float, coarsest_mm_per_px: float
    ) -> Response | FailedSegmentation:
        """Evidence of scars in one photograph; see `Segmenter`."""
        seen = skin_planes(image, roi, mm_per_px, coarsest_mm_per_px)
        if seen is None:
            return FailedSegmentation("no_skin")
        evidence = self._net.evidence(seen.planes) * seen.roi
        log = seen.planes[0] * np.float32(LOG_PER_UNIT)
        return Response(
            depth=evidence[0],
            roi=seen.roi,
            origin=seen.grid.origin,
            px_per_cell=seen.grid.px_per_cell,
            mm_per_px=mm_per_px,
            noise=evidence_noise(log, seen.roi, seen.mm_per_cell),
            log=log,
            core=evidence[1] if len(evidence) > 1 else None,
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
            level=self._facts.level,
            detection=self._facts.detection,
            known=known,
        )


class LearnedSegmenter(NetSegmenter):
    """The net that comes with the package.

    Parameters
    ----------
    config : SegmentationConfig
        Sizes, sensitivity, rule for touching scars.
    """

    def __init__(self, config: SegmentationConfig) -> None:
        super().__init__(config, *_packaged())


class OnnxSegmenter(NetSegmenter):
    """A net from a file, ``segmentation.method: onnx:PATH``.

    A file NAME.json beside NAME.onnx may hold ``level`` and ``detection``.

    Parameters
    ----------
    config : SegmentationConfig
        Sizes, sensitivity, rule for touching scars.
    path : pathlib.Path
        The ONNX file.

    Raises
    ------
    UsageError
        If a file cannot be read or is not what it should be.
    """

    def __init__(self, config: SegmentationConfig, path: Path) -> None:
        try:
            code = path.read_bytes()
        except OSError as error:
            raise UsageError(
                f"model {path.name} cannot be read ({error.strerror})",
                "check the path behind onnx: in segmentation.method",
            ) from error
        try:
            net = ScarNet(code)
        except NetError as error:
            raise UsageError(
                f"model {path.name} is of no use: {error}",
                "export the net as docs/model-card.md describes under 'A net of your own'",
            ) from error
        super().__init__(config, net, _facts_beside(path))


@cache
def _packaged() -> tuple[ScarNet, NetFacts]:
    data = resources.files(_PACKAGE).joinpath("data")
    facts = json.loads(data.joinpath(_FACTS).read_text(encoding="utf-8"))
    net = ScarNet(data.joinpath(_NET).read_bytes())
    return net, NetFacts(level=facts["level"], detection=facts["detection"])


def _facts_beside(path: Path) -> NetFacts:
    beside = path.with_suffix(".json")
    if not beside.is_file():
        return NetFacts()
    try:
        facts = json.loads(beside.read_text(encoding="utf-8"))
        return NetFacts(**{name: float(facts[name]) for name in ("level", "detection")})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{beside.name} beside the model cannot be used ({error})",
            'it must hold {"level": 0.5, "detection": 0.6} or the like, or be removed',
        ) from error
