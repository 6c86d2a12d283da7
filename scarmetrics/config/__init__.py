"""Every parameter of a run: strict models, read from one YAML file.

Unknown keys are refused with the nearest known one; every message names file, line and column.
Field names carry their unit. ``configs/visioface.yaml`` explains each line.
"""

from scarmetrics.config.inputs import (
    IngestConfig,
    MarkerDictionary,
    PairingConfig,
    ScaleConfig,
)
from scarmetrics.config.methods import (
    ONNX,
    TAUGHT_SUFFIX,
    FaceConfig,
    RegistrationConfig,
    SegmentationConfig,
)
from scarmetrics.config.review import OverlayConfig, QualityConfig
from scarmetrics.config.running import RunConfig
from scarmetrics.config.study import StudyConfig, file_name, load_config, parse_config
from scarmetrics.config.trial import Procedure, Treatment, TrialConfig

__all__ = [
    "ONNX",
    "TAUGHT_SUFFIX",
    "FaceConfig",
    "IngestConfig",
    "MarkerDictionary",
    "OverlayConfig",
    "PairingConfig",
    "Procedure",
    "QualityConfig",
    "RegistrationConfig",
    "RunConfig",
    "ScaleConfig",
    "SegmentationConfig",
    "StudyConfig",
    "Treatment",
    "TrialConfig",
    "file_name",
    "load_config",
    "parse_config",
]
