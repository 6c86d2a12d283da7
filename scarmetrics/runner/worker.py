"""One job, in whatever process: decode, measure, write the pictures, return rows."""

from __future__ import annotations

import traceback
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

import scarmetrics
from scarmetrics.errors import PhotographError
from scarmetrics.ingest import decode_photograph
from scarmetrics.models import FailedHalf, Photograph
from scarmetrics.opencv import cv2
from scarmetrics.overlay import Captions, Scene, render_overlays, render_view
from scarmetrics.pipeline import Pair, align_pair, measure_side
from scarmetrics.provenance import atomic_path, hash_outputs, sha256_of
from scarmetrics.runner.jobs import HalfOutcome, stated_scales
from scarmetrics.runner.rows import change_row, measurement_rows, region_rows, scar_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from scarmetrics.config import StudyConfig
    from scarmetrics.models import PhotoRecord, Side
    from scarmetrics.pipeline import HalfResult
    from scarmetrics.runner.jobs import Outcomes, PairJob

_SHORT_HASH = 6
# as fast as any and smaller than the default, for masks and pictures alike
_PNG = [
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),
]
_Result = TypeVar("_Result")


class _HalfFailed(Exception):  # noqa: N818  (carries a result, ends a step early)
    def __init__(self, failure: FailedHalf) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def run_job(job: PairJob, config: StudyConfig, out: Path) -> Outcomes:
    """Measure the halves of one pair of photographs and write their pictures.

    Parameters
    ----------
    job : PairJob
        The photographs and sides.
    config : StudyConfig
        Parameters.
    out : pathlib.Path
        OUT; pictures go to its ``masks``, ``rois``, ``overlays`` and ``views``.

    Returns
    -------
    tuple of HalfOutcome
        One for each side, whatever happens: a problem becomes the failure of the halves that it
        concerns.
    """
    run = _JobRun(job, config, out)
    # before they are decoded: a photograph that is being copied now is another one the next time
    found = {record.path_relative: _hash(record) for record in (job.baseline, job.follow_up)}
    prepared = run.guarded(job.sides, run.prepare)
    if prepared is not None:
        for side in job.sides:
            run.guarded((side,), partial(run.measure, side, *prepared))
    for outcome in run.outcomes.values():
        outcome.inputs.update(run.inputs)
        outcome.photographs.update({**found, **run.inputs})
    return tuple(run.outcomes.values())


