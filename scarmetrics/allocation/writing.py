"""``OUT/linked``: written whole or not at all, and read back only as it was written."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import scarmetrics
from scarmetrics.allocation.adscar import ADSCAR, DICTIONARY
from scarmetrics.allocation.flow import FLOW
from scarmetrics.allocation.halves import HALVES
from scarmetrics.allocation.linking import QUESTIONNAIRES, LinkedStudy
from scarmetrics.allocation.locking import LINKED, LockError, check_lock
from scarmetrics.allocation.problems import Problem
from scarmetrics.allocation.tables import COUNT, NUMBER, TEXT, parse_csv, table, write_csv
from scarmetrics.errors import UsageError
from scarmetrics.provenance import hash_outputs, sha256_of, write_json
from scarmetrics.runner.audit import append
from scarmetrics.runner.disk import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

LINK_FILE = "link.json"
_TOOL, _KIND = "scarmetrics", "link"
RANDOMISATION = {
    "procedure": TEXT,
    "subjects": COUNT,
    "treated_left": COUNT,
    "treated_right": COUNT,
    "left_share": NUMBER,
    "ci_low": NUMBER,
    "ci_high": NUMBER,
    "p_value": NUMBER,
}
RANDOMISATION_DEFINITIONS = {
    "procedure": "what the whole face got; pooled: both",
    "subjects": "allocated subjects",
    "treated_left": "of them, with ADSC-CM on the left half",
    "treated_right": "of them, with ADSC-CM on the right half",
    "left_share": "treated_left as a share of subjects",
    "ci_low": "lower exact 95 % limit of left_share (Clopper-Pearson)",
    "ci_high": "upper exact 95 % limit of left_share (Clopper-Pearson)",
    "p_value": "exact binomial test that left and right are as likely, two-sided",
}
TABLES: dict[str, tuple[str, Mapping[str, str]]] = {
    "halves": ("halves.csv", HALVES),
    "adscar": ("adscar.csv", ADSCAR),
    "dictionary": ("adscar_dictionary.csv", DICTIONARY),
    "questionnaires": ("questionnaires.csv", QUESTIONNAIRES),
    "flow": ("flow.csv", FLOW),
    "randomisation": ("randomisation.csv", RANDOMISATION),
}
"""Field of `LinkedStudy` to the file's name and its columns with their pandas types."""


@dataclass(frozen=True)
class Written:
    """Where a linked study lies.

    Attributes
    ----------
    folder : pathlib.Path
        ``OUT/linked``.
    is_new : bool
        False if exactly this was there already.
    kept : str
        Name of the folder that holds what was there before; empty if nothing was.
    """

    folder: Path
    is_new: bool
    kept: str


def write_linked(
    study: LinkedStudy, out: Path | str, also: Callable[[Path], object] | None = None
) -> Written:
    """Write a linked study to ``OUT/linked``.

    It appears there complete, or not at all. What another link wrote there before, and what was
    made from it, is kept as ``linked-1``, ``linked-2``, ...; the same once more changes nothing.

    Parameters
    ----------
    study : LinkedStudy
        What `link` returned.
    out : path
        The folder of the measurement.
    also : callable, optional
        Writes what is made from the study into the folder that it is given, before that takes its
        place; the same study must give the same bytes.

    Returns
    -------
    Written

    Raises
    ------
    UsageError
        If ``OUT/linked`` holds other files.
    """
    out = Path(out)
    folder = out / LINKED
    earlier = _earlier(folder)
    if earlier is None and folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UsageError(
            f"{out.name}/{LINKED} was not written by scarmetrics link", "rename or remove it"
        )
    part = out / f".{LINKED}-{uuid4().hex}"
    try:
        part.mkdir()
        _write_tables(study, part)
        if also is not None:
            also(part)
        content = _content(study, part)
        if earlier is not None and _same(folder, earlier, content):
            return Written(folder, is_new=False, kept="")
        write_json(part / LINK_FILE, content)
        kept = _move_away(folder) if earlier is not None else ""
        if folder.exists():
            folder.rmdir()  # empty, as was checked
        try:
            part.rename(folder)
        except OSError:
            if kept:
                (out / kept).rename(folder)
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    with writing(out):
        append(out, "linked", lock=study.lock.number, link_sha256=sha256_of(folder / LINK_FILE))
    return Written(folder, is_new=True, kept=kept)


