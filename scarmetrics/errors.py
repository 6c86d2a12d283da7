"""Everything that can go wrong, as typed errors with a reason code and a remedy.

Two kinds exist. An *error* (an exception) stops the command: wrong use, wrong configuration,
wrong manifest. A *failure* (`scarmetrics.models.Failure`) is a result: one photograph or one half
that could not be measured, listed with its reason while the rest of the study goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ExitCode(IntEnum):
    """What the command line returns to the shell."""

    OK = 0
    USAGE = 2
    SOME_FAILED = 3
    NOTHING_MEASURED = 4
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class ReasonText:
    """What a reason code means and what to do about it."""

    meaning: str
    remedy: str


def _reasons() -> dict[str, ReasonText]:
    text = ReasonText
    return {
        # files
        "file_missing": text(
            "the file that the manifest names does not exist",
            "correct the path in the manifest or copy the photograph into the exports folder",
        ),
        "file_empty": text("the file has no bytes", "export or copy the photograph again"),
        "file_unreadable": text(
            "the file cannot be opened", "check the file's permissions and the disk"
        ),
        "not_an_image": text(
            "the file's content is not a JPEG, PNG, BMP or TIFF image",
            "export the photograph again in one of these formats",
        ),
        "image_corrupt": text(
            "the image is truncated or damaged", "export or copy the photograph again"
        ),
        "image_gray": text(
            "the photograph has no colour", "export the colour photograph; gray is not measured"
        ),
        "image_too_large": text(
            "the image has more pixels than allowed",
            "check the file, or raise ingest.max_megapixels in the config",
        ),
        "image_too_small": text(
            "the image has too few pixels to measure a face",
            "export the photograph at its full resolution",
        ),
        "image_unsupported": text(
            "the image's pixel format is not supported",
            "export the photograph as 8 or 16 bit RGB JPEG, PNG, BMP or TIFF",
        ),
        "path_outside": text(
            "the path leads out of the exports folder", "use paths inside the exports folder only"
        ),
        # listing
        "pattern_unmatched": text(
            "the file's name or folder fits none of the declared patterns",
            "rename the file, add its pattern to ingest.patterns, or write a manifest "
            "(scarmetrics init drafts one)",
        ),
        "unknown_alias": text(
            "the visit or view is written in a way the config does not know",
            "add the spelling to ingest.visits or ingest.views in the config, or correct it",
        ),
        "invalid_subject_id": text(
            "the subject id holds characters that are not allowed",
            "use letters, digits, '-', '_' and '.' only, 64 at most",
        ),
        "missing_visit": text(
            "the half lacks a photograph at one of the two visits",
            "add the photograph of that visit, or correct its visit, view or name",
        ),
        "duplicate_photograph": text(
            "the same subject, visit and view is there more than once",
            "keep one photograph of each visit and view, or tell them apart by 'light'",
        ),
        "ambiguous_light": text(
            "photographs under several kinds of light exist and none was chosen",
            "set ingest.light in the config to the one to measure",
        ),
        "visit_order": text(
            "the follow-up was captured before the baseline",
            "correct the visits or the dates in captured_on",
        ),
        "bad_value": text("a cell of the manifest is not valid", "correct the cell"),
        "same_photograph": text(
            "both visits are the same file, byte by byte",
            "find the photograph of the other visit, or correct the manifest",
        ),
        "scale_implausible": text(
            "the scale implies a face of a size that people do not have",
            "correct mm_per_px in the manifest, or in the config scale.device_mm_per_px or the "
            "size of the marker or chart",
        ),
        "marker_not_found": text(
            "the marker that the config promises was not found",
            "photograph it whole, in focus and with white around it, and check "
            "scale.marker_dictionary and marker_id; or state the scale in the manifest",
        ),
        "marker_several": text(
            "more than one marker was found",
            "leave one marker in the photograph, or name the one to use in scale.marker_id",
        ),
        "marker_cut": text(
            "the marker is cut by the edge of the photograph",
            "photograph the whole marker with white around it, or state the scale in the manifest",
        ),
        "marker_tilted": text(
            "the marker is tilted too far to give a scale",
            "stick it where it faces the camera, or state the scale in the manifest",
        ),
        "marker_too_small": text(
            "the marker has too few pixels to give a scale",
            "use a larger marker, or export the photograph at its full resolution",
        ),
        "marker_unclear": text(
            "the marker's sides do not show well enough to give a scale",
            "check focus, glare and the white around it, or state the scale in the manifest",
        ),
        "colorchecker_not_found": text(
            "the colour chart that the config promises was not found",
            "photograph the whole chart, evenly lit and facing the camera, or state the scale in "
            "the manifest",
        ),
        "colorchecker_several": text(
            "more than one colour chart was found", "leave one chart in the photograph"
        ),
        "colorchecker_tilted": text(
            "the colour chart is tilted too far to give a scale",
            "hold it so that it faces the camera, or state the scale in the manifest",
        ),
        "iris_eyes_closed": text(
            "the eyes are not both open, so the irises give no scale",
            "use a photograph with open eyes, or another source of scale",
        ),
        "iris_turned": text(
            "the head is turned too far for the irises to give a scale",
            "use a frontal photograph, or another source of scale",
        ),
        "iris_too_small": text(
            "the irises have too few pixels to give a scale",
            "export the photograph at its full resolution, or use another source of scale",
        ),
        "pixels_too_coarse": text(
            "the smallest scar asked for is smaller than two pixels",
            "export the photograph at its full resolution, or raise segmentation.min_diameter_mm",
        ),
        # face
        "face_not_found": text(
            "no face was found in the photograph",
            "check that the photograph shows a face, upright, sharp and not cut by the edge",
        ),
        "face_partial": text(
            "the face is cut by the edge of the photograph",
            "use a photograph that holds the whole half of the face",
        ),
        "side_not_visible": text(
            "the declared side is turned away from the camera",
            "check the side or view in the file name or manifest",
        ),
        "net_failed": text(
            "the net of the segmentation did not give probabilities",
            "check the net that segmentation.method names, or use another method",
        ),
        "no_skin": text(
            "no measurable skin is common to both photographs",
            "check that both photographs show the same half of the same face",
        ),
        # registration
        "registration_no_texture": text(
            "the skin shows too little texture to align the two visits",
            "check focus and exposure of both photographs",
        ),
        "registration_no_overlap": text(
            "too little skin is visible in both photographs",
            "check that both photographs show the same half from the same direction",
        ),
        "laterality_conflict": text(
            "left and right contradict each other: a photograph is mirrored or of the other side",
            "check that neither photograph is mirrored and that left and right are not swapped in "
            "file names, manifest or ingest.views",
        ),
        "subject_mismatch": text(
            "the two photographs do not show the same skin, although both show it well",
            "check that both files belong to this subject; if they do, look for make-up or a tan, "
            "and photograph the visit again",
        ),
        "registration_disagrees": text(
            "the two photographs do not show the same skin, or differ too much to be aligned",
            "check that both files belong to this subject and side; photograph the visit again "
            "sharp, in the same light and from the same direction",
        ),
        # running
        "internal_error": text(
            "an unexpected error in scarmetrics",
            "report it with this line; the rest of the study is not affected",
        ),
        "output_unwritable": text(
            "the half's pictures could not be written",
            "check the disk's free space and the output folder's permissions, then run again",
        ),
        "worker_crashed": text(
            "the process that measured this half died",
            "run again; if it repeats, check memory and the photograph",
        ),
        "worker_timeout": text(
            "measuring this half took longer than run.timeout_s allows, twice",
            "run again with fewer workers, raise run.timeout_s in the config, or check the "
            "photograph and the disk that it lies on",
        ),
    }


REASONS: Mapping[str, ReasonText] = MappingProxyType(_reasons())
"""Every reason code that `failures.csv` may hold."""


class ScarmetricsError(Exception):
    """Base of all errors that stop a command; one line, with a remedy.

    Parameters
    ----------
    message : str
        What is wrong and where, without a full stop.
    remedy : str, optional
        What to do about it.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}: {self.remedy}" if self.remedy else self.message


