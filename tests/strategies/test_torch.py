"""What the adaptor of PyTorch makes is what was chosen, to the integer."""

from __future__ import annotations

import copy
import logging
import os
import re
import subprocess
import sys
import warnings
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="pip install asktell[torch]")

import torch_models as tm  # noqa: E402
from torch import nn  # noqa: E402

from strategies import BayesianTuneStrategy, Conf, tune  # noqa: E402
from strategies.adaptors import adaptor_for  # noqa: E402
from strategies.adaptors.base import FP32  # noqa: E402
from strategies.adaptors.torch import integer  # noqa: E402
from strategies.adaptors.torch.adaptor import TorchAdaptor  # noqa: E402
from strategies.adaptors.torch.attention import Attention, opened  # noqa: E402
from strategies.adaptors.torch.integer import IntegerConv, IntegerLinear, Levels  # noqa: E402
from strategies.adaptors.torch.levels import pack, unpack  # noqa: E402
from strategies.adaptors.torch.options import DYNAMIC, STATIC, made, options  # noqa: E402
from strategies.adaptors.torch.stored import Stored, bytes_of  # noqa: E402
from strategies.adaptors.torch.weight_only import StoredEmbedding, StoredLinear  # noqa: E402
from strategies.errors import AdaptorError  # noqa: E402

KINDS = (tm.Convolutions, tm.Perceptron, tm.Encoder, tm.Recurrent)
APPROACHES = (STATIC, DYNAMIC)
CASES = list(product(KINDS, APPROACHES))

SIDES = [
    {"dtype": dtype, "scheme": scheme, "granularity": granularity}
    for dtype, scheme, granularity in (
        ("int8", "sym", "per_tensor"),
        ("int8", "asym", "per_tensor"),
        ("int8", "sym", "per_channel"),
        ("int8", "asym", "per_channel"),
        ("int4", "sym", "per_block"),
        ("int4", "asym", "per_block"),
    )
]


def config(adaptor: TorchAdaptor, model: nn.Module, number: int) -> dict[Any, Any]:
    """Return the option of this number for each operation, or its last before fp32."""
    return {
        one.key: one.options[min(number, len(one.options) - 2)]
        for one in adaptor.capability(model).operations
    }


def results(adaptor: TorchAdaptor, model: Any, loader: Any) -> np.ndarray[Any, Any]:
    found: list[Any] = []
    adaptor.evaluate(model, loader, lambda outputs, _: found.append(outputs) or 0.0)
    return np.asarray(found[0])


def relative(one: Any, other: Any) -> float:
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


# --- numbers ---


def reference_grid(low: Any, high: Any, dtype: str, scheme: str) -> tuple[Any, Any]:
    """Scale and zero point by the textbook, in float64."""
    least, most = {"int8": (-128, 127), "uint8": (0, 255), "int4": (-8, 7)}[dtype]
    low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
    if scheme == "asym":
        scale = np.float32((high - low) / (most - least))
        return scale, np.clip(np.round(least - low / scale.astype(np.float64)), least, most)
    bound = np.maximum(-low, high)
    if dtype == "uint8":
        return np.float32(2 * bound / 255), np.full_like(bound, 128)
    return np.float32(2 * bound / (2 * most)), np.zeros_like(bound)


