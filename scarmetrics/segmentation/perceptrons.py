"""A taught model: two small perceptrons that look at each cell of skin.

The first looks at the skin around a cell (`features`), the second at that and at what the first
thought of the neighbourhood. Each is the mean of several, taught with other seeds. Teaching is in
`scarmetrics.teach`; running them needs no library for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scarmetrics.segmentation.features import evidence_features, skin_features, strips

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Mask

FARTHEST = 8.0
"""A feature counts as no farther from its mean, in standard deviations."""

_SUREST = 6.0  # log-odds
_ROWS = 65_536  # cells at a time


class Perceptron(NamedTuple):
    """One multilayer perceptron with a single output.

    Attributes
    ----------
    weights : tuple of ndarray of float32
        One matrix (inputs, outputs) per layer.
    biases : tuple of ndarray of float32
        One vector per layer.
    """

    weights: tuple[NDArray[np.float32], ...]
    biases: tuple[NDArray[np.float32], ...]


class Opinion(NamedTuple):
    """Perceptrons of one stage, and how their inputs are scaled.

    Attributes
    ----------
    mean, sd : ndarray of float32, shape (F,)
        Of each feature, where it was taught.
    nets : tuple of Perceptron
        Taught on the same cells with other seeds.
    """

    mean: NDArray[np.float32]
    sd: NDArray[np.float32]
    nets: tuple[Perceptron, ...]

    def log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the perceptrons think on average of cells, shape (K, F) -> (K,)."""
        result = np.empty(len(features), np.float32)
        for start in range(0, len(features), _ROWS):
            part = (features[start : start + _ROWS] - self.mean) / self.sd
            np.clip(part, -FARTHEST, FARTHEST, out=part)
            chances = [chance(_run(net, part)) for net in self.nets]
            mean = np.mean(chances, axis=0, dtype=np.float64)
            result[start : start + _ROWS] = np.log(mean / (1 - mean))
        return result


@dataclass(frozen=True, eq=False)
class TaughtModel:
    """Everything that a model file holds.

    Attributes
    ----------
    first, second : Opinion
        Of the skin; of the skin and the first opinion around.
    level : float
        Probability on the contour.
    detection : float
        Probability that a scar reaches at least somewhere.
    evidence_sd : float
        Standard deviation of the probability on the contour.
    about : dict
        What it was taught on and how well it does, as JSON holds it.
    area_rel_sd : float
        Relative error of the whole area of a photograph that it has not seen; 0 where it was not
        tested.
    """

    first: Opinion
    second: Opinion
    level: float
    detection: float
    evidence_sd: float
    about: Mapping[str, Any]
    area_rel_sd: float = 0.0

    def evidence(
        self, planes: NDArray[np.float32], skin: Mask, mm_per_cell: float
    ) -> NDArray[np.float32]:
        """Probability that each cell lies inside a scar.

        Parameters
        ----------
        planes : ndarray of float32, shape (5, h, w)
            From `learned.with_net`.
        skin : ndarray of bool, shape (h, w)
            Skin.
        mm_per_cell : float
            Side of a cell.

        Returns
        -------
        ndarray of float32, shape (h, w)
            0 outside the skin.
        """
        rows = None
        if len(strips(skin.shape, mm_per_cell)) == 1:  # few enough for both stages to share
            rows = skin_features(planes, skin, mm_per_cell, skin)
        first = opinion_map(self.first, planes, skin, mm_per_cell, rows=rows)
        second = opinion_map(self.second, planes, skin, mm_per_cell, before=first, rows=rows)
        return np.where(skin, chance(second), 0).astype(np.float32)


def opinion_map(
    opinion: Opinion,
    planes: NDArray[np.float32],
    skin: Mask,
    mm_per_cell: float,
    *,
    before: FloatImage | None = None,
    rows: NDArray[np.float32] | None = None,
) -> FloatImage:
    """Log-odds that each cell is scar, by one stage.

    Parameters
    ----------
    opinion : Opinion
        The stage.
    planes, skin, mm_per_cell
        As for `TaughtModel.evidence`.
    before : ndarray of float32, shape (h, w), optional
        The opinion of the stage before, for the second one.
    rows : ndarray of float32, shape (K, F), optional
        Features of all skin, where they are at hand.

    Returns
    -------
    ndarray of float32, shape (h, w)
        Surely no scar outside the skin.
    """
    result = np.full(skin.shape, -_SUREST, np.float32)
    parts = [(strip.rows, strip.seen, strip.inner) for strip in strips(skin.shape, mm_per_cell)]
    if rows is not None:
        parts = [(slice(0, len(skin)),) * 3]
    for answered, seen, inner in parts:
        inside = np.zeros_like(skin[seen])
        inside[inner] = skin[answered]
        if not inside.any():
            continue
        values = rows
        if values is None:
            cut = np.ascontiguousarray(planes[:, seen])
            values = skin_features(cut, skin[seen], mm_per_cell, inside)
        if before is not None:
            around = evidence_features(np.ascontiguousarray(before[seen]), mm_per_cell, inside)
            values = np.hstack([values, around])
        result[answered][skin[answered]] = opinion.log_odds(values)
    return np.clip(result, -_SUREST, _SUREST)


def _run(net: Perceptron, values: NDArray[np.float32]) -> NDArray[np.float32]:
    for weights, biases in zip(net.weights[:-1], net.biases[:-1], strict=True):
        values = np.maximum(values @ weights + biases, 0)
    return (values @ net.weights[-1] + net.biases[-1])[:, 0]


def chance(log_odds: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities of log-odds."""
    bounded = np.clip(log_odds, -2 * _SUREST, 2 * _SUREST)
    return np.asarray(1 / (1 + np.exp(-bounded)), np.float32)
