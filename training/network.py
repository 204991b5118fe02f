"""The compact network: a small encoder and decoder over colours, cue maps and position."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from processing.removal.cues import CUES

CHANNELS = 3 + len(CUES) + 2
"""Inputs: RGB 0..1, the cue maps 0..1, distance from the middle column 0..1, row 0..1."""
Widths = tuple[int, int, int, int, int]
WIDTHS: Widths = (16, 32, 56, 112, 160)
VARIANTS: dict[str, Widths] = {"compact": WIDTHS, "wide": (16, 32, 64, 132, 204)}


def _conv(inputs: int, outputs: int, size: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)
    )


class Inverted(nn.Module):
    """Inverted residual (Sandler et al. 2018): widen, filter each channel, narrow."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, widen: int = 3) -> None:
        super().__init__()
        inner = inputs * widen
        self.is_residual = stride == 1 and inputs == outputs
        self.body = nn.Sequential(
            _conv(inputs, inner), nn.ReLU(), _conv(inner, inner, 3, stride, inner), nn.ReLU(), _conv(inner, outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        y: Tensor = self.body(x)
        return x + y if self.is_residual else y


class Attention(nn.Module):
    """Every place looks at every other: what belongs together, and what goes on along the frame."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.inputs = nn.Conv2d(width, 3 * width, 1)
        self.outputs = nn.Conv2d(width, width, 1)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        batch, width, height, columns = x.shape
        mixed = self.inputs(self.norm(x)).reshape(batch, 3, self.heads, width // self.heads, height * columns)
        query, key, value = mixed[:, 0], mixed[:, 1], mixed[:, 2]
        weight = torch.softmax(query.transpose(-1, -2) @ key * (width // self.heads) ** -0.5, dim=-1)
        gathered = (value @ weight.transpose(-1, -2)).reshape(batch, width, height, columns)
        outcome: Tensor = x + self.outputs(gathered)
        return outcome


class _Join(nn.Module):
    """Bring a coarse map to the size of a finer one and mix the two."""

    def __init__(self, coarse: int, fine: int, outputs: int) -> None:
        super().__init__()
        both = coarse + fine
        self.body = nn.Sequential(_conv(both, both, 3, 1, both), _conv(both, outputs), nn.ReLU())

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        larger = F.interpolate(coarse, size=fine.shape[-2:], mode="bilinear", align_corners=False)
        outcome: Tensor = self.body(torch.cat([larger, fine], 1))
        return outcome


class Compact(nn.Module):
    """Answers logits (B, 1, H, W); while training also those of two coarser side outputs."""

    def __init__(self, widths: Widths = WIDTHS) -> None:
        super().__init__()
        a, b, c, d, e = widths
        self.stem = nn.Sequential(_conv(CHANNELS, a, 3, 2), nn.ReLU())
        self.level2 = nn.Sequential(_conv(a, b, 3, 2), nn.ReLU(), Inverted(b, b, 1, 2))
        self.level3 = nn.Sequential(Inverted(b, c, 2), Inverted(c, c), Inverted(c, c))
        self.level4 = nn.Sequential(Inverted(c, d, 2), Inverted(d, d), Attention(d), Inverted(d, d))
        self.level5 = nn.Sequential(Inverted(d, e, 2), Inverted(e, e), Attention(e), Inverted(e, e))
        self.join4, self.join3, self.join2 = _Join(e, d, 96), _Join(96, c, 64), _Join(64, b, 48)
        self.unfold = nn.PixelShuffle(2)  # all heavy work is done at a quarter of the size
        self.answer = nn.Sequential(_conv(12 + a, 12, 3), nn.ReLU(), nn.Conv2d(12, 1, 3, 1, 1))
        self.side4, self.side3 = nn.Conv2d(96, 1, 1), nn.Conv2d(64, 1, 1)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, CHANNELS, H, W) -> logits, finest first; only the finest in evaluation mode."""
        level1 = self.stem(x)
        level2 = self.level2(level1)
        level3 = self.level3(level2)
        level4 = self.level4(level3)
        joined4 = self.join4(self.level5(level4), level4)
        joined3 = self.join3(joined4, level3)
        fine = self.unfold(self.join2(joined3, level2))
        finest = self.answer(torch.cat([fine, level1], 1))
        finest = F.interpolate(finest, size=x.shape[-2:], mode="bilinear", align_corners=False)
        if not self.training:
            return [finest]
        return [finest, self.side3(joined3), self.side4(joined4)]


def with_position(maps: Tensor) -> Tensor:
    """Add the two position maps to (B, CHANNELS - 2, H, W)."""
    batch, _, height, width = maps.shape
    columns = (torch.linspace(0, 1, width, device=maps.device) - 0.5).abs().mul(2).expand(batch, 1, height, width)
    rows = torch.linspace(0, 1, height, device=maps.device)[:, None].expand(batch, 1, height, width)
    return torch.cat([maps, columns, rows], 1)
