"""The net: a small U-Net that says where scars are, and how deep for their deepest point."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHANNELS_IN, CHANNELS_OUT = 3, 2
_WIDTHS = (24, 48, 64)  # at 1/2, 1/4 and 1/8 of the input's resolution
_FINE = 8


class _Block(nn.Module):
    """Two convolutions, batch normalisation, ReLU."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Same height and width."""
        return self.layers(x)


class ScarNet(nn.Module):
    """U-Net at half resolution, brought back to full resolution by a learned enlargement.

    Input: (B, 3, H, W) planes of `scarmetrics.segmentation.normalise`, H and W multiples of 8.
    Output: (B, 2, H, W) probabilities: inside a scar's outline; relative depth.

    References
    ----------
    O. Ronneberger, P. Fischer, T. Brox, "U-Net: convolutional networks for biomedical image
    segmentation", Proc. MICCAI, 234-241 (2015).
    """

    def __init__(self) -> None:
        super().__init__()
        first, *deeper = _WIDTHS
        self.reduce = nn.Conv2d(CHANNELS_IN, first, 4, stride=2, padding=1)
        self.down = nn.ModuleList([_Block(first, first)])
        for before, after in zip(_WIDTHS, deeper, strict=False):
            self.down.append(_Block(before, after))
        self.up = nn.ModuleList(
            _Block(before + after, after)
            for before, after in zip(_WIDTHS[:0:-1], _WIDTHS[-2::-1], strict=True)
        )
        self.enlarge = nn.Conv2d(first, _FINE, 3, padding=1)
        self.head = nn.Conv2d(_FINE + CHANNELS_IN, CHANNELS_OUT, 3, padding=1)

    def logits(self, planes: Tensor) -> Tensor:
        """The same before the sigmoid."""
        x = torch.relu(self.reduce(planes))
        kept = []
        for number, block in enumerate(self.down):
            if number:
                x = nn.functional.max_pool2d(x, 2)
            x = block(x)
            kept.append(x)
        kept.pop()
        for block in self.up:
            x = nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(torch.cat([x, kept.pop()], dim=1))
        fine = torch.relu(
            self.enlarge(nn.functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        )
        return self.head(torch.cat([fine, planes], dim=1))

    def forward(self, planes: Tensor) -> Tensor:
        """Probabilities."""
        return torch.sigmoid(self.logits(planes))
