"""What correcting biases would gain on modules of PyTorch: accuracy in FP32, plain and corrected.

``python tests/benchmarks/torch_biases.py tumours words`` trains networks of ``train_models.py`` and
quantises every module of each alike; without names, those of decision 14. It needs PyTorch. A bias
is corrected by ``(Wq - W) E[x]``; with ``--make``, modules without one get one.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from train_models import train

from strategies.adaptors.base import OpConfig, Operation
from strategies.adaptors.torch.adaptor import TorchAdaptor
from strategies.adaptors.torch.integer import IntegerConv

NAMES = ("channels", "residual", "tumours", "diabetes", "encoder", "words")
STATIC, DYNAMIC = "post_training_static_quant", "post_training_dynamic_quant"
SAMPLES = 100
INTEGER, ALONE = ("uint8", "fp32"), ("fp32",)
COLUMNS = {
    "static, per channel": (STATIC, ("int8", "per_channel"), INTEGER),
    "static, per tensor": (STATIC, ("int8", "per_tensor"), INTEGER),
    "dynamic": (DYNAMIC, None, ()),
    "int8 alone": (STATIC, ("int8", "per_channel"), ALONE),
    "int4 alone": (STATIC, ("int4", "per_block"), ALONE),
}


def choice(operation: Operation, weight: Any, activations: tuple[str, ...]) -> OpConfig | None:
    """Return the first option with this weight and the first of the activations that there is."""
    if weight is None:
        return operation.options[0]
    for dtype in activations:
        for option in operation.options:
            held = option["weight"]["dtype"], option["weight"].get("granularity")
            if held == weight and option["activation"]["dtype"] == dtype:
                return option
    return None


def means(network: nn.Module, names: list[str], x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the mean of each input channel of Linear and Conv modules, float64."""
    found: dict[str, torch.Tensor] = {}

    def look(name: str, axis: int) -> Any:
        def hook(_: nn.Module, given: Any) -> None:
            channels = given[0].double().movedim(axis, -1)
            found[name] = channels.flatten(0, -2).mean(0)

        return hook

    for name in names:
        module = network.get_submodule(name)
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
            axis = -1 if isinstance(module, nn.Linear) else 1
            module.register_forward_pre_hook(look(name, axis))
    with torch.no_grad():
        network(x)
    return found


def correct(
    made: nn.Module, network: nn.Module, seen: Mapping[str, torch.Tensor], make: bool
) -> None:
    """Take off the biases of ``made`` by how much its weights shift what is added to them."""
    for name, mean in seen.items():
        module, weight = made.get_submodule(name), network.get_submodule(name).weight
        if module.bias is None and not make:
            continue
        if isinstance(module, IntegerConv):
            scale = module.scale.expand(len(module.steps))
            held = module.steps * scale.reshape(-1, *(1,) * (module.steps.ndim - 1))
        else:
            held = module.weight
        lost = (held.double() - weight.double()).flatten(1)
        lost = lost.reshape(*weight.shape[:2], -1).sum(-1)
        groups = len(mean) // lost.shape[1]
        by_group = lost.reshape(groups, -1, lost.shape[1]) * mean.reshape(groups, 1, -1)
        shift = by_group.sum(-1).flatten()
        bias = -shift if module.bias is None else module.bias.double() - shift
        module.bias = nn.Parameter(bias.float(), requires_grad=False)


def main() -> None:
    """Print a line for each network and column."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--make", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.names:
        network, ((x, y), (held_out, labels)) = train(name)
        rows = torch.tensor(held_out)
        with torch.no_grad():
            exact = network(rows).numpy()

        def said(model: nn.Module, rows: Any = rows, exact: Any = exact, y: Any = labels) -> str:
            with torch.no_grad():
                found = model(rows).numpy()
            distance = np.square(found - exact).sum() / np.square(exact).sum()
            right = found.argmax(1) == y if y.dtype == np.int64 else np.square(found[:, 0] - y)
            score = right.mean() if y.dtype == np.int64 else np.sqrt(right.mean())
            return f"{score:.4f} ({distance:.5f})"

        for column, (approach, weight, activations) in COLUMNS.items():
            adaptor = TorchAdaptor(approach)
            operations = adaptor.capability(network).operations
            chosen = {one.key: choice(one, weight, activations) for one in operations}
            tune_cfg = {key: option for key, option in chosen.items() if option is not None}
            data = [(x[:SAMPLES], y[:SAMPLES])]
            plain = adaptor.quantize(network, tune_cfg, data)
            corrected, names = copy.deepcopy(plain), [key[0] for key in tune_cfg]
            seen = means(copy.deepcopy(network), names, torch.tensor(x[:SAMPLES]))
            with torch.no_grad():
                correct(corrected, network, seen, options.make)
            print(
                f"{name}, {column}: FP32 {said(network)}, plain {said(plain)}, "
                f"corrected {said(corrected)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
