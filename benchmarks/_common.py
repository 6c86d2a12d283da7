"""What the benchmarks share: where the real photographs lie, tables, JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"
RESULTS = Path(__file__).resolve().parent / "results"


def require(name: str) -> Path:
    """A folder of real photographs, or an end with a clear message."""
    folder = SHARED / name
    if not folder.is_dir():
        sys.exit(
            f"this benchmark needs the folder shared/{name} beside the checkout, "
            "which is not here; see docs/benchmarks.md"
        )
    return folder


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A plain table, numbers to the right."""
    cells = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    print(f"\n{title}")
    for number, row in enumerate(cells):
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
        if number == 0:
            print("  ".join("-" * width for width in widths))


def write_json(name: str, data: Any) -> Path:
    """Keep a benchmark's figures."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(data, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path