@pytest.mark.parametrize("side", SIDES, ids=lambda side: " ".join(side.values()))
@pytest.mark.parametrize("shape", [(6, 70), (5, 3, 3, 3), (4, 7), (1, 8)])
def test_a_stored_weight_is_what_numpy_makes_of_it(
    side: dict[str, str], shape: tuple[int, ...]
) -> None:
    weight = np.random.default_rng(1).normal(0.3, 1.0, shape).astype(np.float32)
    stored = Stored(torch.from_numpy(weight), side)
    rows = weight.reshape(len(weight), -1).astype(np.float64)
    block = min(32, rows.shape[1] + rows.shape[1] % 2)
    if side["granularity"] == "per_block":
        rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % block))).reshape(len(rows), -1, block)
    axes = None if side["granularity"] == "per_tensor" else -1
    low, high = (f(rows, axis=axes, keepdims=axes is not None) for f in (np.min, np.max))
    scale, zero_point = reference_grid(low, high, side["dtype"], side["scheme"])
    least, most = (-8, 7) if side["dtype"] == "int4" else (-128, 127)
    steps = np.clip(np.round(rows / scale.astype(np.float64)) + zero_point, least, most)
    assert np.array_equal(stored.integers().numpy(), steps)
    assert np.array_equal(stored.scale.numpy(), scale)
    held = 0 if stored.zero_point is None else stored.zero_point.numpy()
    assert np.array_equal(held + 0 * zero_point, zero_point)
    floats = (steps - zero_point) * scale.astype(np.float64)
    floats = floats.reshape(len(weight), -1)[:, : weight[0].size].reshape(shape)
    np.testing.assert_allclose(stored().numpy(), floats, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(
        stored.rows(torch.tensor([[0, 0]])), stored()[torch.tensor([[0, 0]])]
    )
    assert sum(b.numel() * b.element_size() for b in stored.buffers()) == bytes_of(shape, side)


def test_halves_are_halves() -> None:
    weight = torch.randn(3, 5)
    stored = Stored(weight, {"dtype": "fp16"})
    assert stored.steps.dtype == torch.float16
    assert torch.equal(stored(), weight.half().float())
    assert torch.equal(stored.rows(torch.tensor([2])), weight.half().float()[[2]])
    assert bytes_of((3, 5), {"dtype": "fp16"}) == 30


def test_four_bits_are_packed_in_pairs() -> None:
    steps = torch.arange(-8, 8, dtype=torch.int8).reshape(2, 8)
    assert pack(steps).shape == (2, 4)
    assert torch.equal(unpack(pack(steps)), steps)
    assert int(pack(steps)[0, 0]) == 0 + 16 * 1  # -8 is 0, -7 is 1, the second in the high half


def test_an_empty_range_is_held_exactly() -> None:
    stored = Stored(torch.zeros(2, 4), SIDES[0])
    assert torch.equal(stored(), torch.zeros(2, 4))


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("approach", APPROACHES)
def test_a_linear_multiplies_the_integers_that_numpy_multiplies(approach: str, number: int) -> None:
    torch.manual_seed(2)
    linear = nn.Linear(70, 33)
    x = torch.randn(2, 9, 70) * 3 + 1
    option = options(linear, approach)[number]
    weight, activation = option["weight"], option["activation"]
    levels = Levels.of(-7.5, 9.0, activation) if approach == STATIC else None
    module = made(linear, option, levels)
    assert isinstance(module, IntegerLinear)
    assert module.steps.dtype == torch.int8
    with torch.inference_mode():
        found = module(x).numpy()
        part = module(x, slice(3, 8)).numpy()

    rows = linear.weight.detach().numpy().astype(np.float64)
    bound = np.abs(rows).max(1) if weight["granularity"] == "per_channel" else np.abs(rows).max()
    scale = np.float32(bound / 127)
    steps = np.round(rows / np.atleast_1d(scale.astype(np.float64))[:, None])
    assert np.array_equal(module.steps.numpy(), steps)
    assert np.array_equal(module.scale.numpy(), np.atleast_1d(scale))

    flat = x.numpy().reshape(-1, 70)
    if activation["granularity"] == "per_token":
        factor: Any = (np.abs(flat).max(1, keepdims=True) / np.float32(127)).astype(np.float32)
        zero_point: Any = 0
        limits = (-127, 127)
        held = np.round(flat / factor)
    else:
        low, high = (-7.5, 9.0) if approach == STATIC else (flat.min(), flat.max())
        factor, zero_point = reference_grid(
            np.float64(low), np.float64(high), "uint8", activation["scheme"]
        )
        limits = (0, 255)
        held = np.round(flat * np.float32(1 / factor)) + zero_point
        if levels is not None:
            assert (levels.scale, levels.zero_point) == (factor, zero_point)
            assert levels.dtype == activation["dtype"]
    held = np.clip(held, *limits).astype(np.int64)
    product = (held - np.int64(zero_point)) @ steps.astype(np.int64).T  # exact
    expected = product * np.float64(factor) * scale + linear.bias.detach().numpy()
    expected = expected.reshape(2, 9, 33)
    # A tie of rounding falls either way where the factor itself is rounded; so little is one step.
    slack = 1e-5 if approach == STATIC else 2e-3
    np.testing.assert_allclose(found, expected, atol=slack * np.abs(expected).max())
    np.testing.assert_array_equal(part, found[..., 3:8])
    assert relative(found, linear(x).detach().numpy()) < 0.03


CONVOLUTIONS = {
    "plain": (nn.Conv2d(5, 7, 3), (2, 5, 9, 8)),
    "padded": (nn.Conv2d(4, 6, 3, stride=2, padding=(1, 2), dilation=(1, 2)), (3, 4, 11, 12)),
    "groups": (nn.Conv2d(8, 12, 3, groups=4, bias=False), (2, 8, 6, 6)),
    "depthwise": (nn.Conv2d(8, 8, 3, groups=8, padding="same"), (2, 8, 6, 6)),
    "line": (nn.Conv1d(4, 6, 5, padding="valid", stride=2), (2, 4, 20)),
    "one image": (nn.Conv2d(3, 4, 3), (3, 7, 7)),
}


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_conv_adds_up_the_integers_that_float64_adds_up(name: str, number: int) -> None:
    conv, shape = CONVOLUTIONS[name]
    option = options(conv, STATIC)[number]
    levels = Levels.of(-2.0, 3.0, option["activation"])
    x = torch.from_numpy(np.random.default_rng(4).normal(size=shape).astype(np.float32))
    module = made(conv, option, levels)
    assert isinstance(module, IntegerConv)
    weight = conv.weight.detach().double().flatten(1)
    bound = weight.abs().amax(1) if number < 2 else weight.abs().amax()[None]
    scale = (bound / 127).float()
    steps = torch.round(weight / scale.double()[:, None]).reshape(conv.weight.shape)
    assert torch.equal(module.steps.double(), steps)
    assert torch.equal(module.scale, scale)
    held = torch.round(x * (1 / levels.scale)) + levels.zero_point
    held = held.clamp(0, 255).double() - levels.zero_point
    exact = copy.deepcopy(conv).double()
    scales = scale.double().reshape(-1, *(1 for _ in conv.kernel_size))[:, None]
    exact.weight.data = steps * scales * levels.scale
    with torch.inference_mode():
        expected, found = exact(held), module(x)
        again = copy.deepcopy(module)(x)  # without what was packed for the kernel
        in_floats = module._in_floats(module.levels.steps(x))
    np.testing.assert_allclose(found, expected, atol=1e-5 * float(expected.abs().max()))
    np.testing.assert_allclose(in_floats, expected, atol=1e-5 * float(expected.abs().max()))
    assert torch.equal(again, found)
    assert "int8" in repr(module.steps.dtype)


def test_what_has_no_good_kernel_is_not_computed_in_integers() -> None:
    for conv in (
        nn.Conv3d(2, 3, 3),
        nn.Conv2d(4, 8, 3, groups=4),  # several outputs of one channel
        nn.Conv2d(4, 8, 3, padding=1, padding_mode="circular"),
        nn.Conv1d(4, 8, 2, padding="same"),  # one zero on one side only
    ):
        offered = options(conv, STATIC)
        assert {one["activation"]["dtype"] for one in offered} == {"fp32"}
    assert len(options(nn.Conv2d(4, 8, 3), STATIC)) == 8
    assert len(options(nn.Conv2d(4, 1, 3), STATIC)) == 6  # per channel is per tensor


def test_a_processor_without_exact_kernels_computes_in_floats(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def saturated(one: Any, other: Any) -> Any:
        return (one.float() @ other.float()).clamp(max=2**15 - 1).int()

    monkeypatch.setattr(torch, "_int_mm", saturated)
    integer.has_exact_kernels.cache_clear()
    try:
        offered = options(nn.Linear(4, 4), STATIC)
        assert {one["activation"]["dtype"] for one in offered} == {"fp32"}
        monkeypatch.delattr(torch, "_int_mm")
        integer.has_exact_kernels.cache_clear()
        assert not integer.has_exact_kernels("Linear")
    finally:
        integer.has_exact_kernels.cache_clear()


def test_weights_beyond_half_precision_are_not_held_in_it() -> None:
    linear = nn.Linear(4, 4)
    linear.weight.data[0, 0] = 1e6
    assert all(one["weight"]["dtype"] != "fp16" for one in options(linear, STATIC))


# --- models ---


@pytest.mark.parametrize(("kind", "approach"), CASES)
def test_every_option_is_carried_out(kind: Any, approach: str) -> None:
    adaptor, model, loader = TorchAdaptor(approach), tm.made(kind), tm.data(kind)
    before = adaptor.digest(model)
    exact = results(adaptor, model, loader)
    size_of = adaptor.sizes(model, None)
    assert size_of({}) == adaptor.size(model)
    digests = {before}
    for operation in adaptor.capability(model).operations:
        assert operation.options[-1] == FP32
        assert operation.ranks is not None
        assert sorted(operation.ranks) == list(range(len(operation.options)))
        assert operation.ranks[-1] == 0
        for option in operation.options:
            tune_cfg = {operation.key: option}
            quantized = adaptor.quantize(model, tune_cfg, loader)
            assert type(quantized) is kind
            found = results(adaptor, quantized, loader)
            assert size_of(tune_cfg) == adaptor.size(quantized)
            if option == FP32:
                assert np.array_equal(found, exact)
                continue
            module = quantized.get_submodule(operation.name)
            check(module, option)
            assert 0.0 < relative(found, exact) < 0.3
            digests.add(adaptor.digest(quantized))
    options_of = (len(one.options) - 1 for one in adaptor.capability(model).operations)
    assert len(digests) == 1 + sum(options_of)  # no two options do the same
    assert adaptor.digest(model) == before


@pytest.mark.parametrize(("kind", "approach"), CASES)
def test_a_quantised_model_runs_wherever_it_ran_before(kind: Any, approach: str) -> None:
    """What it keeps at hand in inference mode is of use outside of it."""
    adaptor, model, loader = TorchAdaptor(approach), tm.made(kind), tm.data(kind)
    quantized = adaptor.quantize(model, config(adaptor, model, 0), loader)
    found = results(adaptor, quantized, loader[:1])
    x = torch.from_numpy(loader[0][0])
    for again in (quantized, copy.deepcopy(quantized)):
        np.testing.assert_array_equal(again(x).numpy(), found)
    assert all(one.requires_grad for one in model.parameters())


def check(module: nn.Module, option: Any) -> None:
    """See that a module in a quantised model is what an option says."""
    weight, activation = option["weight"], option["activation"]
    if activation["dtype"] != "fp32":
        assert isinstance(module, IntegerLinear | IntegerConv)
        assert module.steps.dtype == torch.int8
        assert len(module.scale) == (
            len(module.steps) if weight["granularity"] == "per_channel" else 1
        )
        levels = module.levels
        if levels is None:
            assert module.per_token == (activation["granularity"] == "per_token")
        else:
            assert levels.dtype == activation["dtype"] == "uint8"
            assert (levels.zero_point == 128) or activation["scheme"] == "asym"
        return
    stored = [one for one in module.modules() if isinstance(one, Stored)]
    assert stored
    for one in stored:
        assert one.dtype == weight["dtype"]
        if one.dtype == "fp16":
            continue
        assert (one.zero_point is None) == (weight["scheme"] == "sym")
        rows = one.shape[one.axis]
        assert one.scale.shape[0] == rows
        assert (one.scale.ndim == 3) == (weight["granularity"] == "per_block")


@pytest.mark.parametrize(("kind", "approach"), CASES)
def test_all_at_once_are_smaller_and_near(kind: Any, approach: str) -> None:
    adaptor, model, loader = TorchAdaptor(approach), tm.made(kind), tm.data(kind)
    exact = results(adaptor, model, loader)
    tune_cfg = config(adaptor, model, 0)
    quantized = adaptor.quantize(model, tune_cfg, loader)
    assert relative(results(adaptor, quantized, loader), exact) < 0.1
    assert adaptor.size(quantized) < 0.6 * adaptor.size(model)
    assert adaptor.size(quantized) == adaptor.sizes(model, None)(tune_cfg)
    again = adaptor.quantize(model, tune_cfg, loader)
    assert adaptor.digest(again) == adaptor.digest(quantized)


@pytest.mark.parametrize("shape", ["batch first", "length first", "one sequence"])
@pytest.mark.parametrize("crossed", [False, True])
def test_attention_in_modules_is_attention(shape: str, crossed: bool) -> None:
    torch.manual_seed(6)
    module = nn.MultiheadAttention(16, 4, batch_first=shape != "length first").eval()
    ours = Attention(module)
    sizes = {"batch first": (3, 5, 16), "length first": (5, 3, 16), "one sequence": (5, 16)}
    query = torch.randn(sizes[shape])
    other = torch.randn(sizes[shape]) if crossed else query
    padding = torch.zeros(5, dtype=torch.bool) if shape == "one sequence" else None
    if padding is None:
        padding = torch.zeros(3, 5, dtype=torch.bool)
    padding[..., -1] = True
    heads = 4 if shape == "one sequence" else 12
    masks = [None, torch.ones(5, 5).triu(1).bool(), torch.randn(heads, 5, 5)]
    with torch.inference_mode():
        for mask, hidden, needed, averaged in product(
            masks, (None, padding), (True, False), (True, False)
        ):
            hidden = None if hidden is None else hidden
            settings = {
                "attn_mask": mask,
                "key_padding_mask": hidden,
                "need_weights": needed,
                "average_attn_weights": averaged,
            }
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of masks of two kinds
                expected = module(query, other, other, **settings)
            found = ours(query, other, other, **settings)
            torch.testing.assert_close(found[0], expected[0], rtol=1e-4, atol=1e-5)
            if needed:
                torch.testing.assert_close(found[1], expected[1], rtol=1e-4, atol=1e-5)
            else:
                assert found[1] is None


def test_an_encoder_uses_what_was_quantised_in_it() -> None:
    """Its fast kernel would read weights past their modules."""
    model, loader = tm.made(tm.Encoder), tm.data(tm.Encoder)
    adaptor = TorchAdaptor()
    seen = []
    for name in ("encoder.layers.0.linear1", "encoder.layers.1.self_attn.out_proj"):
        option = options(nn.Linear(4, 4), STATIC)[0]
        quantized = adaptor.quantize(model, {(name, "Linear"): option}, loader)
        quantized.get_submodule(name).register_forward_hook(lambda *_: seen.append(1))
        results(adaptor, quantized, loader[:1])
    assert len(seen) == 2


def test_an_opened_model_gives_the_same_with_padding() -> None:
    model = tm.made(tm.Encoder)
    words = torch.randint(1, 30, (4, 6))
    empty = torch.zeros(4, 6, dtype=torch.bool)
    empty[1:, 4:] = True
    with torch.inference_mode():
        torch.testing.assert_close(
            opened(model)(words, empty=empty), model(words, empty=empty), rtol=1e-4, atol=1e-5
        )


def test_attention_may_be_the_whole_model() -> None:
    torch.manual_seed(1)
    model = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    x = np.random.default_rng(0).normal(size=(2, 3, 8)).astype(np.float32)
    adaptor, loader = TorchAdaptor(), [((x, x, x), 0)]
    keys = [one.key for one in adaptor.capability(model).operations]
    assert keys == [("in_proj", "Linear"), ("out_proj", "Linear")]
    quantized = adaptor.quantize(model, config(adaptor, model, 0), loader)
    assert isinstance(quantized, Attention)
    same = torch.from_numpy(x)
    with torch.inference_mode():
        assert relative(quantized(same, same, same)[0], model(same, same, same)[0]) < 0.05
    linear = nn.Linear(8, 2).eval()
    whole = adaptor.quantize(linear, config(adaptor, linear, 0), [(x, 0)])
    assert isinstance(whole, IntegerLinear)


def test_a_module_under_two_names_is_quantised_once() -> None:
    model, loader = tm.made(tm.Perceptron), tm.data(tm.Perceptron)
    adaptor = TorchAdaptor()
    assert [one.name for one in adaptor.capability(model).operations] == ["first", "middle", "out"]
    quantized: Any = adaptor.quantize(model, config(adaptor, model, 0), loader)
    assert quantized.again is quantized.middle


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(20, 16)
        self.out = nn.Linear(16, 20, bias=False)
        self.out.weight = self.table.weight

    def forward(self, words: Any) -> Any:
        return self.out(self.table(words))


def test_a_weight_of_two_modules_stays_while_one_needs_it() -> None:
    model = Tied().eval()
    adaptor = TorchAdaptor(DYNAMIC)
    table, out = adaptor.capability(model).operations
    size_of = adaptor.sizes(model, None)
    for tune_cfg in (
        {},
        {table.key: table.options[0]},
        {out.key: out.options[0]},
        {table.key: table.options[0], out.key: out.options[1]},
    ):
        assert adaptor.size(adaptor.quantize(model, tune_cfg, None)) == size_of(tune_cfg)
    assert size_of({table.key: table.options[0]}) > size_of({})


def test_weights_can_still_be_read() -> None:
    torch.manual_seed(0)
    for module in (nn.Linear(6, 4), nn.Conv2d(3, 4, 2), nn.ConvTranspose1d(3, 4, 2)):
        for option in options(module, STATIC):
            replaced = made(module, option, Levels(0.1, 128, "uint8"))
            assert replaced.weight.shape == module.weight.shape
            assert relative(replaced.weight.detach(), module.weight.detach()) < 0.1
    table = nn.Embedding(5, 4)
    replaced = made(table, options(table, STATIC)[0], None)
    assert isinstance(replaced, StoredEmbedding)
    assert relative(replaced.weight, table.weight.detach()) < 0.01


class Odd(nn.Module):
    """Everything that is left out."""

    def __init__(self) -> None:
        super().__init__()

        class Own(nn.Linear):
            def forward(self, x: Any) -> Any:
                return super().forward(x)

        self.own = Own(4, 4)
        self.norm = nn.LayerNorm(4)
        self.wide = nn.MultiheadAttention(4, 2, kdim=3, batch_first=True)
        self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))
        self.double = nn.Linear(4, 4).double()
        self.hooked = nn.Linear(4, 4)
        self.hooked.register_forward_hook(lambda *_: None)
        self.bounded = nn.Embedding(4, 4, max_norm=1.0)
        self.empty = nn.Conv1d(4, 4, 1)
        self.empty.weight = nn.Parameter(torch.zeros(0, 4, 1))
        self.never = nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        return self.norm(x)


