"""scarmetrics train."""

from __future__ import annotations

import math
import tempfile
from contextlib import contextmanager
from importlib import metadata
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

import scarmetrics
from scarmetrics.cli.console import make_console, print_table
from scarmetrics.errors import ExitCode, UsageError
from scarmetrics.provenance import atomic_path
from scarmetrics.segmentation.modelfile import save_model
from scarmetrics.teach import Settings, read_tracings, require_scikit_learn, teach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.console import Console

    from scarmetrics.teach import Agreement, Taught

_FEW_PEOPLE = 5


def train_model(
    tracings: Path, out: Path, mm_per_px: float | None, seed: int, *, force: bool, quiet: bool
) -> int:
    """Teach a model from a folder of tracings, print how well its like does, write it."""
    console = make_console(quiet=quiet)
    _check(tracings, out, mm_per_px, force=force)
    require_scikit_learn()
    with _progress(console, "reading") as step:
        read = read_tracings(tracings, mm_per_px=mm_per_px, progress=step)
    people = len({lesson.person for lesson in read.lessons})
    console.print(f"{len(read.lessons)} photographs of {people} people, {read.scar_count} scars")
    about = {
        "scarmetrics": scarmetrics.__version__,
        "scikit-learn": metadata.version("scikit-learn"),
        "numpy": metadata.version("numpy"),
        "tracings_sha256": read.sha256,
        "photographs": len(read.lessons),
        "people": people,
        "scars": read.scar_count,
        "readers": max(len(lesson.readers) for lesson in read.lessons),
    }
    with _progress(console, "teaching") as step:
        taught = teach(read.lessons, settings=Settings(seed=seed), about=about, progress=step)
    with atomic_path(out) as part:
        save_model(taught.model, part)
    _print_figures(console, taught)
    if people < _FEW_PEOPLE:
        console.print(f"Taught by {people} people only: do not rely on it for others' skin.")
    console.print(
        f"The model is {out.name}. To use it, name it in the config:\n"
        f"  segmentation:\n    method: {out.name}  # path from the config's folder"
    )
    return int(ExitCode.OK)


def _check(tracings: Path, out: Path, mm_per_px: float | None, *, force: bool) -> None:
    if mm_per_px is not None and not (math.isfinite(mm_per_px) and mm_per_px > 0):
        raise UsageError(f"--mm-per-px is {mm_per_px}", "give a positive number, such as 0.2")
    if out.suffix != ".npz":
        raise UsageError(f"the model file {out.name} does not end in .npz", "name it MODEL.npz")
    inside = tracings.resolve()
    if inside in out.resolve().parents:
        raise UsageError(
            "the model would be written into the folder of tracings", "name a file elsewhere"
        )
    if out.is_dir():
        raise UsageError(f"{out.name} is a folder", "name a file")
    if out.exists() and not force:
        raise UsageError(f"{out.name} is there already", "name another file, or add --force")
    try:
        folder = next(parent for parent in out.absolute().parents if parent.exists())
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"{out.name} cannot be written to the folder that was named ({error.strerror})",
            "name another folder; nothing was taught",
        ) from None


@contextmanager
def _progress(console: Console, word: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, a plain line per step elsewhere."""
    if not console.is_terminal:
        yield lambda done, total: console.print(f"{word} {done}/{total}")
        return
    columns = (TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn())
    with ProgressBar(*columns, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task(word, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print_figures(console: Console, taught: Taught) -> None:
    whom = "people" if taught.by_person else "photographs of this one person"
    rows = [_row(name, figures) for name, figures in taught.tested.items()]
    print_table(
        console,
        f"Tested on {whom} that each test's model had not seen",
        ("photograph", "F1", "Dice", "area ratio", "scars traced"),
        [*rows, _row("all of them", taught.overall)],
    )
    console.print(
        "F1: share of scars that are found and true. Dice: overlap of the areas. Both 1 at best; "
        "two readers reach about 0.87 and 0.77 with each other.\n"
        "Area ratio: area found over area traced. The relative error of an area that this shows, "
        f"{taught.model.area_rel_sd:.2f}, is kept in the model."
    )


def _row(name: str, figures: Agreement) -> tuple[str, ...]:
    ratio = figures.area_ratio
    return (
        name,
        f"{figures.f1:.2f}",
        f"{figures.dice:.2f}",
        "–" if math.isnan(ratio) else f"{ratio:.2f}",
        f"{figures.traced:.0f}",
    )
