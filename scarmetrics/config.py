"""Every parameter of a run: strict models, read from one YAML file.

Unknown keys are refused with the nearest known one; every message names file, line and column.
Field names carry their unit. ``configs/visioface.yaml`` explains each line.
"""

from __future__ import annotations

import os
from pathlib import Path, PureWindowsPath
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from scarmetrics.config_values import (
    Fraction,
    NotNegative,
    Number,
    Positive,
    Spellings,
    VisitName,
    refuse_bool,
)
from scarmetrics.errors import ConfigError
from scarmetrics.strict_yaml import KeyPath, Section, parse_model, wrong_at

ONNX = "onnx:"
TAUGHT_SUFFIX = ".npz"


def _visits() -> dict[str, tuple[str, ...]]:
    return {
        "baseline": ("baseline", "base", "before", "pre", "v0", "t0", "m0", "month0", "قبل"),
        "month3": ("month3", "month_3", "m3", "3m", "3month", "3months", "after", "post", "بعد"),
    }


def _views() -> dict[Literal["frontal", "left", "right"], tuple[str, ...]]:
    return {
        "frontal": ("frontal", "front", "f", "c", "center", "centre", "0", "روبرو", "جلو"),
        "left": ("left", "l", "lt", "left_side", "چپ"),
        "right": ("right", "r", "rt", "right_side", "راست"),
    }


class IngestConfig(Section):
    """How exports become records.

    Attributes
    ----------
    reader : str
        ``auto``: the manifest if there is one, else the patterns; or a reader's name.
    manifest : str
        File name of the manifest inside the exports folder (.csv or .xlsx).
    patterns : tuple of str
        Path templates below the exports folder, without extension, tried in order.
    visits, views : dict
        Canonical word to the spellings that mean it; case does not matter. The name of a visit
        becomes part of file names: letters a-z, digits, ``_``, ``.``, ``-``, 32 at most.
    light : str or None
        Which kind of light to measure, where photographs of several exist.
    max_megapixels : float
        Larger images are refused before they are decoded.
    """

    reader: str = "auto"
    manifest: Annotated[str, Field(pattern=r"(?i)^[^/\\:]+\.(csv|xlsx)$")] = "manifest.csv"
    patterns: tuple[str, ...] = (
        "{subject_id}/{visit}/{view}",
        "{subject_id}/{visit}_{view}",
        "{visit}/{subject_id}_{view}",
        "{subject_id}_{visit}_{view}",
    )
    visits: dict[VisitName, Spellings] = Field(default_factory=_visits)
    views: dict[Literal["frontal", "left", "right"], Spellings] = Field(default_factory=_views)
    light: str | None = None
    max_megapixels: Positive = 200.0

    @field_validator("visits", "views")
    @classmethod
    def _aliases_are_unique(cls, table: dict[str, Spellings]) -> dict[str, Spellings]:
        problems: list[tuple[KeyPath, str]] = []
        meanings = {word.casefold(): word for word in reversed(table)}
        for word, aliases in table.items():
            places: list[tuple[KeyPath, str]] = [((word,), word)]
            places += [((word, str(index)), text) for index, text in enumerate(aliases)]
            for path, spelling in places:
                meant = meanings.setdefault(spelling.casefold(), word)
                if meant != word:
                    both = f"{spelling!r} stands for both {meant!r} and {word!r}"
                    problems.append((path, f"{both}; remove it from one"))
        if problems:
            raise wrong_at(*problems)
        return table


class PairingConfig(Section):
    """Which photographs make a half.

    Attributes
    ----------
    baseline_visit, follow_up_visit : str
        Keys of ``ingest.visits``.
    view_preference : tuple of {'side', 'frontal'}
        Which view measures a half when both visits have several: the oblique one of that side,
        or the frontal one.
    """

    baseline_visit: str = "baseline"
    follow_up_visit: str = "month3"
    view_preference: tuple[Literal["side", "frontal"], ...] = Field(
        default=("side", "frontal"), min_length=1
    )


class ScaleConfig(Section):
    """Where millimetres come from.

    Attributes
    ----------
    device_mm_per_px : float or None
        The device's calibration, for all photographs without a scale in the manifest.
    device_rel_sd : float
        Its relative standard deviation.
    manifest_rel_sd : float
        The relative standard deviation of a manifest scale that states none.
    prefer : tuple of {'manifest', 'device'}
        Order of preference; the first source that has a number is the one used.
    """

    device_mm_per_px: Positive | None = None
    device_rel_sd: NotNegative = 0.02
    manifest_rel_sd: NotNegative = 0.02
    prefer: tuple[Literal["manifest", "device"], ...] = Field(
        default=("manifest", "device"), min_length=1
    )


