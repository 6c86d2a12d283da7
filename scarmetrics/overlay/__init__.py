"""Pictures for reviewers: both visits on identical crops, with what was measured drawn in."""

from scarmetrics.overlay.captions import Captions
from scarmetrics.overlay.render import Overlays, render_overlays
from scarmetrics.overlay.scene import Scene
from scarmetrics.overlay.views import View, render_view, view_names

__all__ = [
    "Captions",
    "Overlays",
    "Scene",
    "View",
    "render_overlays",
    "render_view",
    "view_names",
]