class _JobRun:
    """The state of one job while it runs."""

    def __init__(self, job: PairJob, config: StudyConfig, out: Path) -> None:
        self.job = job
        self.config = config
        self.out = out
        self.outcomes = {side: HalfOutcome(side) for side in job.sides}
        self.inputs: dict[str, str] = {}

    def guarded(self, sides: tuple[Side, ...], step: Callable[[], _Result]) -> _Result | None:
        """Run a step; whatever it raises costs only the given halves."""
        try:
            return step()
        except _HalfFailed as failed:
            failure = failed.failure
        except Exception as error:  # noqa: BLE001  (one bad photograph costs one half)
            failure = FailedHalf("internal_error", where(error))
        for side in sides:
            failures = self.job.failures(failure, (side,), failure.visit)
            self.outcomes[side].failures.extend(failures)
        return None

    def prepare(self) -> tuple[tuple[Photograph, Photograph], Pair]:
        """Decode and align both photographs."""
        baseline, follow_up = self.job.baseline, self.job.follow_up
        photographs = (self._decode(baseline), self._decode(follow_up))
        if photographs[0].sha256 == photographs[1].sha256:
            raise _HalfFailed(FailedHalf("same_photograph"))
        scales = tuple(
            stated_scales(record, photograph.dpi, self.config.scale)
            for record, photograph in zip((baseline, follow_up), photographs, strict=True)
        )
        pair = align_pair(
            photographs[0].pixels,
            photographs[1].pixels,
            scales=(scales[0], scales[1]),
            config=self.config,
            views=(baseline.view, follow_up.view),
            photo_flags=(photographs[0].flags, photographs[1].flags),
        )
        if not isinstance(pair, Pair):
            raise _HalfFailed(pair)
        return photographs, pair

    def _decode(self, record: PhotoRecord) -> Photograph:
        limit = self.config.ingest.max_megapixels
        try:
            photograph = decode_photograph(record.path, max_megapixels=limit)
        except PhotographError as error:
            failure = FailedHalf(error.reason_code, error.message, record.visit)
            raise _HalfFailed(failure) from error
        self.inputs[record.path_relative] = photograph.sha256
        return photograph

    def measure(self, side: Side, photographs: tuple[Photograph, Photograph], pair: Pair) -> None:
        """Measure one half, write its pictures, keep its rows."""
        result = measure_side(pair, side, self.config)
        if isinstance(result, FailedHalf):
            raise _HalfFailed(result)
        try:
            files = hash_outputs(self.out, self._write_pictures(photographs, pair, result))
        except OSError as error:
            raise _HalfFailed(FailedHalf("output_unwritable", error.strerror or "")) from error
        study, job, outcome = self.config.study_id, self.job, self.outcomes[side]
        hashes = (photographs[0].sha256, photographs[1].sha256)
        outcome.measurements.extend(measurement_rows(study, job, result, hashes))
        outcome.changes.append(change_row(study, job, result))
        outcome.scars.extend(scar_rows(study, job, result))
        outcome.regions.extend(region_rows(study, job, result))
        outcome.files.update(files)

    def _write_pictures(
        self, photographs: tuple[Photograph, Photograph], pair: Pair, result: HalfResult
    ) -> list[str]:
        job = self.job
        stem = f"{job.subject_id}_{result.side}"
        visits = (job.baseline.visit, job.follow_up.visit)
        pictures: dict[str, NDArray[Any]] = {}
        for visit, measured in zip(visits, (result.baseline, result.follow_up), strict=True):
            pictures[f"masks/{stem}_{visit}.png"] = measured.labels.astype(np.uint16)
            pictures[f"rois/{stem}_{visit}.png"] = measured.roi.astype(np.uint8) * 255
        captions = Captions(
            subject_id=job.subject_id,
            baseline_visit=visits[0],
            follow_up_visit=visits[1],
            baseline_date=job.baseline.captured_on,
            follow_up_date=job.follow_up.captured_on,
            tool_version=scarmetrics.__version__,
            short_hash="-".join(photo.sha256[:_SHORT_HASH] for photo in photographs),
        )
        scene = Scene(pair, result)
        overlays = render_overlays(pair, result, captions, self.config.overlay, scene)
        pictures[f"overlays/{stem}.png"] = overlays.pair
        pictures[f"overlays/{stem}_{visits[0]}.png"] = overlays.baseline
        pictures[f"overlays/{stem}_{visits[1]}.png"] = overlays.follow_up
        for name, pixels in pictures.items():
            _write_png(self.out / name, pixels)
        view = render_view(pair, result, captions, self.config.overlay, scene)
        for name, content in view.files.items():
            _write_bytes(self.out / name, content)
        return [*pictures, *view.files]


def _hash(record: PhotoRecord) -> str:
    try:
        return sha256_of(record.path)
    except (OSError, ValueError):
        return ""  # why, is told by decoding it


def where(error: Exception) -> str:
    """Kind and place of an unexpected error, without paths of this machine."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    module = "/".join(last.filename.replace("\\", "/").split("/")[-2:])
    return f"unexpected {type(error).__name__} in {module}, line {last.lineno}"


def _write_png(path: Path, pixels: NDArray[Any]) -> None:
    if pixels.ndim == 3:
        pixels = pixels[..., ::-1]
    encoded, data = cv2.imencode(".png", pixels, _PNG)
    if not encoded:
        raise ValueError("the picture could not be encoded")
    _write_bytes(path, data.tobytes())


def _write_bytes(path: Path, content: bytes) -> None:
    # where OUT was removed, none is made: a run would take the rest for other people's files
    with atomic_path(path, parents=False) as part:
        part.write_bytes(content)
