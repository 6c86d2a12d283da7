"""The locked tables of OUT, read back as they were locked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from scarmetrics.allocation.locking import Lock, LockError, check_lock
from scarmetrics.allocation.tables import Record, parse_csv
from scarmetrics.config import StudyConfig
from scarmetrics.errors import UsageError
from scarmetrics.models import SIDES
from scarmetrics.runner.output import RUN_FILE
from scarmetrics.runner.rows import CHANGES, FAILURES, MEASUREMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Results:
    """A locked measurement.

    Attributes
    ----------
    lock : Lock
        What it was checked against.
    config : StudyConfig
        As it was measured.
    measurements, changes, failures : tuple of dict
        Rows of the tables; missing is None. ``line`` is where a row stands.
    """

    lock: Lock
    config: StudyConfig
    measurements: tuple[Record, ...]
    changes: tuple[Record, ...]
    failures: tuple[Record, ...]

    def known_sides(self) -> dict[str, set[str]]:
        """Sides of each subject that were measured or that are known to have failed."""
        known: dict[str, set[str]] = {}
        for row in (*self.measurements, *self.failures):
            if row["subject_id"]:
                # a file that failed before its side was known may show either
                sides = {row["side"]} if row["side"] else set(SIDES)
                known.setdefault(row["subject_id"], set()).update(sides)
        return known


def read_results(out: Path) -> Results:
    """Read the tables of a locked measurement.

    Parameters
    ----------
    out : pathlib.Path
        A folder that ``scarmetrics run`` wrote.

    Returns
    -------
    Results

    Raises
    ------
    LockError
        If it is not locked, or altered.
    UsageError
        If another version of scarmetrics made it, with settings that this one does not know.
    """
    lock = check_lock(out)
    run = json.loads(_locked_bytes(out, lock, RUN_FILE))
    try:
        config = StudyConfig.model_validate(run.get("config"))
    except ValidationError:
        raise UsageError(
            f"{out.name} was measured by scarmetrics {run.get('version')}, whose settings this "
            "version does not know",
            "link it with the version that measured it",
        ) from None
    tables = {"measurements": MEASUREMENTS, "changes": CHANGES, "failures": FAILURES}
    return Results(
        lock, config, **{name: _rows(out, lock, name, kinds) for name, kinds in tables.items()}
    )


def _locked_bytes(out: Path, lock: Lock, name: str) -> bytes:
    """A file's bytes, which are the locked ones and not others that came a moment later."""
    data = (out / name).read_bytes() if name in lock.files else b""
    if hashlib.sha256(data).hexdigest() != lock.files.get(name):
        raise LockError(
            f"{name} is missing or not as it was locked", "measure again, then lock", [name]
        )
    return data


def _rows(out: Path, lock: Lock, name: str, kinds: Mapping[str, str]) -> tuple[Record, ...]:
    rows = parse_csv(_locked_bytes(out, lock, f"{name}.csv").decode("utf-8"), kinds)
    return tuple({"line": line, **row} for line, row in enumerate(rows, start=2))
