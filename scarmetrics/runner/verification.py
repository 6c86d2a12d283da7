"""Whether OUT is still what scarmetrics left there: every hash is computed again."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from scarmetrics.errors import UsageError
from scarmetrics.provenance import is_part, sha256_of
from scarmetrics.runner.audit import AUDIT_FILE, Chain, read_chain
from scarmetrics.runner.disk import reason
from scarmetrics.runner.output import (
    AFTERWARDS,
    CLUTTER,
    LOCKS,
    NOT_RESULTS,
    RUN_FILE,
    earlier_run,
)
from scarmetrics.runner.records import RESULTS, hashes_below, record_is_sound, record_name

What = Literal["changed", "missing", "added"]

_BACK = "bring it back from a copy, or run again on the same folder: what is altered is measured"
_HISTORY = "bring it back from a copy; if there is none, measure into a new folder"
_NOTES = {
    "running": "the last run did not come to its end: there is no list of its files yet, so only "
    "the history and the records are checked; run the same command again",
    "interrupted": "the last run was interrupted; the same command goes on",
    "no_history": f"there is no {AUDIT_FILE}: the run was made before there was one",
    "torn": f"the last line of {AUDIT_FILE} is cut, as by a process that was killed; the next "
    "event sets it aside",
    "manifest": "the manifest's facts (scales, dates, visits) are not compared; a run on the same "
    "folder measures again where they have changed",
    "lock": "the measurement is locked: scarmetrics lock --check also compares it with the lock",
}


@dataclass(frozen=True)
class Alteration:
    """One thing that is not as it was left.

    Attributes
    ----------
    name : str
        The file, below OUT or below the exports.
    what : {'changed', 'missing', 'added'}
        What became of it.
    detail : str
        How it is known.
    remedy : str
        What to do.
    """

    name: str
    what: What
    detail: str
    remedy: str


@dataclass(frozen=True)
class Verification:
    """What `verify` found; false if anything was altered.

    Attributes
    ----------
    out : pathlib.Path
        The folder.
    state : str
        Of its last run: ``finished``, ``interrupted`` or ``running``.
    head : str
        Hash of the last line of ``audit.jsonl``: what to write down. Empty if there is none.
    events : int
        Lines of ``audit.jsonl``.
    files, inputs : int
        Outputs and photographs whose hash was computed.
    alterations : tuple of Alteration
        All that is not as it was left.
    notes : tuple of str
        What could not be checked.
    """

    out: Path
    state: str
    head: str
    events: int
    files: int
    inputs: int
    alterations: tuple[Alteration, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.alterations


def verify(out: Path | str, exports: Path | str | None = None) -> Verification:
    """Compute every hash of a measurement again; write nothing.

    Parameters
    ----------
    out : path
        A folder that ``scarmetrics run`` wrote.
    exports : path, optional
        The photographs that it was made from, to check them too.

    Returns
    -------
    Verification
        False if a file was changed, removed or added, or the history was. Somebody who writes all
        files and the history anew is not noticed; a `head` or a lock's digest that was written down
        elsewhere shows that.

    Raises
    ------
    UsageError
        If `out` is no such folder, or a file of it cannot be read.
    """
    out = Path(out)
    if exports is not None and not Path(exports).is_dir():
        raise UsageError(f"there is no folder {Path(exports).name}", "name the exports' folder")
    run = _run(out)
    try:
        return _Check(out, run).verification(None if exports is None else Path(exports))
    except OSError as error:
        name = Path(str(error.filename or out)).name
        raise UsageError(
            f"{name} cannot be read ({reason(error)})", "check its permissions and the disk"
        ) from error


def _run(out: Path) -> dict[str, Any]:
    if not out.is_dir():
        raise UsageError(f"there is no folder {out.name}", "name the folder of a measurement")
    run = earlier_run(out)
    if run is not None:
        return run
    if (out / AUDIT_FILE).is_file():
        return {}
    raise UsageError(
        f"{out.name} holds no measurement (there is no {RUN_FILE} of scarmetrics)",
        "name the folder that scarmetrics run wrote to with --out",
    )


@dataclass
class _Check:
    """Goes through one OUT."""

    out: Path
    run: dict[str, Any]
    found: dict[str, Alteration] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def verification(self, exports: Path | None) -> Verification:
        outputs = {n: h for n, h in _mapping(self.run.get("outputs")).items() if h}
        chain = read_chain(self.out)
        state = str(self.run.get("state", ""))
        self.outputs(outputs)
        self.history(chain)
        self.records(chain, outputs)
        if state in ("finished", "interrupted"):
            self.added(outputs)
        inputs = self.inputs(exports) if exports is not None else 0
        self.notes += [_NOTES["manifest"]] if exports is not None else []
        self.notes += [_NOTES[state]] if state in _NOTES else []
        self.notes += [_NOTES["torn"]] if chain.torn else []
        self.notes += [_NOTES["lock"]] if (self.out / LOCKS).is_dir() else []
        return Verification(
            out=self.out,
            state=state,
            head=chain.head,
            events=len(chain.hashes),
            files=len(outputs),
            inputs=inputs,
            alterations=tuple(self.found[name] for name in sorted(self.found)),
            notes=tuple(self.notes),
        )

    def outputs(self, outputs: dict[str, str]) -> None:
        """Every file that run.json lists."""
        self.compare(outputs, hashes_below(self.out, outputs), f"differs from {RUN_FILE}", _BACK)

    def compare(
        self, expected: dict[str, str], now: dict[str, str], detail: str, remedy: str
    ) -> None:
        for name, sha256 in expected.items():
            if not now[name]:
                self.tell(name, "missing", "it is not there or cannot be read", remedy)
            elif now[name] != sha256:
                self.tell(name, "changed", detail, remedy)

    def tell(self, name: str, what: What, detail: str, remedy: str) -> None:
        self.found.setdefault(name, Alteration(name, what, detail, remedy))

    def history(self, chain: Chain) -> None:
        """The chain itself, and that it and run.json name each other."""
        known = _mapping(self.run.get("history"))
        lines, head = known.get("lines", 0), known.get("head", "")
        if not chain.hashes:
            if known:
                self.tell(AUDIT_FILE, "missing", f"{RUN_FILE} names its lines", _HISTORY)
            else:
                self.notes.append(_NOTES["no_history"])
            return
        problems = list(chain.problems)
        if known and chain.hashes[lines - 1 : lines] != (head,):
            problems.append(f"line {lines} is not the one that {RUN_FILE} names")
        problems += self.untold(chain)
        if problems:
            more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
            self.tell(AUDIT_FILE, "changed", f"{problems[0]}{more}", _HISTORY)
        runs = [event for event in chain.events if str(event["event"]).startswith("run_")]
        expected = runs[-1].get("run_sha256") if runs else None
        if not self.run:
            self.tell(RUN_FILE, "missing", f"{AUDIT_FILE} tells of a run", _BACK)
        elif expected and expected != sha256_of(self.out / RUN_FILE):
            self.tell(RUN_FILE, "changed", f"differs from {AUDIT_FILE}", _BACK)

    def untold(self, chain: Chain) -> list[str]:
        """What OUT shows to have happened and the history lacks, as where its end was cut off."""
        told = Counter(str(event["event"]) for event in chain.events)
        state = str(self.run.get("state", ""))
        problems = []
        if state in ("finished", "interrupted") and not told[f"run_{state}"]:
            problems.append(f"it does not tell that the run was {state}")
        locks = len(list((self.out / LOCKS).glob("lock-*.json")))
        if told["locked"] < locks:
            problems.append(f"it tells of {told['locked']} locks, and there are {locks}")
        if (self.out / "linked").is_dir() and not told["linked"]:
            problems.append("it does not tell that the measurement was linked")
        return problems

    def records(self, chain: Chain, outputs: dict[str, str]) -> None:
        """Each half's record: its own digest, and the hash that the history has of it."""
        written = {
            record_name(event["subject_id"], event["side"]): event.get("record_sha256")
            for event in chain.events
            if event["event"] == "half"
        }
        for path in sorted((self.out / RESULTS).glob("*.json")):
            name = f"{RESULTS}/{path.name}"
            if is_part(path.name):
                continue
            if not record_is_sound(path):
                self.tell(name, "changed", "differs from the digest in it", _BACK)
            elif name in written and written[name] and sha256_of(path) != written[name]:
                self.tell(name, "changed", f"differs from {AUDIT_FILE}", _BACK)

    def added(self, outputs: dict[str, str]) -> None:
        """Files that no run wrote."""
        for folder, folders, files in os.walk(self.out):
            inside = Path(folder).relative_to(self.out)
            if inside == Path():
                folders[:] = [name for name in folders if not AFTERWARDS.fullmatch(name)]
            for file in files:
                name = (inside / file).as_posix()
                ours = name in outputs or name in (RUN_FILE, *NOT_RESULTS)
                if not ours and not is_part(file) and not CLUTTER.fullmatch(file):
                    self.tell(name, "added", "no run wrote it", "move it to another folder")

    def inputs(self, exports: Path) -> int:
        """The photographs, as they were when they were measured."""
        inputs = {n: h for n, h in _mapping(self.run.get("inputs")).items() if h}
        root = exports.resolve()
        inside = {n: h for n, h in inputs.items() if root in (root / n).resolve().parents}
        self.compare(
            inside,
            hashes_below(exports, inside),
            "is not the photograph that was measured",
            "bring the photograph back, or run again: its halves are measured again",
        )
        return len(inside)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