def test_what_is_left_out_has_its_reason() -> None:
    model = Odd().eval()
    capability = TorchAdaptor().capability(model)
    assert [one.name for one in capability.operations] == ["never"]
    reasons = {one.name: one.reason for one in capability.left_out}
    assert "forward of its own" in reasons["own"]
    assert "no kind" in reasons["norm"]
    assert "another width" in reasons["wide"]
    assert "parametrization" in reasons["normed"]
    assert "float64" in reasons["double"]
    assert "hooks" in reasons["hooked"]
    assert "max_norm" in reasons["bounded"]
    assert "empty" in reasons["empty"]
    assert all(not name.startswith("wide.") for name in reasons)


def test_a_module_that_is_never_called_has_no_range() -> None:
    model = Odd().eval()
    adaptor = TorchAdaptor()
    (never,) = adaptor.capability(model).operations
    loader = [(np.ones((2, 4), np.float32), 0)]
    with pytest.raises(AdaptorError, match="'never' was never called"):
        adaptor.quantize(model, {never.key: never.options[0]}, loader)
    adaptor.quantize(model, {never.key: never.options[-2]}, loader)  # its weight alone


# --- calibration ---


def ranges(algorithm: str, batches: list[Any], size: int = 100) -> Levels:
    model = nn.Sequential(nn.Linear(2, 2)).eval()
    adaptor = TorchAdaptor()
    (linear,) = adaptor.capability(model).operations
    settings = {"calib_algorithm": algorithm, "calib_sampling_size": size}
    quantized: Any = adaptor.quantize(model, {linear.key: linear.options[0], **settings}, batches)
    levels: Levels = quantized[0].levels
    return levels