def _write_tables(study: LinkedStudy, folder: Path) -> None:
    for field, (name, columns) in TABLES.items():
        if field == "questionnaires" and "questionnaires" not in study.sources:
            continue
        frame: pd.DataFrame = getattr(study, field)
        write_csv(frame[list(columns)], folder / name)


def _content(study: LinkedStudy, folder: Path) -> dict[str, Any]:
    """What goes into ``link.json``: what was linked, and every file that was written."""
    names = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    return {
        "tool": _TOOL,
        "kind": _KIND,
        "version": scarmetrics.__version__,
        "linked": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "lock": {"number": study.lock.number, "digest": study.lock.digest},
        "sources": study.sources,
        "accepted": [
            {field.name: getattr(problem, field.name) for field in fields(problem)}
            for problem in study.accepted
        ],
        "outputs": hash_outputs(folder, names),
    }


def _earlier(folder: Path) -> dict[str, Any] | None:
    """What an earlier link wrote about itself; None if there was none."""
    try:
        content = json.loads((folder / LINK_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ours = isinstance(content, dict) and content.get("kind") == _KIND
    return content if ours and content.get("tool") == _TOOL else None


def _same(folder: Path, earlier: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
    """Whether this was linked before, and lies there unaltered."""
    alike = all(earlier.get(key) == content[key] for key in content if key != "linked")
    return alike and not _altered(folder, content["outputs"])


def _altered(folder: Path, outputs: Mapping[str, str]) -> list[str]:
    return [
        name
        for name, sha256 in sorted(outputs.items())
        if not (folder / name).is_file() or sha256_of(folder / name) != sha256
    ]


def _move_away(folder: Path) -> str:
    """Give an earlier link the next free number."""
    pattern = re.compile(rf"{LINKED}-(\d+)")
    numbers = [
        int(found[1]) for path in folder.parent.iterdir() if (found := pattern.fullmatch(path.name))
    ]
    kept = folder.with_name(f"{LINKED}-{max(numbers, default=0) + 1}")
    folder.rename(kept)
    return kept.name


def read_linked(out: Path | str) -> LinkedStudy:
    """Read ``OUT/linked`` back, if neither it nor the measurement was changed.

    Parameters
    ----------
    out : path
        The folder of the measurement.

    Returns
    -------
    LinkedStudy

    Raises
    ------
    LockError
        If the measurement was altered or locked anew after it was linked, or the linked tables were
        altered; names the files.
    UsageError
        If it is not linked.
    """
    out = Path(out)
    folder = out / LINKED
    lock = check_lock(out)
    content = _earlier(folder)
    if content is None:
        raise UsageError(f"{out.name} is not linked", "run scarmetrics link first")
    if content["lock"]["digest"] != lock.digest:
        raise LockError(
            f"{LINKED} belongs to lock {content['lock']['number']}, but the measurement has lock "
            f"{lock.number}",
            "run scarmetrics link again",
        )
    altered = _altered(folder, content["outputs"])
    if altered:
        names = [f"{LINKED}/{name}" for name in altered]
        lines = "\n".join(f"  {name}" for name in names)
        raise LockError(
            f"files were altered after they were linked:\n{lines}\n  remedy",
            "run scarmetrics link again",
            names,
        )
    frames = {
        field: _read_table(folder / name, columns) for field, (name, columns) in TABLES.items()
    }
    return LinkedStudy(
        **frames,
        accepted=tuple(Problem(**problem) for problem in content["accepted"]),
        lock=lock,
        sources=content["sources"],
    )


def _read_table(path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    rows = parse_csv(path.read_text(encoding="utf-8"), columns) if path.exists() else []
    return table(rows, columns)
