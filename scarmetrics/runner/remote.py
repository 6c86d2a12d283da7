"""What a worker of Dask's does: check that it would measure the same, and measure.

Measuring is done by a process of its own, so that a hang or a crash costs the job there as it does
on one machine.
"""

from __future__ import annotations

import atexit
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scarmetrics.errors import ScarmetricsError
from scarmetrics.models import FailedHalf
from scarmetrics.provenance import sha256_of
from scarmetrics.runner.child import START_S, Child, ChildDied, JobRaised, start_apart
from scarmetrics.runner.identity import fingerprint
from scarmetrics.runner.pool import TRIES

if TYPE_CHECKING:
    from scarmetrics.config import StudyConfig
    from scarmetrics.runner.child import RunJob
    from scarmetrics.runner.jobs import Outcomes, PairJob


@dataclass(frozen=True)
class Expected:
    """What a worker must have to measure the same as any other.

    Attributes
    ----------
    fingerprint : dict of str to str
        Versions, code and model of the machine that asks.
    photograph, probe : str
        A photograph, and the run's lock in OUT, that it must see, with the hashes that follow.
    photograph_sha256, probe_sha256 : str
        Empty for a photograph that cannot be read here either.
    """

    fingerprint: dict[str, str]
    photograph: str
    photograph_sha256: str
    probe: str
    probe_sha256: str


@dataclass(frozen=True)
class Unfit:
    """A worker that must not measure: what differs there."""

    differences: tuple[str, ...]


def run_checked(
    job: PairJob, config: StudyConfig, out: Path, expected: Expected, run: RunJob
) -> tuple[str, Outcomes | Unfit]:
    """Measure on a worker of Dask's, if it is fit to.

    Returns
    -------
    tuple
        The worker's address, and its outcomes or what differs there.
    """
    from distributed import get_worker

    address = get_worker().address
    if expected.probe_sha256 not in _fit_for:  # also one that came late
        differences = check_worker(expected, config)
        if differences:
            return address, Unfit(differences)
        _fit_for.add(expected.probe_sha256)
    return address, _measure_apart(job, config, out, run, expected.probe_sha256)


def check_worker(expected: Expected, config: StudyConfig) -> tuple[str, ...]:
    """What on this machine differs from the one that asks; empty if nothing does."""
    try:
        found = fingerprint(config)
    except (ScarmetricsError, OSError) as error:
        return (str(error) if isinstance(error, ScarmetricsError) else "the model is missing",)
    differences = [
        f"{name} is {_short(found.get(name))} instead of {_short(value)}"
        for name, value in expected.fingerprint.items()
        if found.get(name) != value
    ]
    if file_hash(Path(expected.probe)) != expected.probe_sha256:
        differences.append("the output folder is not seen there")
    if file_hash(Path(expected.photograph)) != expected.photograph_sha256:
        differences.append("the photographs are not seen there")
    return tuple(differences)


# Of this process, when it is a worker of Dask's: runs that it is fit for, runs that were stopped,
# and the process that measures for each of its threads.
_fit_for: set[str] = set()
_stopped: set[str] = set()
_children: dict[int, Child] = {}


def _measure_apart(
    job: PairJob, config: StudyConfig, out: Path, run: RunJob, run_id: str
) -> Outcomes:
    """Measure in a process of its own, which may die or hang."""
    thread = threading.get_ident()
    failure = FailedHalf("worker_crashed")
    for _ in range(TRIES):
        if run_id in _stopped:
            break
        if thread not in _children:
            _children[thread] = start_apart(run)
            atexit.register(_children[thread].kill)
        child = _children[thread]
        try:
            if not child.ready and child.connection.poll(START_S):
                child.receive()
            child.send(job, config, out)
            if child.connection.poll(config.run.timeout_s):
                outcomes = child.receive()
                if outcomes is not None:
                    return outcomes
            failure = FailedHalf("worker_timeout")
        except ChildDied:
            failure = FailedHalf("worker_crashed")
        except JobRaised as raised:
            failure = FailedHalf("internal_error", str(raised))
            continue
        del _children[thread]
        child.end()
    return job.failed(failure)


def end_children(run_id: str) -> None:
    """End the processes that measure for a run that was stopped."""
    _stopped.add(run_id)
    for child in tuple(_children.values()):
        child.kill()


def file_hash(path: Path) -> str:
    """Hash of a file; empty if it cannot be read."""
    try:
        return sha256_of(path)
    except OSError:
        return ""


def _short(value: str | None) -> str:
    """A version, or the beginning of a hash."""
    return (value or "missing")[:12]