class DependencyError(ScarmetricsError, ImportError):
    """A library that scarmetrics needs cannot be loaded on this machine."""


class UsageError(ScarmetricsError):
    """The command or function was called in a way that cannot work."""


class ConfigError(ScarmetricsError):
    """The configuration is wrong; the message names file, line and column."""


class PhotographError(ScarmetricsError):
    """One photograph cannot be used; becomes a failure of its halves.

    Parameters
    ----------
    reason_code : str
        A key of `REASONS`.
    detail : str, optional
        What is special about this file; the code's meaning when empty.
    """

    def __init__(self, reason_code: str, detail: str = "") -> None:
        text = REASONS[reason_code]
        super().__init__(detail or text.meaning, text.remedy)
        self.reason_code = reason_code

    def __reduce__(self) -> tuple[type[PhotographError], tuple[str, str]]:
        """Keep code and detail across process borders."""
        return type(self), (self.reason_code, self.message)


@dataclass(frozen=True, slots=True)
class ManifestProblem:
    """One wrong cell, row or column of a manifest."""

    line: int
    column: str
    reason_code: str
    message: str
    subject_id: str = ""
    visit: str = ""
    side: str = ""
    path: str = ""

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line else "header"
        return f"{where}, column {self.column}: {self.message}" if self.column else self.message


class ManifestError(ScarmetricsError):
    """The manifest is wrong; carries every problem at once.

    Parameters
    ----------
    name : str
        The manifest's file name.
    problems : sequence of ManifestProblem
        All problems found, in reading order.
    """

    def __init__(self, name: str, problems: Sequence[ManifestProblem]) -> None:
        self.name = name
        self.problems = tuple(problems)
        lines = "\n".join(f"  {name}, {problem}" for problem in self.problems)
        count = len(self.problems)
        super().__init__(
            f"{name} has {count} problem{'s' * (count != 1)}\n{lines}\n  remedy",
            "correct the manifest; nothing was measured",
        )
