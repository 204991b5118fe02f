"""Write the averaged network as ONNX with half-precision weights, and print the sha256 to put into compact.py.

python -m training.export --run RUN --out processing/removal/compact.onnx
"""

from __future__ import annotations

import argparse
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from processing.removal.compact import SIDE
from processing.removal.cues import CUE_SIDE, CUES
from training.network import VARIANTS, Compact
from training.train import to_inputs

_SMALLEST = 64  # tensors below this many values stay in single precision


class _Shipped(nn.Module):
    """What ships: cue maps enlarged and position added inside, a probability out."""

    def __init__(self, network: Compact) -> None:
        super().__init__()
        self.network = network

    def forward(self, rgb: Tensor, cues: Tensor) -> Tensor:
        outcome: Tensor = torch.sigmoid(self.network(to_inputs(rgb, cues))[0])
        return outcome


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store large weights in half precision and widen them at load: the runtime folds that away."""
    graph = model.graph
    casts = []
    for tensor in list(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT or int(np.prod(tensor.dims)) < _SMALLEST:
            continue
        values = numpy_helper.to_array(tensor).astype(np.float16)
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(values, tensor.name + "_half"))
        casts.append(helper.make_node("Cast", [tensor.name + "_half"], [tensor.name], to=TensorProto.FLOAT))
    nodes = casts + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def export(weights: Path, out: Path, variant: str = "compact") -> str:
    """Write the file and return its sha256."""
    network = Compact(VARIANTS[variant])
    network.load_state_dict(torch.load(weights, weights_only=True))
    network.eval()
    example = (torch.zeros(1, 3, SIDE, SIDE), torch.zeros(1, len(CUES), CUE_SIDE, CUE_SIDE))
    buffer = io.BytesIO()
    torch.onnx.export(_Shipped(network).eval(), example, buffer, input_names=["rgb", "cues"], output_names=["mask"],
                      opset_version=17, dynamo=False)  # fmt: skip
    model = halved(onnx.load_model_from_string(buffer.getvalue()))
    data = model.SerializeToString(deterministic=True)
    out.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--weights", default="best.pt", help="file of the run: best.pt of train.py, NAME.pt of gpu.py")
    parser.add_argument("--variant", choices=sorted(VARIANTS), default="compact")
    parser.add_argument("--out", type=Path, required=True)
    wanted = parser.parse_args(arguments)
    digest = export(wanted.run / wanted.weights, wanted.out, wanted.variant)
    print(f"{wanted.out.stat().st_size} bytes, sha256 {digest}")


if __name__ == "__main__":
    main()