def test_minmax_takes_all_of_the_samples_and_no_more() -> None:
    batches = [(np.array([[1.0, -2.0], [3.0, 0.0]]), 0), (np.array([[9.0, 0.0], [50.0, 0.0]]), 0)]
    assert ranges("minmax", batches, 2).scale == np.float32(5 / 255)
    assert ranges("minmax", batches, 3).scale == np.float32(11 / 255)
    assert ranges("minmax", batches).scale == np.float32(52 / 255)


def test_percentile_leaves_outliers_out() -> None:
    values = np.random.default_rng(0).uniform(-1, 1, (50_000, 2)).astype(np.float32)
    values[7] = 40.0, -40.0
    wide = ranges("minmax", [(values, 0)], 50_000)
    narrow = ranges("percentile", [(values, 0)], 50_000)
    assert wide.scale == np.float32(80 / 255)
    assert narrow.scale < 3 / 255
    constant = [(np.zeros((3, 2), np.float32), 0)]
    assert ranges("percentile", constant).scale == 1.0


def test_calibration_is_done_once() -> None:
    class Counted:
        def __init__(self) -> None:
            self.times = 0

        def __iter__(self) -> Any:
            self.times += 1
            return iter(tm.data(tm.Perceptron))

    adaptor, model, loader = TorchAdaptor(), tm.made(tm.Perceptron), Counted()
    for number in (0, 1, 2):
        adaptor.quantize(model, config(adaptor, model, number), loader)
    assert loader.times == 1 + 3  # once to calibrate, and for an example of the input each time
    for size in range(1, 20):
        tune_cfg = {**config(adaptor, model, 0), "calib_sampling_size": size}
        adaptor.quantize(model, tune_cfg, loader)
    assert len(adaptor._calibrations) == 16


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        (None, "dataloader is None"),
        ([], "it gave no sample"),
        ([3], "batch 0 is a int"),
        ([(np.ones((2, 5), np.float32), 0)], r"float32 of shape \(2, 5\)"),
        ([(np.full((2, 16), np.nan, np.float32), 0)], "'first' holds values that are not finite"),
    ],
)
def test_data_that_do_not_fit_are_refused(loader: Any, message: str) -> None:
    adaptor, model = TorchAdaptor(), tm.made(tm.Perceptron)
    with pytest.raises(AdaptorError, match=message):
        adaptor.quantize(model, config(adaptor, model, 0), loader)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (("gone", "Linear"), FP32, "no such module"),
        (("first", "Linear"), {}, r"\['weight'\]\['dtype'\] is None"),
        (
            ("first", "Linear"),
            {"weight": SIDES[2], "activation": {"dtype": "uint4"}},
            r"\['activation'\]\['dtype'\] is 'uint4', expected one of fp32, uint8",
        ),
        (
            ("first", "Linear"),
            {"weight": SIDES[4], "activation": options(nn.Linear(2, 2), STATIC)[0]["activation"]},
            "which no kernel for Linear can do",
        ),
        ("calib_sampling_size", 0, "expected an integer of at least 1"),
        ("calib_algorithm", "entropy", "expected one of minmax, percentile"),
    ],
)
def test_what_cannot_be_done_is_refused(key: Any, value: Any, message: str) -> None:
    adaptor, model = TorchAdaptor(), tm.made(tm.Perceptron)
    with pytest.raises(AdaptorError, match=message):
        adaptor.quantize(model, {key: value}, tm.data(tm.Perceptron))


