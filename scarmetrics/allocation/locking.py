"""Freezes a measurement: hashes of everything in OUT, so that any later change shows.

A lock has no secret: who may write OUT may also write a lock. What cannot be forged afterwards is
the digest once it stands somewhere else, on paper or in the trial's file.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import scarmetrics
from scarmetrics.errors import UsageError
from scarmetrics.provenance import sha256_of, write_json
from scarmetrics.runner.audit import AUDIT_FILE, Chain, append, read_chain
from scarmetrics.runner.disk import writing
from scarmetrics.runner.output import (
    AFTERWARDS,
    CLUTTER,
    LINKED,
    LOCKS,
    NOT_RESULTS,
    RUN_FILE,
    earlier_run,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TOOL, _KIND = "scarmetrics", "lock"
_LOCK_NAME = re.compile(r"lock-(\d{4,})\.json")

__all__ = ["LINKED", "LOCKS", "Lock", "LockError", "check_lock", "lock"]


class LockError(UsageError):
    """The measurement is not locked, or not as it was when it was.

    Parameters
    ----------
    message, remedy : str
        As for any error.
    altered : sequence of str, optional
        Files that were changed, removed or added, below OUT.
    """

    def __init__(self, message: str, remedy: str, altered: Sequence[str] = ()) -> None:
        super().__init__(message, remedy)
        self.altered = tuple(altered)


@dataclass(frozen=True)
class Lock:
    """A measurement as it was locked.

    Attributes
    ----------
    number : int
        1 for the first lock of a folder.
    digest : str
        SHA-256 over the whole lock, hashes of all files included: what to write down.
    locked : str
        When, UTC.
    name : str
        The lock's file below OUT.
    files : mapping of str to str
        SHA-256 of every file, by its name below OUT.
    is_new : bool
        It was made just now.
    """

    number: int
    digest: str
    locked: str
    name: str
    files: Mapping[str, str]
    is_new: bool = field(default=False, compare=False)


def lock(out: Path | str) -> Lock:
    """Lock the measurement in OUT.

    Parameters
    ----------
    out : path
        A folder that ``scarmetrics run`` wrote.

    Returns
    -------
    Lock
        The newest lock if it still holds, else a new one. Earlier locks stay.

    Raises
    ------
    LockError
        If there is no finished measurement, or it is not as the run wrote it.
    """
    out = Path(out)
    run = _finished_run(out)
    files = _hash_files(out)
    _check_against_run(files, run)
    earlier = _newest(out)
    chain = _history(out, run, earlier)
    if earlier is not None:
        if not _altered(files, earlier["files"]):
            return _as_lock(earlier)
        _check_run_is_another(files, run, earlier)
    number = 1 if earlier is None else earlier["number"] + 1
    content: dict[str, Any] = {
        "tool": _TOOL,
        "kind": _KIND,
        "number": number,
        "previous": None if earlier is None else earlier["digest"],
        "locked": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "version": scarmetrics.__version__,
        "measured_by_version": run.get("version"),
        "measured": {key: run.get(key) for key in ("started", "ended", "history")},
        "study_id": (run.get("config") or {}).get("study_id"),
        "counts": run.get("counts"),
        "history": {"lines": len(chain.hashes), "head": chain.head},
        "files": files,
    }
    content["digest"] = _digest(content)
    path = out / _lock_name(number)
    with writing(out):
        write_json(path, content)
        with suppress(OSError):  # some network folders know no permissions
            path.chmod(path.stat().st_mode & 0o444)
        append(out, "locked", number=number, digest=content["digest"])
    return _as_lock(content, is_new=True)


def check_lock(out: Path | str) -> Lock:
    """Check that OUT is locked and has not changed since.

    Parameters
    ----------
    out : path
        A folder that ``scarmetrics run`` wrote.

    Returns
    -------
    Lock
        The newest lock.

    Raises
    ------
    LockError
        If it is not locked, measured again since, or altered; `altered` names the files.
    """
    out = Path(out)
    run = _finished_run(out)
    newest = _newest(out)
    if newest is None:
        raise LockError(
            f"the measurement in {out.name} is not locked", f"run: scarmetrics lock {out.name}"
        )
    files = _hash_files(out)
    altered = _altered(files, newest["files"])
    if not altered:
        _history(out, run, newest)
        return _as_lock(newest)
    since = f"lock {newest['number']} of {newest['locked']}"
    if _is_another_run(run, newest):
        _check_against_run(files, run)
        raise LockError(
            f"{out.name} was measured again after {since}",
            f"lock the new measurement: scarmetrics lock {out.name}",
            list(altered),
        )
    raise LockError(
        f"{out.name} was altered after {since}:\n{_listed(altered)}\n  remedy",
        "bring the files back as they were, or measure again and lock the new measurement",
        list(altered),
    )


def _finished_run(out: Path) -> dict[str, Any]:
    if not out.is_dir():
        raise LockError(f"there is no folder {out.name}", "name the folder of a measurement")
    run = earlier_run(out)
    if run is None:
        raise LockError(
            f"{out.name} holds no measurement (there is no {RUN_FILE} of scarmetrics)",
            "name the folder that scarmetrics run wrote to with --out",
        )
    if run.get("state") != "finished":
        raise LockError(
            f"the run in {out.name} did not come to its end (it is {run.get('state')})",
            "run it again to its end, then lock it",
        )
    if not (run.get("counts") or {}).get("halves_measured"):
        raise LockError(f"nothing was measured in {out.name}", "see its failures.csv")
    return run


def _hash_files(out: Path) -> dict[str, str]:
    """Hash of every file of the measurement, by its name below OUT, sorted."""
    names: list[str] = []
    for folder, folders, files in os.walk(out):
        inside = Path(folder).relative_to(out)
        if inside == Path():
            folders[:] = [name for name in folders if not AFTERWARDS.fullmatch(name)]
        for name in (*folders, *files):
            if (Path(folder) / name).is_symlink():
                raise LockError(
                    f"{(inside / name).as_posix()} is a link, whose content may change unseen",
                    "put the files themselves into the folder",
                )
        names += [(inside / name).as_posix() for name in files if not CLUTTER.fullmatch(name)]
    names = [name for name in names if name not in NOT_RESULTS]
    return {name: sha256_of(out / name) for name in sorted(names)}


def _check_against_run(files: Mapping[str, str], run: Mapping[str, Any]) -> None:
    """A measurement is locked as the run wrote it, not as somebody edited it since."""
    outputs = run.get("outputs", {})
    altered = {
        name: "changed" if name in files else "missing"
        for name, sha256 in sorted(outputs.items())
        if files.get(name) != sha256 and not AFTERWARDS.fullmatch(name.split("/")[0])
    }
    if altered:
        raise LockError(
            f"results are not as the run wrote them:\n{_listed(altered)}\n  remedy",
            "bring the files back as they were, or measure again",
            list(altered),
        )


def _history(out: Path, run: Mapping[str, Any], earlier: Mapping[str, Any] | None) -> Chain:
    """The chain of events, which must hold and go on from where the run and the lock knew it."""
    chain = read_chain(out)
    known = [run.get("history"), (earlier or {}).get("history")]
    problems = list(chain.problems)
    for history in (entry for entry in known if entry):
        lines, head = history["lines"], history["head"]
        if lines and chain.hashes[lines - 1 : lines] != (head,):
            problems.append(f"line {lines} is not the one that it was")
    if problems:
        raise LockError(
            f"{AUDIT_FILE}, the history of {out.name}, was altered or removed: {problems[0]}",
            "bring it back from a copy, or measure into a new folder",
            [AUDIT_FILE],
        )
    return chain


def _is_another_run(run: Mapping[str, Any], earlier: Mapping[str, Any]) -> bool:
    before = earlier["measured"]
    return any(run.get(key) != before.get(key) for key in ("started", "history"))


def _check_run_is_another(
    files: Mapping[str, str], run: Mapping[str, Any], earlier: Mapping[str, Any]
) -> None:
    """The same run cannot have other results: then run.json itself was edited."""
    known = {*run.get("outputs", {}), RUN_FILE}
    before = {name: sha256 for name, sha256 in earlier["files"].items() if name in known}
    now = {name: sha256 for name, sha256 in files.items() if name in known}
    altered = _altered(now, before)
    if altered and not _is_another_run(run, earlier):
        raise LockError(
            f"results were altered after lock {earlier['number']} of {earlier['locked']}, and "
            f"{RUN_FILE} with them:\n{_listed(altered)}\n  remedy",
            "bring the files back as they were, or measure again",
            list(altered),
        )


def _altered(now: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """What became of each file that is not as it was."""
    found = {}
    for name in sorted({*now, *before}):
        if name not in now:
            found[name] = "missing"
        elif name not in before:
            found[name] = "added"
        elif now[name] != before[name]:
            found[name] = "changed"
    return found


def _listed(altered: Mapping[str, str]) -> str:
    return "\n".join(f"  {what}: {name}" for name, what in altered.items())


def _newest(out: Path) -> dict[str, Any] | None:
    """Content of the newest lock, after all locks were checked; None if there is none."""
    folder = out / LOCKS
    if not folder.is_dir():
        return None
    numbers = sorted(
        int(found[1]) for path in folder.iterdir() if (found := _LOCK_NAME.fullmatch(path.name))
    )
    newest: dict[str, Any] | None = None
    for expected in range(1, (numbers[-1] if numbers else 0) + 1):
        newest = _read_lock(out, expected, newest)
    return newest


def _read_lock(out: Path, number: int, previous: Mapping[str, Any] | None) -> dict[str, Any]:
    """One lock of the chain, each of which names the digest of the one before."""
    name = _lock_name(number)
    try:
        content = json.loads((out / name).read_text(encoding="utf-8"))
        sound = (
            content["digest"] == _digest(content)
            and (content["tool"], content["kind"], content["number"]) == (_TOOL, _KIND, number)
            and content["previous"] == (previous["digest"] if previous else None)
            and isinstance(content["files"], dict)
        )
    except FileNotFoundError:
        raise _broken(name, "is missing") from None
    except (OSError, ValueError, LookupError, TypeError):
        sound = False
    if not sound:
        raise _broken(name, "was altered")
    return dict(content)


def _broken(name: str, what: str) -> LockError:
    return LockError(
        f"{name} {what}", "bring it back from a copy, or measure into a new folder", [name]
    )


def _lock_name(number: int) -> str:
    return f"{LOCKS}/lock-{number:04d}.json"


def _digest(content: Mapping[str, Any]) -> str:
    """Hash over everything in a lock but the digest itself."""
    rest = {key: value for key, value in content.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _as_lock(content: Mapping[str, Any], *, is_new: bool = False) -> Lock:
    number = int(content["number"])
    return Lock(
        number=number,
        digest=content["digest"],
        locked=content["locked"],
        name=_lock_name(number),
        files=content["files"],
        is_new=is_new,
    )
