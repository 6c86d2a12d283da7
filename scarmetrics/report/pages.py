"""Write ``OUT/report``: the index, a page for each half, and the files that they share."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from scarmetrics.errors import UsageError
from scarmetrics.provenance import atomic_path, write_text
from scarmetrics.report import study
from scarmetrics.report.folder import RunFolder, page_names, read_folder
from scarmetrics.report.half import describe_half
from scarmetrics.report.hashes import half_hashes, run_hash
from scarmetrics.report.outlines import LINES, residual_stops

if TYPE_CHECKING:
    from scarmetrics.report.folder import HalfKey

REPORT, HALVES, STATIC, INDEX = "report", "halves", "static", "index.html"
_SHORT = 12  # digits of a hash that people compare


def write_report(out: Path) -> Path:
    """Write the pages of a run, from what it left in OUT and nothing else.

    The same OUT gives the same bytes. Pages of halves that are not there any more are removed.

    Parameters
    ----------
    out : pathlib.Path
        A folder that ``scarmetrics run`` wrote to, finished or not.

    Returns
    -------
    pathlib.Path
        ``OUT/report/index.html``.

    Raises
    ------
    UsageError
        If OUT is not such a folder, or its pages cannot be written.
    """
    folder = read_folder(out)
    try:
        return _write(folder)
    except OSError as error:
        raise UsageError(
            f"the pages in {out.name}/{REPORT} cannot be written ({error.strerror})",
            "check its permissions and the disk's free space",
        ) from error


def _write(folder: RunFolder) -> Path:
    target = folder.out / REPORT
    pages = page_names(folder.halves)
    hashes = half_hashes(folder)
    common = _common(folder, hashes)
    environment = _environment()
    _write_static(target / STATIC)
    halves = environment.get_template("half.html.j2")
    order = list(pages)
    # what every page's script must know of the others: where to go next
    listed = [[*key, pages[key]] for key in order]
    for index, key in enumerate(order):
        text = halves.render(
            **common,
            half=describe_half(folder, key),
            result_hash=hashes[key],
            listed=listed,
            previous=pages[order[index - 1]] if index else "",
            following=pages[order[index + 1]] if index + 1 < len(order) else "",
            position=index + 1,
            count=len(order),
        )
        write_text(target / HALVES / pages[key], text)
    _remove_old_pages(target / HALVES, {*pages.values()})
    rows = study.half_rows(folder, pages, hashes)
    text = environment.get_template("index.html.j2").render(
        **common,
        rows=rows,
        statuses=study.status_counts(rows),
        flags=study.flag_counts(rows),
        failures=study.failure_groups(folder),
        failure_count=len(folder.failures),
        charts=study.charts(folder),
        problems=folder.problems,
    )
    write_text(target / INDEX, text)
    return target / INDEX


def _common(folder: RunFolder, hashes: dict[HalfKey, str]) -> dict[str, Any]:
    config = folder.run.get("config")
    return {
        "run_hash": run_hash(hashes),
        "short": _SHORT,
        "state": study.state_words(folder),
        "study_id": str((config or {}).get("study_id") or "") if isinstance(config, dict) else "",
        # no time of day: the same measurement makes the same page
        "run": {"version": str(folder.run.get("version") or "")},
        "lines": LINES,
        "residual_stops": residual_stops(),
    }


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("scarmetrics.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["url"] = _url
    return environment


def _url(name: str) -> str:
    """A name below a folder as a relative address, so that no character of it has a meaning."""
    return quote(name, safe="/")


def _write_static(target: Path) -> None:
    source = resources.files("scarmetrics.report") / STATIC
    for file in sorted(source.iterdir(), key=lambda entry: entry.name):
        if file.is_file():
            with atomic_path(target / file.name) as part:
                part.write_bytes(file.read_bytes())


def _remove_old_pages(target: Path, kept: set[str]) -> None:
    if target.is_dir():
        for path in target.glob("*.html"):
            if path.name not in kept:
                path.unlink()
