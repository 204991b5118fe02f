"""What is photographed and how. Plain Python: read by render.py inside Blender and by finish.py outside."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Shot:
    name: str
    sku: str
    asin: str
    category: str
    group: str
    description: str
    builder: str
    args: dict[str, Any] = field(default_factory=dict)
    backdrop: str = "sweep"
    background: str = "white_sweep"
    color: Any = (0.8, 0.8, 0.8)
    sweep_spec: float = 0.25
    sweep_rough: float = 0.75
    sweep_half: float = 14.0
    lights: str = "soft"
    ambient: float = 0.2
    level: float = 236.0
    meter: str = "border"
    width: int = 2000
    height: int = 2000
    pct: int = 62
    spp: int = 12
    bounces: int = 6
    lens: float = 85.0
    azim: float = 0.0
    elev: float = 14.0
    fill: float = 0.62
    offset: tuple[float, float] = (0.0, -0.02)
    fstop: float | None = None
    roll: float = 0.0
    turn: float = 0.0
    seed: int = 1
    blur: float = 0.55
    noise: float = 1.0


SHOTS: list[Shot] = []  # filled by shots_simple and shots_hard


def add(name: str, sku: str, number: int, category: str, group: str, description: str, builder: str, **kw: Any) -> None:
    SHOTS.append(
        Shot(name, sku, f"B0DEMO{number:04d}", category, group, description, builder, seed=101 + len(SHOTS), **kw)
    )


W = {"color": (0.82, 0.82, 0.81)}
GREY = {"background": "grey", "color": (0.42, 0.42, 0.43), "level": 176.0}
LGREY = {"background": "grey", "color": (0.62, 0.62, 0.62), "level": 205.0}
LAND = {"width": 2400, "height": 1800, "pct": 55}
PORT = {"width": 1600, "height": 2000, "pct": 70}
