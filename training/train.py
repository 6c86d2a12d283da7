"""Train the net on rendered phantoms and write it as ONNX.

Run:  python training/train.py PHANTOMS OUT.onnx [--steps N] [--seed S] [--threads N]

PHANTOMS is the folder that `phantoms.py` filled. The same seed, thread count and number of steps
give the same net on the same machine and version of PyTorch.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from pathlib import Path

import numpy as np
import torch
from net import ScarNet
from torch.nn import functional

PATCH, BATCH = 128, 12
_LEAST_SKIN = 0.35
_RATE = 2e-3
_JITTER = (0.65, 1.35)  # of contrast, on top of the renderer's own
_BLOTCHES, _GRAIN = 0.5, 0.4  # coarse noise of the colour planes and of luminance, at most
_NOISE = 0.25  # of the planes, at most, in every other patch


class Halves:
    """Rendered halves in memory."""

    def __init__(self, folder: Path, hold_out_every: int) -> None:
        paths = sorted(folder.glob("*.npz"))
        self.train, self.check = [], []
        for path in paths:
            with np.load(path) as data:
                half = tuple(data[name] for name in ("planes", "roi", "inside", "relative"))
            person = path.stem.rsplit("-", 2)[0].split("_")[0]
            held = sum(person.encode()) % hold_out_every == 0
            (self.check if held else self.train).append(half)

    def patch(self, halves: list, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """One square patch with enough skin, turned and flipped at random."""
        while True:
            planes, roi, inside, relative = halves[int(rng.integers(len(halves)))]
            rows, cols = roi.shape
            y = int(rng.integers(-PATCH // 4, max(1, rows - 3 * PATCH // 4)))
            x = int(rng.integers(-PATCH // 4, max(1, cols - 3 * PATCH // 4)))
            if rng.random() < 0.75:  # most patches lie inside
                y = int(np.clip(y, 0, max(0, rows - PATCH)))
                x = int(np.clip(x, 0, max(0, cols - PATCH)))
            cut = [_cut(a, y, x) for a in (planes, roi[None], inside[None], relative[None])]
            if cut[1].mean() < _LEAST_SKIN:
                continue
            turns, flip = int(rng.integers(4)), bool(rng.integers(2))
            turned = [np.rot90(a, turns, (1, 2)) for a in cut]
            return tuple(a[:, :, ::-1] if flip else a for a in turned)

    def batch(self, halves: list, rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
        """Planes, skin, inside, relative depth."""
        patches = [self.patch(halves, rng) for _ in range(BATCH)]
        planes, roi, inside, relative = (
            torch.from_numpy(np.stack(parts).astype(np.float32))
            for parts in zip(*patches, strict=True)
        )
        return planes, roi, inside / 255, relative / 255


def _cut(array: np.ndarray, y: int, x: int) -> np.ndarray:
    rows, cols = array.shape[1:]
    y0, y1, x0, x1 = max(0, y), min(rows, y + PATCH), max(0, x), min(cols, x + PATCH)
    patch = np.zeros((array.shape[0], PATCH, PATCH), array.dtype)
    patch[:, y0 - y : y1 - y, x0 - x : x1 - x] = array[:, y0:y1, x0:x1]
    return patch


def augmented(planes: torch.Tensor, roi: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Other contrast, other colour, some noise; zero stays zero outside the skin."""
    size = (len(planes), 1, 1, 1)
    gain = torch.from_numpy(np.exp(rng.uniform(*np.log(_JITTER), size)).astype(np.float32))
    colour = torch.from_numpy(rng.uniform(0.3, 1.5, (len(planes), 2, 1, 1)).astype(np.float32))
    grey = torch.from_numpy((rng.random(size) > 0.15).astype(np.float32))
    factors = torch.cat([torch.ones(size), colour * grey], dim=1) * gain
    noise = torch.from_numpy(rng.standard_normal(planes.shape, np.float32))
    noise *= torch.from_numpy(np.maximum(0, rng.uniform(-_NOISE, _NOISE, size)).astype(np.float32))
    noise[:, :1] += blotches(len(planes), rng, _GRAIN, (PATCH // 4, PATCH // 2))[:, :1]
    noise[:, 1:] += blotches(len(planes), rng, _BLOTCHES, (PATCH // 8, PATCH // 4))
    return ((planes * factors + noise) * roi).clamp(-5, 5)


def blotches(
    count: int, rng: np.random.Generator, most: float, cells: tuple[int, ...]
) -> torch.Tensor:
    """Coarse noise: uneven skin, or the wrong colours that compression and poor light leave."""
    total = torch.zeros(count, 2, PATCH, PATCH)
    for side in cells:
        coarse = torch.from_numpy(rng.standard_normal((count, 2, side, side), np.float32))
        strength = np.maximum(0, rng.uniform(-most, most, (count, 2, 1, 1)))
        total += torch.from_numpy(strength.astype(np.float32)) * functional.interpolate(
            coarse, size=(PATCH, PATCH), mode="bilinear", align_corners=False
        )
    return total


def loss_of(net: ScarNet, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Cross entropy of both outputs on skin, plus soft Dice of the first."""
    planes, roi, inside, relative = batch
    logits = net.logits(planes).float()
    entropy = functional.binary_cross_entropy_with_logits(
        logits, torch.cat([inside, relative], dim=1), reduction="none"
    )
    entropy = (entropy * roi).sum(dim=(0, 2, 3)) / roi.sum()
    found = torch.sigmoid(logits[:, :1]) * roi
    truth = inside * roi
    dice = 1 - (2 * (found * truth).sum() + 1) / (found.sum() + truth.sum() + 1)
    return entropy[0] + 0.5 * entropy[1] + 0.15 * dice


@torch.no_grad()
def check(net: ScarNet, batches: list[tuple[torch.Tensor, ...]]) -> tuple[float, float]:
    """Mean loss and Dice at 0.5 on people left out."""
    net.eval()
    losses, both, area = [], 0.0, 0.0
    for batch in batches:
        losses.append(float(loss_of(net, batch)))
        found = (net(batch[0])[:, :1] >= 0.5) & (batch[1] > 0)
        truth = (batch[2] >= 0.5) & (batch[1] > 0)
        both += 2 * float((found & truth).sum())
        area += float(found.sum() + truth.sum())
    net.train()
    return float(np.mean(losses)), both / max(area, 1)


def export(net: ScarNet, path: Path) -> None:
    """Write the net with any height and width."""
    net = net.to(memory_format=torch.contiguous_format).eval()
    example = torch.zeros(1, 3, 64, 64)
    axes = {"planes": {2: "height", 3: "width"}, "scars": {2: "height", 3: "width"}}
    torch.onnx.export(
        net, (example,), str(path), input_names=["planes"], output_names=["scars"],
        dynamic_axes=axes, opset_version=17, dynamo=False,
    )  # fmt: skip


def train(net: ScarNet, halves: Halves, options: argparse.Namespace) -> ScarNet:
    """The running mean of the weights, which is what is kept."""
    rng = np.random.default_rng(options.seed)
    check_rng = np.random.default_rng(99)
    checks = [halves.batch(halves.check, check_rng) for _ in range(12)]
    mean = copy.deepcopy(net)
    optimiser = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=1e-4)
    started, step = time.perf_counter(), 0
    while True:
        minutes = (time.perf_counter() - started) / 60
        done = minutes / options.minutes if options.minutes else step / options.steps
        if done >= 1:
            return mean
        warm = min(1.0, (step + 1) / 100)
        rate = _RATE * warm * (0.02 + 0.49 * (1 + math.cos(math.pi * done)))
        optimiser.param_groups[0]["lr"] = rate
        planes, *truth = halves.batch(halves.train, rng)
        seen = augmented(planes, truth[0], rng).to(memory_format=torch.channels_last)
        # half the memory traffic, twice the speed; the sums stay in single precision
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(net, (seen, *truth))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        follow(mean, net, keep=min(0.998, (step + 1) / (step + 10)))
        step += 1
        if step % options.report_every == 0:
            value, dice = check(mean, checks)
            print(f"step {step}, {minutes:.1f} min: {value:.4f}, Dice {dice:.3f}", flush=True)
            export(copy.deepcopy(mean), options.out.with_stem(f"{options.out.stem}-{step:05d}"))


@torch.no_grad()
def follow(mean: ScarNet, net: ScarNet, keep: float) -> None:
    """Move the running mean towards the weights."""
    for kept, new in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.mul_(keep).add_(new, alpha=1 - keep)
        else:
            kept.copy_(new)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("phantoms", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--minutes", type=float, default=None, help="instead of steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--report-every", type=int, default=500, help="steps; the net is kept")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    halves = Halves(options.phantoms, hold_out_every=9)
    print(f"{len(halves.train)} halves to train on, {len(halves.check)} to check on", flush=True)
    net = ScarNet().to(memory_format=torch.channels_last)
    print(f"{sum(p.numel() for p in net.parameters())} parameters", flush=True)
    export(train(net, halves, options), options.out)


if __name__ == "__main__":
    main()