def test_an_adaptor_is_of_an_approach_and_some_threads() -> None:
    with pytest.raises(AdaptorError, match="approach is 'post'"):
        TorchAdaptor("post")
    with pytest.raises(AdaptorError, match="threads is 0"):
        TorchAdaptor(threads=0)


# --- running ---


def test_a_process_is_left_as_it_was_found() -> None:
    before = torch.get_num_threads()
    adaptor, loader = TorchAdaptor(threads=2), tm.data(tm.Perceptron)
    threads = []
    model = tm.made(tm.Perceptron)
    model.register_forward_hook(lambda *_: threads.append(torch.get_num_threads()))
    adaptor.evaluate(model, loader, lambda *_: 0.0)
    assert set(threads) == {2}
    assert torch.get_num_threads() == before
    assert not torch.is_inference_mode_enabled()
    assert adaptor.timer(model, loader)() > 0.0


class Named(nn.Module):
    def forward(self, x: Any, *, scale: Any = None) -> Any:
        return {"doubled": x * 2, "rest": [x if scale is None else x * scale, None]}


def test_inputs_and_outputs_come_in_the_usual_forms() -> None:
    adaptor, x = TorchAdaptor(), np.arange(6.0).reshape(3, 2)
    got: list[Any] = []

    def metric(outputs: Any, labels: Any) -> float:
        got.append((outputs, labels))
        return 1.0

    inputs = ({"x": x, "scale": 3}, (x,), torch.from_numpy(x))
    for given in inputs:
        adaptor.evaluate(Named().eval(), [(given, torch.arange(3)), (given, [4, 5, 6])], metric)
    for outputs, labels in got:
        assert [one.shape for one in outputs] == [(6, 2), (6, 2)]
        assert outputs[0].dtype == np.float32
        assert labels.tolist() == [0, 1, 2, 4, 5, 6]
    assert np.array_equal(got[0][0][1][:3], 3 * x)