class FaceConfig(Section):
    """Where skin is.

    Attributes
    ----------
    min_presence : float
        Below this landmark confidence the face counts as not found.
    outline_margin : float
        Strip left out along the face outline, as a fraction of the interpupillary distance.
    feature_margin : float
        The same around eyes, brows, lips and nostrils.
    darkest_skin : float
        Skin darker than this share of the half's median luminance, averaged over a few mm, is
        left out at both visits: hair that hangs over it, deep shadow.
    """

    min_presence: Fraction = 0.5
    outline_margin: Fraction = 0.08
    feature_margin: Fraction = 0.05
    darkest_skin: Fraction = 0.4


class RegistrationConfig(Section):
    """How the two visits are aligned, and when alignment has failed.

    Attributes
    ----------
    working_mm_per_px : float
        Resolution at which the flow is computed; finer photographs are reduced to it.
    smoothing_mm : float
        Length below which differences between the visits are not followed, so that a scar that
        shrinks is not pulled back to its old outline.
    max_inconsistency_mm : float
        Skin where forward and backward flow disagree by more is left out at both visits.
    min_likeness : float
        Median local correlation of skin texture plus the share of the skin that was aligned;
        below it the pair is refused as not the same skin.
    min_registered_fraction : float
        Share of common skin below which the pair is refused.
    """

    working_mm_per_px: Positive = 0.3
    smoothing_mm: Positive = 3.0
    max_inconsistency_mm: Positive = 1.0
    min_likeness: Annotated[Number, Field(ge=0, le=2, allow_inf_nan=False)] = 0.9
    min_registered_fraction: Fraction = 0.3


