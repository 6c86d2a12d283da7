"""Reader of exports that carry subject, visit and view in their folder and file names."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scarmetrics.ingest.dates import parse_date
from scarmetrics.ingest.listing import Listing, failed
from scarmetrics.ingest.patterns import PathPattern, compile_patterns
from scarmetrics.ingest.walk import FoundFile, find_photographs
from scarmetrics.ingest.words import Vocabulary, fold
from scarmetrics.models import FailureRecord, PhotoRecord, valid_subject_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from scarmetrics.config import IngestConfig
    from scarmetrics.models import Side, View


def read_visioface(exports: Path, config: IngestConfig) -> Listing:
    """List photographs by the path patterns of the configuration.

    Parameters
    ----------
    exports : pathlib.Path
        Folder of exports.
    config : IngestConfig
        Patterns, tried in order, and the words for visits and views.

    Returns
    -------
    Listing

    Raises
    ------
    ConfigError
        If a pattern is wrong.
    """
    patterns = compile_patterns(config)
    words = Vocabulary.from_config(config)
    files, failures = find_photographs(exports)
    results = [read_path(file, patterns, words) for file in files]
    return Listing(
        tuple(result for result in results if isinstance(result, PhotoRecord)),
        (*failures, *(result for result in results if isinstance(result, FailureRecord))),
    )


def read_path(
    file: FoundFile, patterns: Sequence[PathPattern], words: Vocabulary
) -> PhotoRecord | FailureRecord:
    """Read one file's path.

    Parameters
    ----------
    file : FoundFile
        The photograph.
    patterns : sequence of PathPattern
        Tried in order; the first that fits with known words counts.
    words : Vocabulary
        The known visits and views.

    Returns
    -------
    PhotoRecord or FailureRecord
    """
    stem = fold(posixpath.splitext(file.relative)[0])
    for pattern in patterns:
        fields = pattern.match(stem)
        if fields is not None:
            return _record(file, fields, pattern, words)
    return _explain_mismatch(file, stem, patterns, words)


def _record(
    file: FoundFile, fields: Mapping[str, str], pattern: PathPattern, words: Vocabulary
) -> PhotoRecord | FailureRecord:
    visit = words.visits.lookup(fields["visit"])
    view = words.views.lookup(fields["view"])
    if visit is None or view is None:
        # Only a date can get here: digits that look like an alias but are another day.
        return _unknown_words(file, fields, words)
    subject_id = _valid_subject(fields["subject_id"])
    if not subject_id:
        return failed(
            "invalid_subject_id",
            f"the subject id {fields['subject_id']!r} holds characters that are not allowed",
            path_relative=file.relative,
            visit=visit,
        )
    side = None
    try:
        captured_on = parse_date(fields["captured_on"]) if "captured_on" in fields else None
        if "side" in fields:
            side = _side(fields["side"], view, words)
    except ValueError as error:
        return failed(
            "bad_value",
            str(error),
            path_relative=file.relative,
            subject_id=subject_id,
            visit=visit,
            side="" if view == "frontal" else view,
        )
    return PhotoRecord(
        subject_id=subject_id,
        visit=visit,
        view=view,
        path=file.path,
        path_relative=file.relative,
        captured_on=captured_on,
        light=fields.get("light"),
        side=side,
        source=f"pattern {pattern.template}",
    )


def _side(text: str, view: View, words: Vocabulary) -> Side:
    side = words.side(text)
    if side is None or view not in {"frontal", side}:
        raise ValueError(f"the side {text!r} does not fit the {view} view")
    return side


def _explain_mismatch(
    file: FoundFile, stem: str, patterns: Sequence[PathPattern], words: Vocabulary
) -> FailureRecord:
    """Say what the pattern that fits best does not understand."""
    guesses = [fields for pattern in patterns for fields in pattern.match_loosely(stem)]
    if not guesses:
        return failed("pattern_unmatched", path_relative=file.relative)
    return _unknown_words(file, min(guesses, key=lambda fields: _misfit(fields, words)), words)


def _misfit(fields: Mapping[str, str], words: Vocabulary) -> int:
    """How far visit and view are from known words: 0 known, 1 nearly, 3 not at all, summed."""
    return sum(
        0 if table.lookup(text) else 1 if table.nearest(text) else 3
        for table, text in ((words.visits, fields["visit"]), (words.views, fields["view"]))
    )


def _unknown_words(file: FoundFile, fields: Mapping[str, str], words: Vocabulary) -> FailureRecord:
    visit = words.visits.lookup(fields["visit"])
    view = words.views.lookup(fields["view"])
    problems = []
    if visit is None:
        problems.append(words.visits.unknown("the visit", fields["visit"]))
    if view is None:
        problems.append(words.views.unknown("the view", fields["view"]))
    # With neither word known the path may be of another kind, and its parts mean nothing.
    trusted = visit is not None or view is not None
    return failed(
        "unknown_alias",
        "; ".join(problems),
        path_relative=file.relative,
        subject_id=_valid_subject(fields["subject_id"]) if trusted else "",
        visit=visit or "",
        side=view if view in {"left", "right"} else "",
    )


def _valid_subject(text: str) -> str:
    try:
        return valid_subject_id(text)
    except ValueError:
        return ""