def test_what_cannot_be_evaluated_is_refused() -> None:
    adaptor, model, x = TorchAdaptor(), Named().eval(), np.ones((1, 2))
    with pytest.raises(AdaptorError, match="the label is None"):
        adaptor.evaluate(model, [(x, None)], lambda *_: 0.0)
    for call in (adaptor.timer, adaptor.footprint):
        with pytest.raises(AdaptorError, match="it gave no batch"):
            call(model, [])
    with pytest.raises(AdaptorError, match="it gave no batch"):
        adaptor.evaluate(model, [], lambda *_: 0.0)

    class Silent(nn.Module):
        def forward(self, _: Any) -> str:
            return "nothing"

    with pytest.raises(AdaptorError, match="it returned a str"):
        adaptor.evaluate(Silent().eval(), [(x, 0)], lambda *_: 0.0)
    with pytest.raises(AdaptorError, match="cannot be run with"):
        adaptor.evaluate(model, [({"y": x, "scale": "s"}, 0)], lambda *_: 0.0)


def test_the_memory_of_a_model_is_measured_in_a_process_of_its_own() -> None:
    adaptor = TorchAdaptor()
    model = nn.Sequential(nn.Linear(2000, 2000), nn.ReLU(), nn.Linear(2000, 2000)).eval()
    x = np.ones((2, 2000), np.float32)
    assert adaptor.footprint(model, [(x, 0)]) > 2 * 16_000_000
    with pytest.raises(AdaptorError, match="memory of the model cannot be measured"):
        adaptor.footprint(model, [(x[:, :9], 0)])