class SegmentationConfig(Section):
    """What counts as a scar.

    Attributes
    ----------
    method : str
        Name of a registered segmenter, the path of a model file that ``scarmetrics train`` wrote
        (``.npz``), or ``onnx:`` and the path of a net. A relative path in a config file starts at
        that file's folder, elsewhere at the working directory; ``~`` is the user's own folder.
    min_diameter_mm, max_diameter_mm : float
        Equivalent diameters of the smallest and largest single scar looked for.
    min_significance : float
        Least depth in units of the pair's noise.
    min_contrast : float
        Least relative darkening at the deepest point, whatever the noise.
    touching : {'split', 'merge'}
        Whether depressions that touch each other are counted one by one or as one field.
        Their area is the same either way.
    merge_gap_mm : float
        With ``merge``, scars no farther apart than this are one field as well.
    sensitivity : float
        How readily a learned method counts a scar: 0.5 as its model was calibrated, more finds
        fainter scars.
    """

    method: str = "learned"
    min_diameter_mm: Positive = 0.8
    max_diameter_mm: Positive = 8.0
    min_significance: Positive = 2.5
    min_contrast: Annotated[Number, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.14
    touching: Literal["split", "merge"] = "split"
    merge_gap_mm: NotNegative = 0.0
    sensitivity: Annotated[Number, Field(gt=0, lt=1, allow_inf_nan=False)] = 0.5

    @field_validator("method")
    @classmethod
    def _without_spaces(cls, method: str) -> str:
        kind = ONNX if method.strip().startswith(ONNX) else ""
        return kind + method.strip().removeprefix(kind).strip()

    @model_validator(mode="after")
    def _diameters_in_order(self) -> Self:
        if self.max_diameter_mm <= self.min_diameter_mm:
            maximum = "max_diameter_mm" in self.model_fields_set
            written = "max_diameter_mm" if maximum else "min_diameter_mm"
            raise wrong_at(((written,), "max_diameter_mm must be larger than min_diameter_mm"))
        return self

    @property
    def model_file(self) -> Path | None:
        """The file that `method` names; None where it names a registered segmenter."""
        name = self.method.removeprefix(ONNX)
        is_file = name != self.method or name.lower().endswith(TAUGHT_SUFFIX)
        # unlike Path's, leaves the name of an unknown user as it is
        return Path(os.path.expanduser(name)) if is_file else None  # noqa: PTH111

    def with_model_file(self, path: Path | str) -> Self:
        """The same with another path of the model file, of the same kind."""
        kind = ONNX if self.method.startswith(ONNX) else ""
        return self.model_copy(update={"method": f"{kind}{path}"})


class QualityConfig(Section):
    """When a half is flagged for review.

    Attributes
    ----------
    max_pose_difference_deg : float
        Difference of yaw between the visits.
    min_registered_fraction : float
        Share of common skin that was aligned.
    max_residual_mm : float
        Median registration residual.
    min_scar_diameter_px : float
        The smallest scar asked for must span this many pixels.
    interpupillary_mm : tuple of float
        Range of distances between the pupils that people have, to catch a wrong scale.
    """

    max_pose_difference_deg: Positive = 8.0
    min_registered_fraction: Fraction = 0.8
    max_residual_mm: Positive = 0.5
    min_scar_diameter_px: Positive = 4.0
    interpupillary_mm: tuple[Positive, Positive] = (45.0, 80.0)

    @model_validator(mode="after")
    def _range_in_order(self) -> Self:
        if self.interpupillary_mm[0] >= self.interpupillary_mm[1]:
            raise wrong_at((("interpupillary_mm",), "must be [lowest, highest]"))
        return self


class OverlayConfig(Section):
    """The reviewers' pictures.

    Attributes
    ----------
    max_side_px : int
        Longer side of each panel; crops are enlarged or reduced to it.
    hide_eyes : bool
        Whether eyes and brows are covered.
    """

    max_side_px: Annotated[int, BeforeValidator(refuse_bool), Field(ge=200, le=8000)] = 1200
    hide_eyes: bool = False


class StudyConfig(Section):
    """One run's complete configuration.

    Attributes
    ----------
    study_id : str
        Written to every row of ``measurements.csv``.
    """

    study_id: Annotated[str, Field(pattern=r"^[\w.-]{1,64}$")] = "study"
    ingest: IngestConfig = IngestConfig()
    pairing: PairingConfig = PairingConfig()
    scale: ScaleConfig = ScaleConfig()
    face: FaceConfig = FaceConfig()
    registration: RegistrationConfig = RegistrationConfig()
    segmentation: SegmentationConfig = SegmentationConfig()
    quality: QualityConfig = QualityConfig()
    overlay: OverlayConfig = OverlayConfig()

    @model_validator(mode="after")
    def _visits_exist(self) -> Self:
        pairing = self.pairing
        problems: list[tuple[KeyPath, str]] = []
        for field in ("baseline_visit", "follow_up_visit"):
            visit = getattr(pairing, field)
            if visit in self.ingest.visits:
                continue
            if field in pairing.model_fields_set:
                problems.append((("pairing", field), f"{visit!r} is not among ingest.visits"))
            else:  # the visits were replaced and the default stayed
                message = f"{visit!r} is not among them, but pairing.{field} names it"
                problems.append((("ingest", "visits"), message))
        if pairing.baseline_visit == pairing.follow_up_visit:
            first, second = "baseline_visit", "follow_up_visit"
            if second not in pairing.model_fields_set:
                first, second = second, first
            problems.append((("pairing", second), f"is the same as pairing.{first}"))
        if problems:
            raise wrong_at(*problems)
        return self

    def recorded(self) -> dict[str, Any]:
        """All values as JSON holds them, for outputs: of a model file only its name."""
        file = self.segmentation.model_file
        shown = self.segmentation.with_model_file(file_name(file)) if file else self.segmentation
        return self.model_copy(update={"segmentation": shown}).model_dump(mode="json")


def file_name(path: Path | str) -> str:
    """What outputs and messages call a file: its name, of a path of any system."""
    return PureWindowsPath(str(path)).name


def load_config(path: Path) -> StudyConfig:
    """Read a configuration file.

    Parameters
    ----------
    path : pathlib.Path
        A YAML file.

    Returns
    -------
    StudyConfig

    Raises
    ------
    ConfigError
        If the file is missing, not YAML, or holds an unknown key or a wrong value; the message
        names every problem with line and column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"config {path.name} cannot be read ({reason})", "check its path") from (
            error
        )
    config = parse_config(text, path.name)
    file = config.segmentation.model_file
    if file is None:
        return config
    located = config.segmentation.with_model_file(path.parent / file)
    return config.model_copy(update={"segmentation": located})


def parse_config(text: str, name: str = "config") -> StudyConfig:
    """Read a configuration from YAML text.

    Parameters
    ----------
    text : str
        YAML.
    name : str, optional
        What messages call it.

    Returns
    -------
    StudyConfig

    Raises
    ------
    ConfigError
        As for `load_config`.
    """
    return parse_model(text, name, StudyConfig)
