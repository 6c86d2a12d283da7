"""What a reviewer's decision is about: the bytes of one half's result, as one hash."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scarmetrics.report.folder import HalfKey, RunFolder

_TABLES = ("measurements", "changes", "scars")
_PICTURES = ("masks", "rois")


def half_result_hash(folder: RunFolder, key: HalfKey) -> str:
    """Hash of everything that was measured on one half.

    SHA-256 of the canonical JSON (sorted keys, no spaces, ASCII) of an object with the half's rows
    of ``measurements.csv``, ``changes.csv`` and ``scars.csv``, every cell as the text that stands
    in the table and in the table's order, and the SHA-256 of its masks and ROIs as ``run.json``
    lists them (null where it lists none). Whatever is measured again the same keeps it.

    Parameters
    ----------
    folder : RunFolder
        OUT.
    key : HalfKey
        The half.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    rows = {name: folder.rows_of(name, key) for name in _TABLES}
    outputs = folder.run.get("outputs")
    known = outputs if isinstance(outputs, dict) else {}
    visits = {row.get("visit", "") for row in rows["measurements"]}
    names = [
        f"{kind}/{key.subject_id}_{key.side}_{visit}.png" for kind in _PICTURES for visit in visits
    ]
    return _hash({**rows, "files": {name: known.get(name) for name in names}})


def half_hashes(folder: RunFolder) -> dict[HalfKey, str]:
    """`half_result_hash` of every half."""
    return {key: half_result_hash(folder, key) for key in folder.halves}


def run_hash(hashes: dict[HalfKey, str]) -> str:
    """Hash of all halves' hashes: which results a browser's decisions belong to."""
    return _hash([[*key, value] for key, value in sorted(hashes.items())])


def _hash(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
