"""The same jobs on many machines, by Dask.

Dask finds a machine for each job, and another one when that is lost.
"""

from __future__ import annotations

import socket
import time
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from scarmetrics.errors import UsageError
from scarmetrics.models import FailedHalf
from scarmetrics.runner.identity import fingerprint
from scarmetrics.runner.output import RUN_LOCK
from scarmetrics.runner.remote import (
    Expected,
    Unfit,
    check_worker,
    end_children,
    file_hash,
    run_checked,
)
from scarmetrics.runner.worker import run_job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scarmetrics.config import StudyConfig
    from scarmetrics.runner.jobs import PairJob
    from scarmetrics.runner.pool import Ended

_CONNECT_S = 8
_PORT = 8786
_POLL_S = 0.05
_LOOK_S = 5.0


@contextmanager
def cluster_crew(
    jobs: Sequence[PairJob], config: StudyConfig, out: Path, scheduler: str
) -> Iterator[Callable[[Ended], None]]:
    """The workers of a Dask scheduler, checked, to run jobs.

    Parameters
    ----------
    jobs, config, out
        As for `scarmetrics.runner.pool.run_jobs`.
    scheduler : str
        Its address.

    Yields
    ------
    callable
        Runs the jobs; takes what `scarmetrics.runner.pool.run_jobs` takes as `ended`. A job whose
        worker is lost goes to another one, as often as the scheduler allows, and is then a failure.

    Raises
    ------
    UsageError
        If Dask is not installed, the scheduler cannot be reached or is lost, or no worker has the
        same versions and sees the same files.
    """
    out, config = out.resolve(), _located(config)
    with _client(scheduler) as client:
        expected = _expected(jobs, config, out / RUN_LOCK)
        _check_present(client, expected, config)
        yield lambda ended: _Cluster(client, jobs, config, out, expected, ended=ended).run()


class _Cluster:
    """The jobs that a scheduler has."""

    def __init__(
        self,
        client: Any,
        jobs: Sequence[PairJob],
        config: StudyConfig,
        out: Path,
        expected: Expected,
        *,
        ended: Ended,
    ) -> None:
        self.client, self.jobs, self.config, self.out = client, jobs, config, out
        self.expected, self.ended = expected, ended
        self.tasks: dict[str, _Task] = {}
        self.unfit: set[str] = set()

    def run(self) -> None:
        """Work until no job is left."""
        from distributed import as_completed

        waiting = as_completed(loop=self.client.loop)
        looked = time.monotonic()
        try:
            for index in range(len(self.jobs)):
                waiting.add(self._submit(index))
            while self.tasks:
                batch = [f for f in waiting.next_batch(block=False) if f.key in self.tasks]
                again = [self._hear(future) for future in batch]
                if not batch:
                    time.sleep(_POLL_S)
                    self._check_scheduler()
                if self.unfit and time.monotonic() > looked + _LOOK_S:
                    looked = time.monotonic()
                    again += self._move_stuck()
                for future in filter(None, again):
                    waiting.add(future)
        except BaseException:
            self._cancel()
            raise

    def _submit(self, index: int) -> Any:
        # with unfit workers about, only those that are not known to be
        fit = self._alive() - self.unfit if self.unfit else None
        future = self.client.submit(
            run_checked,
            _resolved(self.jobs[index]),
            self.config,
            self.out,
            self.expected,
            run_job,
            key=f"scarmetrics-{uuid4().hex}",
            pure=False,
            workers=sorted(fit) if fit else None,
        )
        self.tasks[future.key] = _Task(index, future, fit)
        return future

    def _hear(self, future: Any) -> Any | None:
        """Take an answer; a future to wait for where the job must be tried elsewhere."""
        from distributed import KilledWorker

        index = self.tasks.pop(future.key).index
        if future.status in {"cancelled", "lost"}:
            raise _lost()
        error = future.exception()
        if error is None:
            address, answer = future.result()
            if not isinstance(answer, Unfit):
                self.ended(index, answer)
                return None
            self.unfit.add(address)
            if self._alive() <= self.unfit:
                raise _not_the_same([answer])
            return self._submit(index)
        if isinstance(error, KilledWorker):
            failure = FailedHalf("worker_crashed")
        else:
            failure = FailedHalf("internal_error", f"unexpected {type(error).__name__} in Dask")
        self.ended(index, self.jobs[index].failed(failure))
        return None

    def _alive(self) -> set[str]:
        return set(self.client.nthreads())

    def _check_scheduler(self) -> None:
        if self.client.status != "running":
            raise _lost()

    def _move_stuck(self) -> list[Any]:
        """Give jobs whose permitted workers are all gone to those that came since."""
        alive = self._alive()
        stuck = [key for key, task in self.tasks.items() if task.fit and not task.fit & alive]
        tasks = [self.tasks.pop(key) for key in stuck] if alive - self.unfit else []
        self.client.cancel([task.future for task in tasks])
        return [self._submit(task.index) for task in tasks]

    def _cancel(self) -> None:
        """Take back what waits, and end the processes that measure now."""
        with suppress(Exception):  # the cluster may be gone
            self.client.cancel([task.future for task in self.tasks.values()])
            self.client.run(end_children, self.expected.probe_sha256)


