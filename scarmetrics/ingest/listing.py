"""What a reader returns: the photographs it understood and the files it could not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scarmetrics.config import IngestConfig
from scarmetrics.models import Failure, FailureRecord, PhotoRecord


@dataclass(frozen=True)
class Listing:
    """The photographs of a folder of exports, not yet decoded.

    Attributes
    ----------
    records : tuple of PhotoRecord
        Files that were understood.
    failures : tuple of FailureRecord
        Files that were not, with reasons.
    unlisted : tuple of str
        Photographs in the folder that a manifest does not list, below the exports folder, in
        natural order.
    """

    records: tuple[PhotoRecord, ...]
    failures: tuple[FailureRecord, ...]
    unlisted: tuple[str, ...] = ()


Reader = Callable[[Path, IngestConfig], Listing]
"""Turns a folder of exports into a `Listing`."""


def failed(
    reason_code: str,
    detail: str = "",
    *,
    path_relative: str = "",
    subject_id: str = "",
    visit: str = "",
    side: str = "",
) -> FailureRecord:
    """Describe a file or half that cannot be measured.

    Parameters
    ----------
    reason_code : str
        A key of `scarmetrics.errors.REASONS`.
    detail : str, optional
        What is special about this case; the code's meaning when empty.
    path_relative, subject_id, visit, side : str, optional
        What is known about it.
    """
    failure = Failure(reason_code, detail)
    return FailureRecord(
        subject_id=subject_id,
        side=side,
        visit=visit,
        path_relative=path_relative,
        reason_code=reason_code,
        reason=failure.reason,
        remedy=failure.remedy,
    )