# --- files ---

LOADED = pytest.mark.filterwarnings("ignore:.isinstance.treespec:FutureWarning")
"""PyTorch 2.13 warns of itself when a program that was loaded is called."""

ALONE = """
import pathlib, sys, torch, numpy
for path in pathlib.Path(sys.argv[1]).glob("*.pt2"):
    program = torch.export.load(path).module()
    with torch.inference_mode():
        found = program(torch.from_numpy(numpy.load(path.with_suffix(".in.npy"))))
    numpy.save(path.with_suffix(".out.npy"), found.numpy())
assert not any(name.startswith(("strategies", "asktell", "torch_models")) for name in sys.modules)
"""


@LOADED
def test_saved_models_are_loaded_with_torch_alone(tmp_path: Path) -> None:
    expected, adaptor = {}, TorchAdaptor()
    for kind, approach in (*((kind, STATIC) for kind in KINDS), (tm.Perceptron, DYNAMIC)):
        adaptor, model, loader = TorchAdaptor(approach), tm.made(kind), tm.data(kind)
        operations = adaptor.capability(model).operations
        tune_cfg = {o.key: o.options[i % len(o.options)] for i, o in enumerate(operations)}
        quantized = adaptor.quantize(model, tune_cfg, loader)
        path = tmp_path / f"{kind.__name__}_{approach}.pt2"
        adaptor.save(quantized, str(path))
        other = tm.data(kind, rows=11)[:1]  # more rows than the example had
        np.save(path.with_suffix(".in.npy"), other[0][0])
        expected[path] = results(adaptor, quantized, other)
        size = adaptor.size(quantized)
        assert size < path.stat().st_size < size + 2_500 * (len(operations) + 4)
    script = tmp_path / "alone.py"
    script.write_text(ALONE, encoding="utf-8")
    command = [sys.executable, "-W", "ignore", str(script), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for path, outputs in expected.items():
        found = np.load(path.with_suffix(".out.npy"))
        np.testing.assert_allclose(found, outputs, atol=1e-5 * np.abs(outputs).max())
    assert adaptor.capability(adaptor.load(path)).operations == ()


class Winding(nn.Module):
    """Takes a way that depends on values, which no program can."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, x: Any) -> Any:
        return self.linear(x) if float(x.sum()) > 0 else x


def test_what_cannot_be_exported_is_saved_as_a_module(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    adaptor, model = TorchAdaptor(DYNAMIC), Winding().eval()
    tune_cfg = config(adaptor, model, 0)
    x = np.ones((2, 2), np.float32)
    path = str(tmp_path / "model.pt2")
    with caplog.at_level(logging.WARNING, "strategies"):
        adaptor.save(adaptor.quantize(model, tune_cfg, None), path)
        assert "never called" in caplog.text
        quantized = adaptor.quantize(model, tune_cfg, [(x, 0)])
        adaptor.save(quantized, path)
    assert "no program" in caplog.text
    loaded = adaptor.load(path)
    assert adaptor.digest(loaded) == adaptor.digest(quantized)
    with pytest.raises(AdaptorError, match="cannot be read"):
        adaptor.load(tmp_path / "gone.pt2")
    torch.save({"weights": 1}, path)
    with pytest.raises(AdaptorError, match="holds a dict"):
        adaptor.load(path)
    with pytest.raises(AdaptorError, match="model is a int"):
        adaptor.load(3)  # type: ignore[arg-type]


@LOADED
def test_a_single_sample_is_no_limit_on_the_size_of_a_batch(tmp_path: Path) -> None:
    adaptor, model = TorchAdaptor(DYNAMIC), tm.made(tm.Perceptron)
    quantized = adaptor.quantize(model, config(adaptor, model, 0), None)
    (one,) = tm.data(tm.Perceptron, 1, 1)
    results(adaptor, quantized, [one])  # from which it knows what an input is like
    path = tmp_path / "model.pt2"
    adaptor.save(quantized, str(path))
    many = tm.data(tm.Perceptron)
    assert results(adaptor, path, many).shape == (18, 3)
    assert quantized._forward_pre_hooks  # the model itself is left as it was


def test_a_model_in_training_is_evaluated_as_a_copy() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.9)).train()
    loaded = TorchAdaptor().load(model)
    assert loaded is not model
    assert not loaded.training
    assert model.training
    assert TorchAdaptor().load(loaded) is loaded


def test_a_model_elsewhere_is_refused() -> None:
    with pytest.raises(AdaptorError, match="on meta, expected cpu"):
        TorchAdaptor().load(nn.Linear(2, 2, device="meta"))


def test_a_digest_tells_models_apart() -> None:
    adaptor = TorchAdaptor()
    one = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Dropout(0.1)).eval()
    same = copy.deepcopy(one)
    assert adaptor.digest(one) == adaptor.digest(same)
    other = nn.Sequential(*list(copy.deepcopy(one))[:1], nn.GELU(), nn.Dropout(0.1)).eval()
    assert adaptor.digest(other) != adaptor.digest(one)
    with torch.no_grad():
        same[0].bias[0] += 1
    assert adaptor.digest(same) != adaptor.digest(one)
    layers = [nn.TransformerEncoderLayer(8, 2, 8, norm_first=first) for first in (True, False)]
    layers[1].load_state_dict(layers[0].state_dict())
    assert len({adaptor.digest(layer.eval()) for layer in layers}) == 2
    assert adaptor.digest(nn.BatchNorm1d(3)) == adaptor.digest(nn.BatchNorm1d(3))


def test_a_quantised_model_compiles_to_the_same() -> None:
    adaptor, model, loader = TorchAdaptor(), tm.made(tm.Perceptron), tm.data(tm.Perceptron)
    quantized = adaptor.quantize(model, config(adaptor, model, 0), loader)
    compiled = torch.compile(quantized, backend="eager")
    x = torch.from_numpy(loader[0][0])
    with torch.inference_mode():
        torch.testing.assert_close(compiled(x), quantized(x), rtol=1e-5, atol=1e-6)


# --- with the strategies ---


def document(folder: Path, **tuning: Any) -> dict[str, Any]:
    return {
        "model": {"framework": "pytorch"},
        "tuning": {
            "objective": "modelsize",
            "exit_policy": {"max_trials": 3, "timeout": 60},
            "workspace": {"path": str(folder)},
            **tuning,
        },
        "evaluation": {"accuracy": {"metric": {"topk": 1}}},
    }


def test_the_adaptor_is_chosen_by_the_framework(tmp_path: Path) -> None:
    for framework, approach in product(("pytorch", "pytorch_fx"), APPROACHES):
        keys = document(tmp_path)
        keys["model"]["framework"] = framework
        keys["quantization"] = {"approach": approach}
        adaptor = adaptor_for(Conf(keys))
        assert isinstance(adaptor, TorchAdaptor)
        assert adaptor.approach == approach


@LOADED
def test_a_strategy_tunes_a_module_and_saves_it(tmp_path: Path) -> None:
    model, loader = tm.made(tm.Perceptron), tm.data(tm.Perceptron)
    truth = results(TorchAdaptor(), model, loader).argmax(1)
    labelled = [(x, truth[6 * i : 6 * i + 6]) for i, (x, _) in enumerate(loader)]
    conf = Conf(document(tmp_path, accuracy_criterion={"absolute": 0.3}))
    result = tune(model, conf, loader, labelled, quiet=True, report=False)
    assert result is not None
    assert result.meets
    assert isinstance(result.model.get_submodule("first"), IntegerLinear | StoredLinear)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"best_model.pt2", "history.json"}
    saved = TorchAdaptor().load(tmp_path / "best_model.pt2")
    expected = results(TorchAdaptor(), result.model, loader)
    np.testing.assert_allclose(
        results(TorchAdaptor(), saved, loader), expected, atol=1e-5 * np.abs(expected).max()
    )
    more = document(tmp_path, accuracy_criterion={"absolute": 0.3})
    more["tuning"]["exit_policy"]["max_trials"] = 4
    again = tune(model, Conf(more), loader, labelled, quiet=True, report=False)
    assert again is not None


def test_options_can_be_limited_by_the_configuration(tmp_path: Path) -> None:
    keys = document(tmp_path)
    keys["quantization"] = {
        "approach": DYNAMIC,
        "model_wise": {"weight": {"dtype": ["int4", "fp16", "fp32"]}},
        "op_wise": {"out": {"weight": {"dtype": "int8"}, "activation": {"dtype": "int8"}}},
    }
    model = tm.made(tm.Perceptron)
    del keys["quantization"]["model_wise"]["weight"]
    strategy = BayesianTuneStrategy(model, Conf(keys), None, eval_func=lambda _: 1.0)
    labels = list(strategy.tuning_space.operations["out", "Linear"])
    assert labels == ["w int8 sym channel, a int8 sym token", "w int8 sym tensor, a int8 sym token"]


def test_the_block_of_the_documentation_runs(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "quantisation.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python torch\n(.*?)```", page, re.DOTALL)
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", block],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert "Measurement(accuracy=0.9" in run.stdout, run.stderr
    assert "tensor([" in run.stdout
