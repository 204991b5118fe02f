"""What a good mask is, for training and for the held-out curve."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def mask_loss(logits: list[Tensor], alpha: Tensor) -> Tensor:
    """Cross entropy, heavier near outlines, plus soft overlap; side outputs count less. `alpha` (B, 1, H, W) 0..1."""
    total = _one(logits[0], alpha)
    for side in logits[1:]:
        total = total + 0.35 * _one(side, F.interpolate(alpha, size=side.shape[-2:], mode="area"))
    return total


def _one(logits: Tensor, alpha: Tensor) -> Tensor:
    reach = max(3, alpha.shape[-1] // 12) | 1
    near = (F.avg_pool2d(alpha, reach, 1, reach // 2, count_include_pad=False) - alpha).abs()
    weight = 1 + 4 * near
    entropy = F.binary_cross_entropy_with_logits(logits, alpha, reduction="none")
    return (entropy * weight).sum() / weight.sum() + 0.7 * (1 - soft_overlap(torch.sigmoid(logits), alpha)).mean()


def soft_overlap(mask: Tensor, alpha: Tensor) -> Tensor:
    """Intersection over union of soft masks, per picture (B,)."""
    both = (mask * alpha).sum((1, 2, 3))
    return (both + 1) / ((mask + alpha).sum((1, 2, 3)) - both + 1)


def overlap(logits: Tensor, alpha: Tensor) -> Tensor:
    """Intersection over union at one half, per picture (B,)."""
    mask, truth = logits > 0, alpha > 0.5
    either = (mask | truth).sum((1, 2, 3)).clamp(min=1)
    return (mask & truth).sum((1, 2, 3)) / either
