"""One measured study of a good subject among many broken ones, for all tests of faults."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from broken import FILES, IMAGES, Fault
from encoding import encode
from faulty import CONFIG, GOOD, HEADER, Measured, put_good, subject_of

import scarmetrics as sm
from scarmetrics.ingest import decode_photograph
from scarmetrics.runner import Progress


@pytest.fixture(scope="session")
def photographs(repository: Path) -> tuple[np.ndarray, np.ndarray]:
    """The good subject's pixels at both visits."""
    folder = repository / "fixtures/images/exports/P01"
    names = ("baseline_frontal.jpg", "month3_frontal.jpg")
    before, after = (decode_photograph(folder / name).pixels for name in names)
    return before, after


@pytest.fixture(scope="session")
def alone(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """The good subject by itself."""
    root = tmp_path_factory.mktemp("alone")
    exports, out = root / "exports", root / "out"
    put_good(exports, repository)
    (exports / "manifest.csv").write_text(HEADER + GOOD, encoding="utf-8")
    summary = sm.Study(CONFIG).run(exports, out=out)
    return Measured(exports, out, summary, {("P01", "left")})


@pytest.fixture(scope="session")
def measured(
    repository: Path,
    photographs: tuple[np.ndarray, np.ndarray],
    tmp_path_factory: pytest.TempPathFactory,
) -> Measured:
    """The good subject among all the broken photographs, each the baseline of its own subject."""
    root = tmp_path_factory.mktemp("faults")
    exports, out = root / "exports", root / "out"
    put_good(exports, repository)
    faults = (*FILES, *IMAGES)
    rows = [GOOD]
    follow_up = encode(photographs[1], "JPEG", quality=95)
    for fault in faults:
        subject = subject_of(fault)
        folder = exports / subject
        folder.mkdir()
        _put(fault, folder / "baseline.jpg", photographs[0])
        (folder / "month3.jpg").write_bytes(follow_up)
        rows.append(f"{subject},baseline,frontal,{subject}/baseline.jpg,,0.291742,0.01,left\n")
        rows.append(f"{subject},month3,frontal,{subject}/month3.jpg,,0.290774,0.01,left\n")
    (exports / "manifest.csv").write_text(HEADER + "".join(rows), encoding="utf-8")

    def meanwhile(step: Progress) -> None:
        if step.subject_id == "":  # listed, and nothing decoded yet
            for fault in faults:
                if fault.later is not None:
                    fault.later(exports / subject_of(fault) / "baseline.jpg")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summary = sm.Study(CONFIG).run(exports, out=out, progress=meanwhile)
    planned = {("P01", "left"), *((subject_of(fault), "left") for fault in faults)}
    return Measured(exports, out, summary, planned)


def _put(fault: Fault, path: Path, pixels: np.ndarray) -> None:
    if fault.place is not None:
        fault.place(path)
    else:
        path.write_bytes(fault.content(pixels))


@pytest.fixture
def exports(repository: Path, tmp_path: Path) -> Path:
    """The good subject alone, to be broken by the test."""
    return Path(shutil.copytree(repository / "fixtures/images/exports", tmp_path / "exports"))
