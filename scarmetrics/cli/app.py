"""The commands and their help; each imports what it needs only when it runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from scarmetrics.cli.options import ConfigFile, Exports, Out, Quiet, Workers
from scarmetrics.errors import ExitCode, ScarmetricsError, UsageError

app = typer.Typer(
    name="scarmetrics",
    help="Scar surface per face half, measured from clinical photographs before and after "
    "treatment.",
    epilog="Exit codes: 0 all measured, 2 wrong use or config, 3 some halves could not be "
    "measured (see failures.csv), 4 nothing could be measured, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        from scarmetrics import __version__

        print(f"scarmetrics {__version__}")  # noqa: T201
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _workers(text: str) -> int | Literal["auto"]:
    """What --workers says."""
    if text == "auto":
        return "auto"
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise UsageError(f"--workers is {text!r}", "use auto, or a number of processes from 1 on")
    return int(text)


@app.command(
    epilog="Examples:  scarmetrics run exports --out results --config configs/visioface.yaml;  "
    "the same command again goes on where a run ended;  "
    "scarmetrics run exports --out results --json-lines | tee run.jsonl;  "
    "scarmetrics run exports --out results --scheduler tcp://192.168.0.10:8786"
)
def run(
    exports: Exports,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="Folder for the results; made when missing.", show_default=False
        ),
    ],
    config: ConfigFile = None,
    *,
    workers: Workers = "auto",
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help="Dask scheduler whose workers measure, such as tcp://192.168.0.10:8786; instead "
            "of --workers.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Measure again what is finished, even if it is locked.")
    ] = False,
    hide_eyes: Annotated[
        bool | None,
        typer.Option(
            "--hide-eyes/--show-eyes",
            help="Cover eyes and brows in the overlays, or not.",
            show_default="overlay.hide_eyes of the config",
        ),
    ] = None,
    quiet: Quiet = False,
    json_lines: Annotated[
        bool,
        typer.Option(
            "--json-lines",
            help="Print a JSON object for each event, for programs, and nothing else.",
        ),
    ] = False,
) -> None:
    """Measure every half in a folder of exports.

    Writes measurements.csv, changes.csv, scars.csv, regions.csv, failures.csv (all also as
    .parquet), masks, rois, overlays, views, report/index.html, config.yaml, run.json, run.log and
    audit.jsonl. Halves that an earlier run in the same folder finished are taken over, unless
    something that they depend on has changed. Its files of halves that are no longer in the study
    are removed.
    """
    from scarmetrics.cli.run import run_study

    raise typer.Exit(
        run_study(
            exports,
            out,
            config,
            _workers(workers),
            scheduler=scheduler,
            force=force,
            quiet=quiet,
            hide_eyes=hide_eyes,
            json_lines=json_lines,
        )
    )


@app.command(epilog="Example:  scarmetrics check exports --config configs/visioface.yaml")
def check(exports: Exports, config: ConfigFile = None, quiet: Quiet = False) -> None:
    """List what would be measured and what is wrong; decode and measure nothing."""
    from scarmetrics.cli.check import check_study

    raise typer.Exit(check_study(exports, config, quiet=quiet))


@app.command(epilog="Example:  scarmetrics init exports")
def init(
    exports: Exports,
    config: ConfigFile = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a manifest that is already there.")
    ] = False,
) -> None:
    """Draft manifest.csv from the file and folder names, every guess marked for confirmation."""
    from scarmetrics.cli.init import init_manifest

    raise typer.Exit(init_manifest(exports, config, force=force))


@app.command(epilog="Example:  scarmetrics demo --out demo-output")
def demo(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the demo study and its results.")
    ] = Path("demo-output"),
    workers: Workers = "auto",
    subjects: Annotated[
        int, typer.Option("--subjects", min=1, max=60, help="Simulated patients.")
    ] = 6,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed, another study.")] = 1,
) -> None:
    """Make a simulated study with known scars, measure it, print truth beside measurement."""
    from scarmetrics.cli.demo import run_demo

    raise typer.Exit(run_demo(out, workers=_workers(workers), subjects=subjects, seed=seed))


@app.command(epilog="Example:  scarmetrics train tracings --out clinic.npz --mm-per-px 0.2")
def train(
    tracings: Annotated[
        Path, typer.Argument(help="Folder of traced photographs.", show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="Model file to write (.npz).", show_default=False),
    ],
    *,
    mm_per_px: Annotated[
        float | None,
        typer.Option(
            "--mm-per-px",
            help="Scale of photographs without one in scales.csv.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed, another model.")] = 0,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a model that is already there.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Teach a segmenter with your own tracings, and test it on people left out.

    The folder holds photographs, and for each NAME.mask.png or NAME.ellipses.json, as
    docs/training.md explains. It is only read.
    """
    from scarmetrics.cli.train import train_model

    raise typer.Exit(train_model(tracings, out, mm_per_px, seed, force=force, quiet=quiet))


