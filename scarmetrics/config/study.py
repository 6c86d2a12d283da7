"""One run's complete configuration, and the file that holds it."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from scarmetrics.config.inputs import IngestConfig, PairingConfig, ScaleConfig
from scarmetrics.config.methods import FaceConfig, RegistrationConfig, SegmentationConfig
from scarmetrics.config.review import OverlayConfig, QualityConfig
from scarmetrics.config.running import RunConfig
from scarmetrics.config.trial import TrialConfig
from scarmetrics.errors import ConfigError
from scarmetrics.safe_read import read_regular
from scarmetrics.strict_yaml import KeyPath, Section, parse_model, wrong_at

_MAX_BYTES = 1_000_000


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
    run: RunConfig = RunConfig()
    trial: TrialConfig = TrialConfig()

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
        text = read_regular(path, _MAX_BYTES).decode("utf-8-sig")
    except (OSError, ValueError) as error:
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