@dataclass(frozen=True)
class _Task:
    """A job that the scheduler has, and the workers that may measure it; None for all."""

    index: int
    future: Any
    fit: set[str] | None


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client
        from distributed.versions import VersionMismatchWarning
    except ImportError as error:
        raise UsageError(
            "measuring on a cluster needs Dask, which is not installed",
            "python -m pip install 'scarmetrics[cluster]', here and on every worker",
        ) from error
    try:
        _knock(scheduler)
        with warnings.catch_warnings():
            # versions are compared by what a measurement depends on
            warnings.simplefilter("ignore", VersionMismatchWarning)
            client = Client(scheduler, timeout=_CONNECT_S, set_as_default=False)
    except Exception as error:  # whatever answers there may not speak as Dask does
        raise UsageError(
            f"the scheduler {scheduler} cannot be reached",
            "check that it runs and its address, such as tcp://192.168.0.10:8786",
        ) from error
    with client:
        yield client


def _knock(scheduler: str) -> None:
    """Fail at once where nothing listens; Dask itself would go on trying."""
    from distributed.comm.addressing import parse_address, parse_host_port

    scheme, place = parse_address(scheduler)
    if scheme in {"tcp", "tls"}:
        with socket.create_connection(parse_host_port(place, _PORT), timeout=_CONNECT_S):
            pass


def _expected(jobs: Sequence[PairJob], config: StudyConfig, probe: Path) -> Expected:
    photograph = jobs[0].baseline.path.resolve()
    return Expected(
        fingerprint=fingerprint(config),
        photograph=str(photograph),
        photograph_sha256=file_hash(photograph),
        probe=str(probe),
        probe_sha256=file_hash(probe),
    )


def _check_present(client: Any, expected: Expected, config: StudyConfig) -> None:
    """Compare all workers that there are; those that come later are compared when they come."""
    answers = client.run(check_worker, expected, config, on_error="return").values()
    unfit = []
    for answer in answers:
        if isinstance(answer, BaseException):
            unfit.append(Unfit((f"scarmetrics cannot be used there ({type(answer).__name__})",)))
        elif answer:
            unfit.append(Unfit(answer))
    if unfit:
        raise _not_the_same(unfit)


def _not_the_same(unfit: Sequence[Unfit]) -> UsageError:
    found = sorted({difference for worker in unfit for difference in worker.differences})
    return UsageError(
        f"{len(unfit)} of the cluster's workers would not measure the same: {'; '.join(found)}",
        "install the same versions on every machine, and give exports and output folder the same "
        "path on a disk that all machines share",
    )


def _lost() -> UsageError:
    return UsageError("the scheduler was lost", "start it and run again; what is finished is kept")


def _resolved(job: PairJob) -> PairJob:
    """The job with paths that do not depend on the folder that one is in."""
    baseline, follow_up = (
        record.model_copy(update={"path": record.path.resolve()})
        for record in (job.baseline, job.follow_up)
    )
    return replace(job, baseline=baseline, follow_up=follow_up)


def _located(config: StudyConfig) -> StudyConfig:
    file = config.segmentation.model_file
    if file is None:
        return config
    located = config.segmentation.with_model_file(file.resolve())
    return config.model_copy(update={"segmentation": located})
