"""Model files of taught segmenters: one ``.npz``, no pickle, the same model the same bytes."""

from __future__ import annotations

import json
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from scarmetrics.config import file_name
from scarmetrics.errors import UsageError
from scarmetrics.segmentation.learned import with_net_sha256
from scarmetrics.segmentation.normalise import CELL_MM
from scarmetrics.segmentation.perceptrons import Opinion, Perceptron, TaughtModel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

FORMAT = "scarmetrics-taught"
FORMAT_VERSION = 1
_TEACH_ANEW = "name a file that scarmetrics train has written, or teach it anew"


def load_model(path: Path) -> TaughtModel:
    """Read a model file; the same file is read once.

    Parameters
    ----------
    path : pathlib.Path
        Written by `save_model`.

    Raises
    ------
    UsageError
        If it is missing, no model, damaged, or of another version.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise UsageError(
            f"the model file {file_name(path)} cannot be read ({error.strerror})",
            "correct segmentation.method in the config; a relative path starts at the config's "
            "own folder",
        ) from None
    return _load(path.absolute(), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _load(path: Path, _mtime_ns: int, _size: int) -> TaughtModel:
    name = file_name(path)
    try:
        with warnings.catch_warnings(), path.open("rb") as stream:
            warnings.simplefilter("ignore")
            with np.load(stream, allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files}
    except OSError as error:
        reason = error.strerror or "it is not complete"
        raise UsageError(f"the model file {name} cannot be read ({reason})", _TEACH_ANEW) from None
    except Exception as error:  # damaged bytes make zipfile and numpy raise anything
        raise UsageError(f"{name} is no model, or it is damaged", _TEACH_ANEW) from error
    return _checked(arrays, name)


def _checked(arrays: dict[str, NDArray[Any]], name: str) -> TaughtModel:
    if "format" not in arrays or str(arrays["format"]) != FORMAT:
        raise UsageError(f"{name} is no model, or it is damaged", _TEACH_ANEW)
    version = str(arrays.get("format_version", "?"))
    if version != str(FORMAT_VERSION):
        raise UsageError(
            f"the model {name} has format version {version}, this scarmetrics reads "
            f"{FORMAT_VERSION}",
            "teach it anew with this version of scarmetrics, or use the version that wrote it",
        )
    try:
        model = TaughtModel(
            first=_opinion(arrays, "first"),
            second=_opinion(arrays, "second"),
            level=_share(arrays["level"]),
            detection=_share(arrays["detection"]),
            evidence_sd=_share(arrays["evidence_sd"]),
            about=dict(json.loads(str(arrays["about"]))),
            area_rel_sd=_positive(arrays["area_rel_sd"]),
        )
        _try(model)
    except Exception as error:  # whatever does not fit together
        raise UsageError(f"the model {name} is damaged", _TEACH_ANEW) from error
    if model.about.get("net_sha256") != with_net_sha256():
        raise UsageError(
            f"the model {name} builds on another net than comes with this scarmetrics",
            "teach it anew with this version of scarmetrics, or use the version that wrote it",
        )
    return model


def _try(model: TaughtModel) -> None:
    """Raise ValueError where the weights do not fit the features of this version."""
    size = 16
    skin = np.ones((size, size), bool)
    with np.errstate(all="ignore"):
        evidence = model.evidence(np.zeros((5, size, size), np.float32), skin, CELL_MM)
    if not np.isfinite(evidence).all():
        raise ValueError("no number comes out")


def _share(value: NDArray[Any]) -> float:
    if not 0 < float(value) < 1:
        raise ValueError("not between 0 and 1")
    return float(value)


def _positive(value: NDArray[Any]) -> float:
    if not 0 <= float(value) < np.inf:
        raise ValueError("not a positive number")
    return float(value)


def _opinion(arrays: Mapping[str, NDArray[Any]], stage: str) -> Opinion:
    nets: list[Perceptron] = []
    while f"{stage}_{len(nets)}_weights_0" in arrays:
        start, layers = f"{stage}_{len(nets)}", 0
        while f"{start}_weights_{layers}" in arrays:
            layers += 1
        weights, biases = (
            tuple(np.asarray(arrays[f"{start}_{kind}_{i}"], np.float32) for i in range(layers))
            for kind in ("weights", "biases")
        )
        nets.append(Perceptron(weights, biases))
    if not nets:
        raise ValueError("no perceptron")
    mean, sd = (np.asarray(arrays[f"{stage}_{kind}"], np.float32) for kind in ("mean", "sd"))
    return Opinion(mean, sd, tuple(nets))


def save_model(model: TaughtModel, path: Path) -> None:
    """Write a model file; the same model gives the same bytes.

    Parameters
    ----------
    model : TaughtModel
        What to write.
    path : pathlib.Path
        A name ending in ``.npz``.
    """
    arrays: dict[str, Any] = {
        "format": np.array(FORMAT),
        "format_version": np.array(FORMAT_VERSION),
        "level": np.array(model.level),
        "detection": np.array(model.detection),
        "evidence_sd": np.array(model.evidence_sd),
        "area_rel_sd": np.array(model.area_rel_sd),
        "about": np.array(json.dumps(model.about, sort_keys=True, ensure_ascii=False)),
    }
    for stage, opinion in (("first", model.first), ("second", model.second)):
        arrays[f"{stage}_mean"], arrays[f"{stage}_sd"] = opinion.mean, opinion.sd
        for index, net in enumerate(opinion.nets):
            for layer, (weights, biases) in enumerate(zip(*net, strict=True)):
                arrays[f"{stage}_{index}_weights_{layer}"] = weights
                arrays[f"{stage}_{index}_biases_{layer}"] = biases
    np.savez(path, allow_pickle=False, **arrays)
