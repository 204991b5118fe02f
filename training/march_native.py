"""Renders scenes of raymarch.py: in Python (tests), on a CPU core (needs a C compiler) or on a GPU (needs CuPy)."""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training import march_light, march_solids
from training.march_solids import SCENE
from training.native import translated

FloatArray = npt.NDArray[np.float32]
_CPU = """
void render(const float* scenes, int count, int side, float* out) {
  for (int i = 0; i < count; i++) for (int row = 0; row < side; row++) for (int column = 0; column < side; column++)
    sp_pixel(scenes + (long)i * SCENE, side, column, row, out, ((i * side + row) * side + column) * 4);
}
"""
_GPU = """
extern "C" __global__ void render(const float* __restrict__ scenes, int count, int side, float* out) {
  int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y, i = blockIdx.z;
  if (column < side && row < side && i < count)
    sp_pixel(scenes + (long long)i * SCENE, side, column, row, out, ((i * side + row) * side + column) * 4);
}
"""


def source(on_gpu: bool) -> str:
    """Return the C text of the renderer."""
    head = "#define FN static __device__\n" if on_gpu else "#include <math.h>\n#define FN static inline\n"
    return head + translated([march_solids, march_light]) + (_GPU if on_gpu else _CPU)


def render_in_python(scene: FloatArray, side: int) -> FloatArray:
    """Render one scene (SCENE,) to (side, side, 4): red, green, blue in light, the subject's share. Slow: tests."""
    out = [0.0] * (side * side * 4)
    values = [float(v) for v in scene]
    for row in range(side):
        for column in range(side):
            march_light.pixel(values, side, column, row, out, (row * side + column) * 4)
    return np.asarray(out, np.float32).reshape(side, side, 4)


class CpuRenderer:
    """Compiles the renderer once per source text. Raises CalledProcessError or FileNotFoundError without `cc`."""

    def __init__(self) -> None:
        text = source(False)
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        library = Path(tempfile.gettempdir()) / f"raymarch-{name}.so"
        if not library.exists():
            code, half = library.with_suffix(".c"), library.with_suffix(".half")
            code.write_text(text)
            flags = ["-O3", "-ffast-math", "-fwrapv", "-march=native", "-w", "-shared", "-fPIC"]
            subprocess.run(["cc", *flags, "-o", str(half), str(code), "-lm"], check=True)
            half.replace(library)
        self._render = ctypes.CDLL(str(library)).render

    def render(self, scenes: FloatArray, side: int) -> FloatArray:
        """Render scenes (n, SCENE) to (n, side, side, 4) float32."""
        rows = np.ascontiguousarray(scenes.reshape(-1, SCENE), np.float32)
        out = np.empty((len(rows), side, side, 4), np.float32)
        pointer = ctypes.POINTER(ctypes.c_float)
        self._render(rows.ctypes.data_as(pointer), len(rows), side, out.ctypes.data_as(pointer))
        return out


class GpuRenderer:
    """The same on the first CUDA device. `binary`: the renderer compiled beforehand, which saves half a minute."""

    def __init__(self, binary: Path | None = None) -> None:
        import cupy  # only where there is a GPU

        self._cupy: Any = cupy
        if binary is not None:
            module = cupy.RawModule(path=str(binary))
        else:
            module = cupy.RawModule(code=source(True), options=("--use_fast_math",))
        self._kernel = module.get_function("render")
        self._stream = cupy.cuda.Stream(non_blocking=True)  # beside the trainer's work, not behind it

    def render(self, scenes: FloatArray, side: int) -> FloatArray:
        """Render scenes (n, SCENE) to (n, side, side, 4) float32."""
        with self._stream:
            rows = self._cupy.asarray(np.ascontiguousarray(scenes.reshape(-1, SCENE), np.float32))
            out = self._cupy.empty((len(rows), side, side, 4), self._cupy.float32)
            blocks = ((side + 15) // 16, (side + 7) // 8, len(rows))
            self._kernel(blocks, (16, 8), (rows, np.int32(len(rows)), np.int32(side), out))
            return np.asarray(self._cupy.asnumpy(out))
