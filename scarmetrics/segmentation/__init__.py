"""Which skin is scar: segmenters behind one protocol."""

from scarmetrics.segmentation.classical import ClassicalSegmenter
from scarmetrics.segmentation.learned import LearnedSegmenter
from scarmetrics.segmentation.protocol import (
    FailedSegmentation,
    Response,
    ScarLabels,
    Segmenter,
    make_segmenter,
    pool_noise,
    register_segmenter,
    segment,
    segmenter_names,
)

register_segmenter("classical", ClassicalSegmenter)
register_segmenter("learned", LearnedSegmenter)

__all__ = [
    "ClassicalSegmenter",
    "FailedSegmentation",
    "LearnedSegmenter",
    "Response",
    "ScarLabels",
    "Segmenter",
    "make_segmenter",
    "pool_noise",
    "register_segmenter",
    "segment",
    "segmenter_names",
]
