"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Exports = Annotated[
    Path, typer.Argument(help="Folder of exported photographs.", show_default=False)
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="YAML file with the study's parameters.",
                 show_default="the built-in defaults"),
]  # fmt: skip
Workers = Annotated[
    str,
    typer.Option(
        "--workers",
        "-w",
        metavar="N|auto",
        help="Processes that measure at the same time; auto takes as many as there are cores and "
        "memory for.",
    ),
]
Out = Annotated[
    Path, typer.Argument(help="Folder that scarmetrics run wrote to.", show_default=False)
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print problems only.")]
