"""OUT as the pages see it: tables as text, views, and what of it is missing."""

from __future__ import annotations

import csv
import hashlib
import json
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from scarmetrics.cellguard import unguard_cell
from scarmetrics.errors import UsageError
from scarmetrics.models import SIDES, valid_subject_id
from scarmetrics.viewfile import HalfView

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RUN_FILE = "run.json"
VIEWS = "views"
_TOOL = "scarmetrics"
_TABLES = ("measurements", "changes", "scars", "failures")

Row = dict[str, str]
"""A row of a table as it stands in the CSV file; empty text where a cell is."""


class HalfKey(NamedTuple):
    """A side of a subject, in the order of the tables."""

    subject_id: str
    side: str


@dataclass(frozen=True)
class RunFolder:
    """What a run left in OUT.

    Attributes
    ----------
    out : pathlib.Path
        The folder.
    run : mapping
        ``run.json``.
    measurements, changes, scars, failures : list of Row
        Rows of the tables; none where the table is missing.
    views : mapping of HalfKey to HalfView
        What was left for each half's page.
    problems : list of str
        Files that are missing or cannot be read, for people.
    view_problems : mapping of str to str
        Name of a file in ``views`` to what is wrong with it.
    """

    out: Path
    run: Mapping[str, Any]
    measurements: list[Row]
    changes: list[Row]
    scars: list[Row]
    failures: list[Row]
    views: Mapping[HalfKey, HalfView]
    problems: list[str] = field(default_factory=list)
    view_problems: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _by_half(self) -> dict[tuple[str, HalfKey], list[Row]]:
        found: dict[tuple[str, HalfKey], list[Row]] = defaultdict(list)
        for name in _TABLES:
            for row in getattr(self, name):
                found[name, HalfKey(row["subject_id"], row["side"])].append(row)
        return found

    def rows_of(self, table: str, key: HalfKey) -> list[Row]:
        """The rows of one half in a table, in its order."""
        return self._by_half.get((table, key), [])

    @property
    def halves(self) -> list[HalfKey]:
        """Every half that has a row or a view, sorted by subject and side."""
        rows = (*self.changes, *self.measurements, *self.scars)
        named = {HalfKey(row["subject_id"], row["side"]) for row in rows}
        return sorted({*named, *self.views})

    @property
    def state(self) -> str:
        """``finished``, or how else the run stands."""
        return str(self.run.get("state") or "unknown")

    def setting(self, key: str) -> Any:
        """A value of the config as it was used, by ``section.key``; None if it is not there."""
        value: Any = self.run.get("config")
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def holds(self, name: str) -> bool:
        """Whether a name is that of a file below OUT, and leads nowhere else."""
        path = PurePosixPath(name)
        inside = not path.is_absolute() and ".." not in path.parts and "\\" not in name
        return bool(name) and inside and (self.out / path).is_file()


def read_folder(out: Path) -> RunFolder:
    """Read what a run left in OUT; what is missing or damaged is said and not fatal.

    Raises
    ------
    UsageError
        If ``scarmetrics run`` never wrote to this folder.
    """
    out = Path(out)
    run = _read_run(out)
    problems: list[str] = []
    tables = {name: _read_table(out, name, problems) for name in _TABLES}
    views, view_problems = _read_views(out)
    problems += [f"{name}: {what}" for name, what in view_problems.items()]
    return RunFolder(out, run, **tables, views=views, problems=problems,
                     view_problems=view_problems)  # fmt: skip


def _read_run(out: Path) -> dict[str, Any]:
    remedy = "name the folder of results, the one that scarmetrics run wrote"
    if not out.is_dir():
        raise UsageError(f"there is no folder {out.name}", remedy)
    try:
        run = json.loads((out / RUN_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{out.name} holds no run (there is no {RUN_FILE})", remedy) from None
    except ValueError:
        raise UsageError(f"{RUN_FILE} in {out.name} is damaged", "run it again") from None
    if not isinstance(run, dict) or run.get("tool") != _TOOL:
        raise UsageError(f"{RUN_FILE} in {out.name} is not of scarmetrics", remedy)
    return run


def _read_table(out: Path, name: str, problems: list[str]) -> list[Row]:
    """Rows as text; a column that is missing is empty, so that pages need not ask."""
    path = out / f"{name}.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [
                {
                    key: unguard_cell(value or "")
                    for key, value in row.items()
                    if isinstance(key, str)
                }
                for row in csv.DictReader(file, strict=True)
            ]
    except FileNotFoundError:
        problems.append(f"{path.name} is missing")
        return []
    except (ValueError, csv.Error):
        problems.append(f"{path.name} cannot be read as a UTF-8 table with commas")
        return []
    for row in rows:
        row.setdefault("subject_id", "")
        row.setdefault("side", "")
    return rows


def _read_views(out: Path) -> tuple[dict[HalfKey, HalfView], dict[str, str]]:
    views: dict[HalfKey, HalfView] = {}
    problems: dict[str, str] = {}
    for path in sorted((out / VIEWS).glob("*.json")):
        name = f"{VIEWS}/{path.name}"
        try:
            view = HalfView.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            problems[name] = f"cannot be used: {where}: {first['msg']}"
            continue
        key = HalfKey(view.subject_id, view.side)
        if key in views:
            problems[name] = f"is a second view of {key.subject_id} {key.side}, ignored"
            continue
        views[key] = view
    return views, problems


def page_names(halves: Iterable[HalfKey]) -> dict[HalfKey, str]:
    """A file name for each half's page, safe on every system and different from all others.

    A subject id that is not allowed, or that another's equals but for case, gives a hash.
    """
    names: dict[HalfKey, str] = {}
    taken: set[str] = set()
    for key in halves:
        stem = f"{key.subject_id}_{key.side}"
        folded = unicodedata.normalize("NFKC", stem).casefold()
        if not _is_plain(key) or folded in taken:
            text = json.dumps(list(key), ensure_ascii=True)
            stem = folded = f"half-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        taken.add(folded)
        names[key] = f"{stem}.html"
    return names


def _is_plain(key: HalfKey) -> bool:
    try:
        valid_subject_id(key.subject_id)
    except ValueError:
        return False
    return key.side in SIDES
