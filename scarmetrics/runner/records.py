"""What is finished, kept in OUT half by half, so that no later run measures it again."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from scarmetrics.models import FailureRecord
from scarmetrics.provenance import sha256_of, sha256_of_json, write_json
from scarmetrics.runner.identity import half_key
from scarmetrics.runner.jobs import HalfOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from scarmetrics.models import Side
    from scarmetrics.runner.jobs import PairJob

RESULTS = "results"
_THREADS = 4  # a network folder answers several at once
# What another try may change: of these no record is kept.
_TRY_AGAIN = frozenset(
    {
        "file_missing",
        "file_unreadable",
        "internal_error",
        "net_failed",
        "output_unwritable",
        "worker_crashed",
        "worker_timeout",
    }
)

Half = tuple[int, "Side"]


@dataclass(frozen=True)
class Kept:
    """What became of one half.

    Attributes
    ----------
    outcome : HalfOutcome
        As a later run reads it, so that tables do not depend on which run they come from.
    key : str
        What it depends on, as one hash; empty where no record is kept.
    sha256 : str
        Hash of the record's bytes; empty where none is kept.
    """

    outcome: HalfOutcome
    key: str = ""
    sha256: str = ""


def record_name(subject_id: str, side: str) -> str:
    """Name below OUT of a half's record."""
    return f"{RESULTS}/{subject_id}_{side}.json"


def keep(out: Path, run_basis: str, job: PairJob, outcome: HalfOutcome) -> Kept:
    """Write a half's record, if the same input would always give this outcome.

    Parameters
    ----------
    out : pathlib.Path
        OUT.
    run_basis : str
        From `scarmetrics.runner.identity.basis`.
    job : PairJob
        Its pair.
    outcome : HalfOutcome
        What it gave.

    Returns
    -------
    Kept

    Raises
    ------
    OSError
        If it cannot be written.
    """
    content = json.loads(json.dumps(_content(outcome), default=_plain))
    final = not any(failure.reason_code in _TRY_AGAIN for failure in outcome.failures)
    if final and outcome.photographs and all(outcome.photographs.values()):
        content["tool"] = "scarmetrics"
        content["subject_id"] = job.subject_id
        content["key"] = half_key(run_basis, job, outcome.side, outcome.photographs)
        content["digest"] = sha256_of_json(content)
        sha256 = write_json(out / record_name(job.subject_id, outcome.side), content)
        return Kept(_outcome(content), content["key"], sha256)
    return Kept(_outcome(content))


def finished(jobs: Sequence[PairJob], out: Path, run_basis: str) -> dict[Half, HalfOutcome]:
    """Halves whose record and files are there and still hold.

    Parameters
    ----------
    jobs : sequence of PairJob
        What is to be measured.
    out : pathlib.Path
        OUT.
    run_basis : str
        From `scarmetrics.runner.identity.basis`.

    Returns
    -------
    dict
        Outcome by position of the job and side. Every file was read and has its hash.
    """
    known: dict[Half, tuple[str, HalfOutcome]] = {}
    for index, job in enumerate(jobs):
        for side in job.sides:
            record = _read(out / record_name(job.subject_id, side))
            if record is not None and record[1].side == side:
                known[index, side] = record
    photographs = {
        record.path
        for index in {index for index, _ in known}
        for record in (jobs[index].baseline, jobs[index].follow_up)
    }
    pictures = {out / name for _, outcome in known.values() for name in outcome.files}
    hashes = _hashes(sorted(photographs | pictures))
    found = {}
    for (index, side), (key, outcome) in known.items():
        job = jobs[index]
        now = {
            record.path_relative: hashes[record.path] for record in (job.baseline, job.follow_up)
        }
        same = half_key(run_basis, job, side, now) == key
        whole = all(hashes[out / name] == sha256 for name, sha256 in outcome.files.items())
        if same and whole:
            found[index, side] = outcome
    return found


def hashes_below(out: Path, names: Iterable[str]) -> dict[str, str]:
    """Hash of each named file below a folder; empty for one that is not there."""
    found = _hashes([out / name for name in names])
    return {path.relative_to(out).as_posix(): sha256 for path, sha256 in found.items()}


def _hashes(paths: Sequence[Path]) -> dict[Path, str]:
    with ThreadPoolExecutor(_THREADS) as threads:
        return dict(zip(paths, threads.map(_hash, paths), strict=True))


def _hash(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError:
        return ""


def _content(outcome: HalfOutcome) -> dict[str, Any]:
    content = asdict(outcome)
    content["failures"] = [failure.model_dump() for failure in outcome.failures]
    return content


def _plain(value: Any) -> Any:
    """A number of NumPy's as one of Python's."""
    return value.item()


def _outcome(content: Mapping[str, Any]) -> HalfOutcome:
    values = {field.name: content[field.name] for field in fields(HalfOutcome)}
    values["failures"] = [FailureRecord.model_validate(row) for row in values["failures"]]
    return HalfOutcome(**values)


def record_is_sound(path: Path) -> bool:
    """Whether a record is what scarmetrics wrote, by the digest in it."""
    return _read(path) is not None


def _read(path: Path) -> tuple[str, HalfOutcome] | None:
    """A record's key and outcome; None where it is missing, damaged or edited."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        digest = content.pop("digest")
        if digest != sha256_of_json(content):
            return None
        return cast("str", content["key"]), _outcome(content)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ValidationError):
        return None
