"""What a half's result depends on, as one key: the same key means the same result."""

from __future__ import annotations

import inspect
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import scarmetrics
from scarmetrics.provenance import code_sha256, environment, sha256_of, sha256_of_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scarmetrics.config import StudyConfig
    from scarmetrics.models import PhotoRecord, Side
    from scarmetrics.runner.jobs import PairJob
    from scarmetrics.segmentation import Segmenter

# What these settings decide reaches a half as facts of its photographs, or never.
_NOT_MEASURING = ("ingest", "pairing", "run", "trial")
_ONLY_IN_TABLES = ("pandas",)


def model_used(config: StudyConfig) -> dict[str, Any] | None:
    """Name and hash of the model, and how its evidence is read, where the method is learned."""
    from scarmetrics.segmentation import make_segmenter
    from scarmetrics.segmentation.evidence import EvidenceSegmenter
    from scarmetrics.segmentation.learned import NET_FILE, net_sha256

    segmenter = make_segmenter(config.segmentation)
    if not isinstance(segmenter, EvidenceSegmenter):
        return None
    file = config.segmentation.model_file
    darkness = getattr(segmenter, "darkness", None)
    return {
        "file": NET_FILE if file is None else file.name,
        "sha256": net_sha256() if file is None else sha256_of(file),
        "calibration": asdict(segmenter.calibration),
        "darkness": None if darkness is None else asdict(darkness),
    }


def fingerprint(config: StudyConfig) -> dict[str, str]:
    """What on this machine can change a number: versions, code, model.

    Parameters
    ----------
    config : StudyConfig
        Names the method.

    Returns
    -------
    dict of str to str
        By the name that a message may use. Two machines that agree in all of it give the same
        result.

    Raises
    ------
    UsageError
        If the method or its model is not there.
    """
    from scarmetrics.segmentation import make_segmenter

    versions = {k: v for k, v in environment().items() if k not in _ONLY_IN_TABLES}
    return {
        "scarmetrics": scarmetrics.__version__,
        "scarmetrics code": code_sha256(),
        **versions,
        "model": sha256_of_json(model_used(config)),
        "method code": _code_of(make_segmenter(config.segmentation)),
    }


def _code_of(segmenter: Segmenter) -> str:
    """Hash of the file that a registered segmenter of somebody else's comes from."""
    kind = type(segmenter)
    if kind.__module__.split(".")[0] == scarmetrics.__name__:
        return ""
    try:
        return sha256_of(Path(inspect.getfile(kind)))
    except (OSError, TypeError):
        return uuid4().hex  # unknown code is never taken for the same


def basis(config: StudyConfig) -> str:
    """Hash of everything that all halves of a run depend on."""
    settings = {k: v for k, v in config.recorded().items() if k not in _NOT_MEASURING}
    settings["max_megapixels"] = config.ingest.max_megapixels
    return sha256_of_json({"settings": settings, "fingerprint": fingerprint(config)})


def half_key(run_basis: str, job: PairJob, side: Side, photographs: Mapping[str, str]) -> str:
    """Hash of everything that one half's result depends on.

    Parameters
    ----------
    run_basis : str
        From `basis`.
    job : PairJob
        Its pair.
    side : {'left', 'right'}
        Which half.
    photographs : mapping of str to str
        Hash of both photographs' bytes, by their relative name.

    Returns
    -------
    str
    """
    return sha256_of_json(
        {
            "basis": run_basis,
            "side": side,
            "records": [_facts(job.baseline), _facts(job.follow_up)],
            "photographs": dict(photographs),
        }
    )


def _facts(record: PhotoRecord) -> dict[str, Any]:
    """What the listing says of a photograph, apart from where it was read."""
    return record.model_dump(mode="json", exclude={"path", "source"})
