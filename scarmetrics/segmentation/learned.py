"""A net taught on rendered scars: the default method.

The net sees illumination-normalised planes at one fixed size of cell and says for each cell how
likely it lies inside a scar's outline, and how deep, relative to the scar's deepest point. What it
was trained on, with which figures and limits, is in docs/model-card.md.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.errors import UsageError
from scarmetrics.segmentation.darkness import darkening
from scarmetrics.segmentation.evidence import Calibration, EvidenceSegmenter
from scarmetrics.segmentation.net import NetError, ScarNet
from scarmetrics.segmentation.normalise import LUMINANCE_UNIT

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from scarmetrics.config import SegmentationConfig
    from scarmetrics.models import FloatImage
    from scarmetrics.segmentation.normalise import SkinPlanes

_LEAST_CHANCE = 1e-4
_UNSURE = 0.0025  # what builds on the net hears no more certainty than this
NET_FILE = "scarnet.onnx"
_PACKAGE, _FACTS = "scarmetrics.segmentation", "scarnet.json"


@dataclass(frozen=True)
class Darkness:
    """How far plain darkness moves a net's log-odds.

    A net taught on drawn scars is surer of what looks drawn. What is darker than the skin around by
    more than `offset` counts for more, what is less dark for less: `weight` times the difference,
    at most `most` either way.

    Attributes
    ----------
    weight : float
        Log-odds per unit of log luminance; 0 leaves the net alone.
    offset : float
        Difference of log luminance at which nothing is moved.
    most : float
        Bound on the log-odds.
    """

    weight: float = 0.0
    offset: float = 0.12
    most: float = 2.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} is {value}, must be a number and not negative")

    def moved(self, probability: FloatImage, darker: FloatImage) -> FloatImage:
        """The probability, moved by how much darker each cell is; shape (h, w)."""
        shift = np.clip(self.weight * (darker - np.float32(self.offset)), -self.most, self.most)
        bounded = np.clip(probability, _LEAST_CHANCE, 1 - _LEAST_CHANCE)
        odds = bounded / (1 - bounded) * np.exp(shift)
        return (odds / (1 + odds)).astype(np.float32)


class NetSegmenter(EvidenceSegmenter):
    """Scars by a net of the contract in `scarmetrics.segmentation.net`.

    Parameters
    ----------
    config : SegmentationConfig
        Sizes, sensitivity, rule for touching scars.
    net : ScarNet
        The net.
    calibration : Calibration
        How its evidence is to be read.
    darkness : Darkness, optional
        How far plain darkness moves it; not at all by default.
    """

    def __init__(
        self,
        config: SegmentationConfig,
        net: ScarNet,
        calibration: Calibration,
        darkness: Darkness | None = None,
    ) -> None:
        super().__init__(config, calibration)
        self._net = net
        self.darkness = darkness or Darkness()

    def evidence(self, seen: SkinPlanes) -> tuple[FloatImage, FloatImage | None]:
        """See `EvidenceSegmenter`."""
        found = self._net.evidence(seen.planes)
        probability = found[0]
        if self.darkness.weight:
            probability = self.darkness.moved(probability, _darker(seen))
        return probability, found[1] if len(found) > 1 else None


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

    A file NAME.json beside NAME.onnx may hold ``calibration`` and ``darkness``, see `Calibration`
    and `Darkness`.

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
        super().__init__(config, net, *_facts_beside(path))


def with_net(seen: SkinPlanes) -> NDArray[np.float32]:
    """Planes with what the packaged method thinks of them, for methods that build on it.

    Parameters
    ----------
    seen : SkinPlanes
        From `normalise.skin_planes`.

    Returns
    -------
    ndarray of float32, shape (5, h, w)
        The planes, then half the log-odds that a cell lies inside a scar, and its relative depth.
    """
    net, _, darkness = _packaged()
    probability, core = net.evidence(seen.planes)
    probability = darkness.moved(probability, _darker(seen))
    bounded = np.clip(probability, _UNSURE, 1 - _UNSURE)
    return np.concatenate([seen.planes, [0.5 * np.log(bounded / (1 - bounded)), core]])


def _darker(seen: SkinPlanes) -> FloatImage:
    log = seen.planes[0] * np.float32(LUMINANCE_UNIT)
    return darkening(log, seen.roi, seen.mm_per_cell)


@cache
def packaged_net() -> bytes:
    """The net that comes with the package, as an ONNX file."""
    return resources.files(_PACKAGE).joinpath("data", NET_FILE).read_bytes()


@cache
def net_sha256() -> str:
    """Hash of the net that comes with the package."""
    return hashlib.sha256(packaged_net()).hexdigest()


@cache
def with_net_sha256() -> str:
    """Hash of all that `with_net` depends on."""
    _, _, darkness = _packaged()
    facts = json.dumps(asdict(darkness), sort_keys=True)
    return hashlib.sha256(packaged_net() + facts.encode()).hexdigest()


@cache
def _packaged() -> tuple[ScarNet, Calibration, Darkness]:
    text = resources.files(_PACKAGE).joinpath("data", _FACTS).read_text(encoding="utf-8")
    return ScarNet(packaged_net()), *_read_facts(text)


def _facts_beside(path: Path) -> tuple[Calibration, Darkness]:
    beside = path.with_suffix(".json")
    if not beside.is_file():
        return Calibration(), Darkness()
    try:
        return _read_facts(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(
            f"{beside.name} beside the model cannot be used ({error})",
            'it must hold {"calibration": {"level": 0.5, "detection": 0.6}} or the like, '
            "or be removed",
        ) from error


def _read_facts(text: str) -> tuple[Calibration, Darkness]:
    facts = json.loads(text)
    unknown = set(facts) - {"calibration", "darkness", "about"}
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    return (
        Calibration(**facts.get("calibration", {})),
        Darkness(**facts.get("darkness", {})),
    )
