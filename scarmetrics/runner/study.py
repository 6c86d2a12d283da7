"""A study: a configuration, and what the command line and the Python API call to run it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from scarmetrics.config import StudyConfig, load_config
from scarmetrics.errors import ManifestError, UsageError
from scarmetrics.ingest import list_photographs, plan_study
from scarmetrics.models import FailureRecord
from scarmetrics.runner.audit import append
from scarmetrics.runner.batch import Batch, Means
from scarmetrics.runner.cores import available_workers
from scarmetrics.runner.disk import writing
from scarmetrics.runner.finish import RunSummary
from scarmetrics.runner.output import begin, check_out, holds_work, write_tables
from scarmetrics.runner.progress import EndedHalf, Progress
from scarmetrics.runner.runlock import run_lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from scarmetrics.models import StudyPlan

__all__ = ["EndedHalf", "Progress", "RunSummary", "Study"]


class Study:
    """A configured study.

    Parameters
    ----------
    config : StudyConfig
        Every parameter.

    Examples
    --------
    >>> import scarmetrics as sm
    >>> sm.Study(sm.StudyConfig(study_id="pilot")).config.study_id
    'pilot'
    """

    def __init__(self, config: StudyConfig) -> None:
        self.config = config

    @classmethod
    def from_config(cls, path: Path | str | None = None) -> Study:
        """A study from a YAML file; the defaults without one.

        Parameters
        ----------
        path : path, optional
            Configuration file.

        Raises
        ------
        ConfigError
            If the file is wrong; names line and column.
        """
        return cls(StudyConfig() if path is None else load_config(Path(path)))

    def plan(self, exports: Path | str) -> StudyPlan:
        """What a folder of exports amounts to; no photograph is decoded.

        Parameters
        ----------
        exports : path
            Folder of exports, with or without a manifest.

        Returns
        -------
        StudyPlan

        Raises
        ------
        UsageError, ManifestError, ConfigError
            If nothing can be listed.
        """
        from scarmetrics.segmentation import make_segmenter

        try:
            make_segmenter(self.config.segmentation)
        except UsageError as error:
            where = ("segmentation", "method")
            raise self.config.error_at(where, error.message, error.remedy) from None
        return plan_study(list_photographs(Path(exports), self.config.ingest), self.config)

    def run(
        self,
        exports: Path | str,
        *,
        out: Path | str,
        workers: int | Literal["auto"] = 1,
        isolate: bool = False,
        scheduler: str | None = None,
        force: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> RunSummary:
        """Measure a folder of exports and write every output.

        What an earlier run on the same `out` finished is taken over, unless its photographs, the
        manifest's facts, the settings or the versions have changed.

        Parameters
        ----------
        exports : path
            Folder of exports, with or without a manifest; only read.
        out : path
            Folder for the outputs, not inside `exports`.
        workers : int or 'auto', optional
            Processes; 'auto' takes as many as there are cores and memory for. More than one needs
            the calling script's entry point guarded by ``if __name__ == "__main__":``.
        isolate : bool, optional
            Measure in a process of its own also with one worker, so that a crash of a library or a
            pair that takes longer than ``run.timeout_s`` costs that pair and not the run. Needs
            the same guard.
        scheduler : str, optional
            Address of a Dask scheduler, such as ``tcp://HOST:8786``, whose workers measure; they
            must see `exports` and `out` under the same paths. `workers` does not count then.
        force : bool, optional
            Measure everything again.
        progress : callable, optional
            Called with a `Progress` at the start and after each pair of photographs.

        Returns
        -------
        RunSummary

        Raises
        ------
        UsageError, ManifestError, ConfigError
            Before any photograph is measured, if the run cannot start: another run is using `out`,
            `out` holds a locked measurement that would change, the cluster cannot be used. While it
            goes on, if `out` cannot be written any more; finished halves stay, and the same call
            goes on from them. The
            problems of a wrong manifest are also listed in ``failures.csv``, unless `out` holds
            finished halves of an earlier run, which stay.
        """
        exports, out = Path(exports), Path(out)
        if workers == "auto":
            workers = available_workers()
        if workers < 1:
            raise UsageError(f"workers is {workers}", "use 1 or more")
        check_out(exports, out)
        try:
            plan = self.plan(exports)
        except ManifestError as error:
            with run_lock(out):
                if not holds_work(out):
                    begin(out, ())
                    with writing(out):
                        write_tables(out, [], _manifest_failures(error))
                        append(out, "manifest_wrong", problems=len(error.problems))
            raise
        means = Means(workers=workers, isolate=isolate, scheduler=scheduler, force=force)
        with run_lock(out):
            return Batch(self.config, plan, out, means).run(progress)


def _manifest_failures(error: ManifestError) -> list[FailureRecord]:
    return [
        FailureRecord(
            subject_id=problem.subject_id,
            side=problem.side,
            visit=problem.visit,
            path_relative=problem.path,
            reason_code=problem.reason_code,
            reason=f"{error.name}, {problem}",
            remedy="correct the manifest; nothing was measured",
        )
        for problem in error.problems
    ]
