"""scarmetrics report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scarmetrics.cli.console import make_console
from scarmetrics.errors import ExitCode
from scarmetrics.report import write_report

if TYPE_CHECKING:
    from pathlib import Path


def report_pages(out: Path, *, quiet: bool) -> int:
    """Write the pages and say where to open them."""
    index = write_report(out)
    console = make_console(quiet=quiet)
    console.print(f"Open in a browser: {index}", markup=False)
    return int(ExitCode.OK)
