"""OUT: which folder may be used, what an earlier run left there, and the tables in it."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scarmetrics.errors import UsageError
from scarmetrics.overlay.views import FOLDER as VIEWS
from scarmetrics.overlay.views import view_names
from scarmetrics.provenance import is_part, write_json
from scarmetrics.report import REPORT, REVIEW
from scarmetrics.runner.audit import AUDIT_FILE
from scarmetrics.runner.disk import writing
from scarmetrics.runner.records import RESULTS, record_name
from scarmetrics.runner.rows import (
    CHANGES,
    FAILURES,
    MEASUREMENTS,
    REGION_AREAS,
    SCARS,
    write_table,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scarmetrics.models import FailureRecord, HalfPlan
    from scarmetrics.runner.jobs import HalfOutcome

RUN_FILE = "run.json"
RUN_LOCK = "run.lock"
LOG_FILE = "run.log"
LOCKS, LINKED = "locks", "linked"
# what comes after the measurement
AFTERWARDS = re.compile(rf"{LOCKS}|{LINKED}(?:-\d+)?|\.{LINKED}-.*|{REPORT}|{REVIEW}")
# what systems leave behind in a folder that somebody looked into
CLUTTER = re.compile(r"Thumbs\.db|desktop\.ini|\.DS_Store|\._.*", re.IGNORECASE)
NOT_RESULTS = (RUN_LOCK, LOG_FILE, AUDIT_FILE)
"""Files that grow beside the measurement, and the lock of a run that died."""

_TOOL = "scarmetrics"
_RUNNING = "running"
_FOLDERS = ("masks", "rois", "overlays")
_TABLES = ("measurements", "changes", "scars", "regions", "failures")


def check_out(exports: Path, out: Path) -> None:
    """Refuse an output folder that would mix results with photographs or other people's files.

    Raises
    ------
    UsageError
        If it lies inside the exports or around them, is a file, or holds anything but the
        results of an earlier run.
    """
    inner, outer = out.resolve(), exports.resolve()
    if inner == outer or outer in inner.parents or (inner in outer.parents and earlier_run(out)):
        raise UsageError(
            "the output folder and the exports folder lie inside one another, where pictures "
            "would be taken for photographs",
            "choose an output folder elsewhere",
        )
    if not out.exists():
        return
    if not out.is_dir():
        raise UsageError(f"the output {out.name} is a file", "name a folder")
    # a run that died before it wrote its first file leaves these
    foreign = (p for p in out.iterdir() if p.name != RUN_LOCK and not is_part(p.name))
    if any(foreign) and earlier_run(out) is None and not (out / AUDIT_FILE).is_file():
        raise UsageError(
            f"the output folder {out.name} holds other files", "name a new or an empty folder"
        )


def earlier_run(out: Path) -> dict[str, Any] | None:
    """What an earlier run wrote about itself in this folder; None if there was none."""
    try:
        run = json.loads((out / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return run if isinstance(run, dict) and run.get("tool") == _TOOL else None


def holds_results(out: Path) -> bool:
    """Whether an earlier run in this folder came to its end."""
    run = earlier_run(out)
    return run is not None and run.get("state") != _RUNNING


def holds_work(out: Path) -> bool:
    """Whether an earlier run in this folder came to its end, or finished a half at least."""
    return holds_results(out) or any((out / RESULTS).glob("*.json"))


def is_locked(out: Path) -> bool:
    """Whether ``scarmetrics lock`` froze a measurement in this folder."""
    locks = out / LOCKS
    return locks.is_dir() and any(locks.iterdir())


def begin(out: Path, halves: Iterable[HalfPlan], kept: Iterable[str] = ()) -> None:
    """Make OUT ready: an earlier run's files are removed unless they are kept, and nothing else.

    Parameters
    ----------
    out : pathlib.Path
        OUT.
    halves : iterable of HalfPlan
        What is going to be measured.
    kept : iterable of str, optional
        Records and pictures of halves that are finished.

    Raises
    ------
    UsageError
        If the folder cannot be written.
    """
    halves = list(halves)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        tables = [f"{name}{suffix}" for name in _TABLES for suffix in (".csv", ".parquet")]
        names = {*(earlier_run(out) or {}).get("outputs", ()), *_half_names(halves), *tables}
        # said before anything is touched, so that a run that dies leaves nothing unaccounted for
        running = {"tool": _TOOL, "state": _RUNNING, "outputs": dict.fromkeys(sorted(names))}
        write_json(out / RUN_FILE, running)
        _remove(out, names - set(kept))
        for name in (*_FOLDERS, VIEWS, RESULTS):
            (out / name).mkdir(exist_ok=True)
        _remove_parts(out)


def remove_orphans(out: Path, halves: Iterable[HalfPlan], kept: Iterable[str]) -> None:
    """Remove pictures and records of halves that are not in the tables."""
    _remove(out, set(_half_names(halves)) - set(kept))


def _half_names(halves: Iterable[HalfPlan]) -> list[str]:
    halves = list(halves)
    return [*picture_names(halves), *(record_name(h.subject_id, h.side) for h in halves)]


def picture_names(halves: Iterable[HalfPlan]) -> list[str]:
    """Relative names of every picture of some halves."""
    names = []
    for half in halves:
        stem = f"{half.subject_id}_{half.side}"
        visits = (half.baseline.visit, half.follow_up.visit)
        names += [f"{folder}/{stem}_{visit}.png" for folder in _FOLDERS for visit in visits]
        names.append(f"overlays/{stem}.png")
        names += view_names(half.subject_id, half.side).values()
    return names


def write_tables(
    out: Path, outcomes: Sequence[HalfOutcome], failures: Sequence[FailureRecord]
) -> list[str]:
    """Write all tables; the names of their files."""
    tables = {
        "measurements": ([row for o in outcomes for row in o.measurements], MEASUREMENTS),
        "changes": ([row for o in outcomes for row in o.changes], CHANGES),
        "scars": ([row for o in outcomes for row in o.scars], SCARS),
        "regions": ([row for o in outcomes for row in o.regions], REGION_AREAS),
        "failures": ([failure.model_dump() for failure in failures], FAILURES),
    }
    written: list[str] = []
    try:
        for name, (rows, columns) in tables.items():
            written += write_table(out, name, rows, columns)
    except OSError:
        remove_tables(out)  # some without the others would tell half of it
        raise
    return written


def remove_tables(out: Path) -> None:
    """Remove all tables, as far as the disk lets one."""
    for name in _TABLES:
        for suffix in (".csv", ".parquet"):
            with suppress(OSError):
                (out / f"{name}{suffix}").unlink(missing_ok=True)


def _remove_parts(out: Path) -> None:
    """Remove what processes that died had half written."""
    for folder in (out, *(out / name for name in (*_FOLDERS, VIEWS, RESULTS))):
        for path in folder.iterdir():
            if is_part(path.name) and path.is_file():
                path.unlink(missing_ok=True)


def _remove(out: Path, names: Iterable[str]) -> None:
    """Remove files below OUT; a name that leads out of it is not followed."""
    root = out.resolve()
    for name in names:
        path = out / Path(name)
        if root in path.resolve().parents:
            path.unlink(missing_ok=True)