@app.command(epilog="Example:  scarmetrics report results")
def report(out: Out, quiet: Quiet = False) -> None:
    """Write the reviewers' pages again, from what is in the folder; nothing is measured.

    Open report/index.html in a browser. Folders of unfinished runs have pages too, which say so.
    """
    from scarmetrics.cli.report import report_pages

    raise typer.Exit(report_pages(out, quiet=quiet))


@app.command(
    name="review-import",
    epilog="Example:  scarmetrics review-import results review_ab.csv review_cd.csv",
)
def review_import(
    out: Out,
    files: Annotated[
        list[Path],
        typer.Argument(help="Files that readers exported from the pages.", show_default=False),
    ],
    quiet: Quiet = False,
) -> None:
    """Merge the readers' decisions and show where they disagree.

    Writes review/ with decisions.csv, disagreements.csv and changes_reviewed.csv (changes.csv and
    what was decided); no measurement is changed. Everything that is wrong with the files is listed
    at once, and nothing is written then.
    """
    from scarmetrics.cli.review_import import import_review

    raise typer.Exit(import_review(out, files, quiet=quiet))


@app.command(epilog="Example:  scarmetrics lock results")
def lock(
    out: Out,
    check: Annotated[
        bool, typer.Option("--check", help="Only tell whether it is locked and unchanged.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Freeze a measurement: from now on any change to it shows.

    Writes locks/lock-NNNN.json with a hash of every table, mask, ROI and setting. Write its digest
    down somewhere else, such as in the trial's file. A new measurement needs a new lock; earlier
    locks stay.
    """
    from scarmetrics.cli.lock import lock_results

    raise typer.Exit(lock_results(out, check=check, quiet=quiet))


@app.command(
    epilog="Examples:  scarmetrics verify results;  scarmetrics verify results --exports exports;  "
    "scarmetrics verify results --json"
)
def verify(
    out: Out,
    exports: Annotated[
        Path | None,
        typer.Option(
            "--exports",
            "-e",
            help="The folder of exports, to check the photographs too.",
            show_default="not checked",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    quiet: Quiet = False,
) -> None:
    """Compute every hash again and say what was altered; change nothing.

    Exit code 0: all is as it was left; 2: something was changed, removed or added, and each file is
    named. Somebody who writes all files and the history anew is not noticed by this: write the head
    that it prints down somewhere else, or lock the measurement.
    """
    from scarmetrics.cli.verify import verify_results

    raise typer.Exit(verify_results(out, exports, as_json=as_json, quiet=quiet))


@app.command(epilog="Example:  scarmetrics link results --allocation allocation.csv")
def link(
    out: Out,
    allocation: Annotated[
        Path,
        typer.Option(
            "--allocation",
            "-a",
            help="The randomisation list (.csv, .xlsx).",
            show_default=False,
        ),
    ],
    *,
    questionnaires: Annotated[
        Path | None,
        typer.Option(
            "--questionnaires",
            help="Side effects and satisfaction (.csv, .xlsx).",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            help="YAML file with the words of these files (trial, ingest.views).",
            show_default="as measured",
        ),
    ] = None,
    repeats: Annotated[
        Path | None,
        typer.Option(
            "--repeatability",
            help="repeatability.json, or a table of repeats, for the minimum detectable change.",
            show_default=False,
        ),
    ] = None,
    accept_incomplete: Annotated[
        bool,
        typer.Option(
            "--accept-incomplete",
            help="Accept subjects without photographs and photographs without an allocation.",
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Join a locked measurement with the allocation and the questionnaires, and compare.

    Writes linked/ with the answer (report.html, analysis.json, figures/) and the tables
    (halves.csv, adscar.csv and its dictionary, questionnaires.csv, flow.csv, randomisation.csv,
    link.json). Everything that is wrong with the files is listed at once, and nothing is written
    then.
    """
    from scarmetrics.cli.link import link_study

    raise typer.Exit(
        link_study(
            out,
            allocation,
            questionnaires,
            config,
            repeats=repeats,
            accept_incomplete=accept_incomplete,
            quiet=quiet,
        )
    )


@app.command(epilog="Example:  scarmetrics repeatability repeats.csv --out repeats")
def repeatability(
    file: Annotated[
        Path,
        typer.Argument(
            help="Table (CSV or Excel) with subject_id, side, repeat, area_mm2.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder for repeatability.json and the Bland-Altman plot.",
            show_default="print only",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Say how well photographs taken again repeat the measured area.

    Nothing may have happened to the skin between the repeats. Gives ICC(2,1), within-subject
    variation, limits of agreement and the minimum detectable change; docs/statistics.md explains
    them.
    """
    from scarmetrics.cli.repeatability import run_repeatability

    raise typer.Exit(run_repeatability(file, out, quiet=quiet))


def main() -> None:
    """Run the command line; every error is one message with a remedy, never a traceback."""
    try:
        app()
    except ScarmetricsError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(ExitCode.USAGE)
    except OSError as error:
        name = f" {Path(str(error.filename)).name}" if error.filename else ""
        problem = UsageError(
            f"the operating system refused{name}: {error.strerror or type(error).__name__}",
            "check free space and permissions of the output folder",
        )
        print(f"error: {problem}", file=sys.stderr)  # noqa: T201
        sys.exit(ExitCode.USAGE)
