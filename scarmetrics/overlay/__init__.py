"""Pictures for reviewers: both visits on identical crops, with what was measured drawn in."""

from scarmetrics.overlay.captions import Captions
from scarmetrics.overlay.render import Overlays, render_overlays

__all__ = ["Captions", "Overlays", "render_overlays"]
