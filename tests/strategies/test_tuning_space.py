"""The tuning space: what adaptor and configuration leave to choose from."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from fakes import KEYS, OPTIONS, SIZES, conf, effect

import asktell as at
from strategies.adaptors.base import FP32, Capability, OpConfig, Operation, OpKey
from strategies.allowed import named, option_label
from strategies.errors import ArgumentError, ConfError
from strategies.tuning_space import TuningSpace

FAST = Capability(tuple(Operation(*key, tuple(OPTIONS.values())) for key in KEYS))


def side(dtype: str, scheme: str = "sym", granularity: str = "per_tensor") -> dict[str, str]:
    return {"dtype": dtype, "scheme": scheme, "granularity": granularity}


ALL = tuple(
    {"weight": side("int8", scheme, granularity), "activation": side(dtype, "asym")}
    for scheme, granularity, dtype in product(
        ("sym", "asym"), ("per_tensor", "per_channel"), ("uint8", "int8")
    )
)
"""Eight options."""


def space_of(
    quantization: dict[str, Any] | None = None,
    options: tuple[OpConfig, ...] = (*ALL, FP32),
    names: tuple[str, ...] = ("conv1", "conv2", "fc"),
    algorithms: tuple[str, ...] = ("minmax", "entropy"),
) -> TuningSpace:
    operations = tuple(Operation(name, "Conv", options) for name in names)
    return TuningSpace.of(Capability(operations, algorithms), conf(quantization=quantization))


def offered(space: TuningSpace, name: str = "conv1") -> list[OpConfig]:
    return list(space.operations[name, "Conv"].values())


def refused(quantization: dict[str, Any] | None = None, **kwargs: Any) -> ConfError:
    with pytest.raises(ConfError) as caught:
        space_of(quantization, **kwargs)
    assert isinstance(caught.value, ValueError)
    return caught.value


# ------------------------------------------------------------------------- what can be chosen


def test_everything_is_offered_in_the_adaptors_order() -> None:
    space = space_of()
    assert offered(space) == [*ALL, FP32]
    assert space.algorithms == ("minmax", "entropy")
    assert space.sampling_sizes == SIZES
    assert space.space.size == (9**3 - 1) * 2 * 2 + 1  # of FP32 there is one
    assert space.space.names == (
        "conv1 (Conv)",
        "conv2 (Conv)",
        "fc (Conv)",
        "calib_algorithm",
        "calib_sampling_size",
    )


def ranked(ranks: tuple[int, ...], quantization: dict[str, Any] | None = None) -> TuningSpace:
    options = (*ALL[:3], FP32)
    operations = (Operation("a", "Conv", options, ranks), Operation("b", "Conv", options))
    return TuningSpace.of(Capability(operations), conf(quantization=quantization), True)


def test_options_are_in_order_where_the_adaptor_knows_it() -> None:
    space = ranked((3, 1, 2, 0))
    labels = [option_label(option) for option in (*ALL[:3], FP32)]
    ordered, unordered, _ = space.space.parameters
    assert ordered == at.Ordinal("a (Conv)", [labels[3], labels[1], labels[2], labels[0]])
    assert unordered == at.Categorical("b (Conv)", labels)
    assert space.default() == {
        "a (Conv)": labels[0],
        "b (Conv)": labels[0],
        "calib_sampling_size": SIZES[0],
    }
    assert space.most_exact() == {**space.default(), "a (Conv)": labels[1]}
    assert space.tune_cfg(space.default())["a", "Conv"] == ALL[0]
    assert space.params(space.tune_cfg(space.most_exact())) == space.most_exact()


def test_without_need_there_is_no_order() -> None:
    operation = Operation("a", "Conv", (*ALL[:3], FP32), (3, 1, 2, 0))
    space = TuningSpace.of(Capability((operation,)), conf())
    assert isinstance(space.space.parameters[0], at.Categorical)
    assert space.most_exact() == space.default()


def test_the_most_exact_option_is_one_that_is_allowed() -> None:
    limited = {"op_wise": {"a": {"activation": {"dtype": ["uint8", "fp32"]}}}}
    space = ranked((3, 1, 2, 0), limited)
    assert space.most_exact()["a (Conv)"] == option_label(ALL[2])
    only_float = {"op_wise": {"a": {"weight": {"dtype": "fp32"}}}}
    assert ranked((3, 1, 2, 0), only_float).most_exact()["a (Conv)"] == "fp32"


def test_what_has_one_value_is_no_parameter_but_stands_in_the_configuration() -> None:
    sizes = {"calibration": {"sampling_size": 7}}
    space = space_of(sizes, algorithms=("entropy",))
    assert space.space.names == ("conv1 (Conv)", "conv2 (Conv)", "fc (Conv)")
    config = space.tune_cfg(space.default())
    assert config["calib_algorithm"] == "entropy"
    assert config["calib_sampling_size"] == 7


def test_without_calibration_there_is_nothing_to_say_of_it() -> None:
    space = space_of(algorithms=())
    assert space.sampling_sizes == ()
    assert set(space.tune_cfg(space.default())) == set(space.operations)


@pytest.mark.parametrize(
    ("limit", "fits"),
    [
        ({"weight": {"scheme": "asym"}}, lambda w, a: w["scheme"] == "asym"),
        ({"weight": {"scheme": ["sym", "asym"]}}, lambda w, a: True),
        ({"weight": {"granularity": "per_channel"}}, lambda w, a: "channel" in w["granularity"]),
        ({"activation": {"dtype": ["int8", "fp32"]}}, lambda w, a: a["dtype"] == "int8"),
        (
            {"weight": {"scheme": "sym"}, "activation": {"dtype": ["uint8", "fp32"]}},
            lambda w, a: w["scheme"] == "sym" and a["dtype"] == "uint8",
        ),
        ({"weight": {"algorithm": "minmax"}}, lambda w, a: True),
        ({"weight": None}, lambda w, a: True),
        ({}, lambda w, a: True),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_limits_keep_what_fits_and_leave_fp32(limit: dict[str, Any], fits: Any) -> None:
    kept = [option for option in ALL if fits(option["weight"], option["activation"])]
    for quantization in ({"model_wise": limit}, {"op_wise": {"*": limit}}):
        for name in ("conv1", "fc"):
            assert offered(space_of(quantization), name) == [*kept, FP32]


@pytest.mark.parametrize("one", ["weight", "activation"])
def test_dtypes_without_fp32_forbid_it(one: str) -> None:
    space = space_of({"model_wise": {one: {"dtype": ["int8", "uint8"]}}})
    assert offered(space) == list(ALL)
    assert space.unquantised() is None


def test_fp32_alone_can_be_asked_for() -> None:
    fp32 = {"weight": {"dtype": "fp32"}, "activation": {"dtype": "fp32"}}
    space = space_of({"op_wise": {"conv?": fp32}})
    assert offered(space, "conv1") == offered(space, "conv2") == [FP32]
    assert offered(space, "fc") == [*ALL, FP32]


def test_patterns_choose_operations_and_several_limits_add_up() -> None:
    space = space_of(
        {
            "model_wise": {"weight": {"scheme": "sym"}},
            "op_wise": {
                "conv*": {"weight": {"granularity": "per_channel"}},
                "conv2": {"activation": {"dtype": "int8"}},
                "fc": None,
            },
        }
    )
    symmetric = [option for option in ALL if option["weight"]["scheme"] == "sym"]
    channel = [o for o in symmetric if o["weight"]["granularity"] == "per_channel"]
    assert offered(space, "fc") == [*symmetric, FP32]
    assert offered(space, "conv1") == [*channel, FP32]
    assert offered(space, "conv2") == [o for o in channel if o["activation"]["dtype"] == "int8"]


@pytest.mark.parametrize("wanted", ["entropy", ["entropy"], ["percentile", "entropy"]])
def test_the_calibration_can_be_limited(wanted: Any) -> None:
    space = space_of({"model_wise": {"activation": {"algorithm": wanted}}})
    assert space.algorithms == ("entropy",)
    assert offered(space) == [*ALL, FP32]


def test_of_several_algorithms_the_adaptors_order_counts() -> None:
    space = space_of({"model_wise": {"activation": {"algorithm": ["entropy", "minmax"]}}})
    assert space.algorithms == ("minmax", "entropy")


def test_an_activation_left_empty_limits_nothing() -> None:
    assert space_of({"model_wise": {"activation": None}}) == space_of()


# ------------------------------------------------------------------------------ what is refused


def test_a_model_with_nothing_to_quantise_is_refused() -> None:
    assert refused(names=()).place == "$.model"


def test_a_pattern_that_fits_nothing_is_refused_with_the_names() -> None:
    error = refused({"op_wise": {"conv*": {}, "Conv1": {}}})
    assert error.place == "$.quantization.op_wise"
    assert error.got == "Conv1"
    assert "conv2" in error.expected


@pytest.mark.parametrize(
    ("quantization", "place"),
    [
        ({"model_wise": {"weight": {"dtype": "uint8"}}}, "$.quantization.model_wise"),
        (
            {
                "op_wise": {
                    "conv1": {
                        "weight": {"dtype": ["uint8", "fp32"]},
                        "activation": {"dtype": "int8"},
                    }
                }
            },
            "$.quantization.op_wise.conv1",
        ),
        (
            {
                "model_wise": {"weight": {"scheme": "sym", "dtype": "int8"}},
                "op_wise": {"conv*": {"weight": {"scheme": "asym"}}},
            },
            "$.quantization.op_wise.conv*",
        ),
    ],
    ids=["model_wise", "op_wise", "both"],
)
def test_limits_that_leave_an_operation_nothing_are_refused(
    quantization: dict[str, Any], place: str
) -> None:
    error = refused(quantization)
    assert error.place == place
    assert "'conv1'" in error.expected
    assert "w int8 sym tensor" in error.expected  # what there was before


def test_a_calibration_that_the_adaptor_does_not_know_is_refused() -> None:
    error = refused({"model_wise": {"activation": {"algorithm": "percentile"}}})
    assert error.place == "$.quantization.model_wise.activation.algorithm"
    assert "entropy" in error.expected
    assert (
        refused({"model_wise": {"activation": {"algorithm": "minmax"}}}, algorithms=()).place
        == error.place
    )


# ------------------------------------------------------------------- params and configurations


def all_params(space: TuningSpace) -> list[dict[str, Any]]:
    inner = space.space
    return [inner.params(inner.configuration(index)) for index in range(inner.size or 0)]


def test_the_default_is_the_first_of_everything() -> None:
    space = space_of(algorithms=("entropy", "minmax"))
    assert space.tune_cfg(space.default()) == {
        ("conv1", "Conv"): ALL[0],
        ("conv2", "Conv"): ALL[0],
        ("fc", "Conv"): ALL[0],
        "calib_algorithm": "entropy",
        "calib_sampling_size": 50,
    }


def test_params_and_tune_configurations_are_one_to_one() -> None:
    space = TuningSpace.of(FAST, conf())
    seen: list[dict[Any, Any]] = []
    for params in all_params(space):
        config = space.tune_cfg(params)
        assert config not in seen
        assert space.params(config) == params
        seen.append(config)
    assert len(seen) == 8 * 2 + 1


def test_params_mean_the_same_exactly_where_their_effect_is_the_same() -> None:
    capability = Capability(FAST.operations, ("minmax", "entropy"))
    space = TuningSpace.of(capability, conf())
    params = all_params(space)
    assert len({effect(space.tune_cfg(one)) for one in params}) == len(params) == 8 * 4 + 1
    names = [parameter.name for parameter in space.space.parameters]
    choices = [getattr(p, "choices", None) or p.values for p in space.space.parameters]
    for values in product(*choices):
        given = dict(zip(names, values, strict=True))
        same = space.canonical(given)
        assert same in params
        assert effect(space.tune_cfg(same)) == effect(space.tune_cfg(given))


def test_unquantised_is_fp32_everywhere() -> None:
    space = TuningSpace.of(FAST, conf())
    params = space.unquantised()
    assert params is not None
    config = space.tune_cfg(params)
    assert [config[key] for key in KEYS] == [FP32, FP32]
    assert space.canonical({**params, "calib_sampling_size": SIZES[1]}) == params


def test_one_operation_that_must_be_quantised_leaves_no_unquantised_params() -> None:
    space = space_of({"op_wise": {"fc": {"weight": {"dtype": "int8"}}}})
    assert space.unquantised() is None


def test_one_name_under_two_types_are_two_operations() -> None:
    space = TuningSpace.of(FAST, conf())
    assert space.space.names[:2] == ("block (Conv)", "block (MatMul)")
    params = {**space.default(), "block (MatMul)": "fp32"}
    keys: list[OpKey] = [("block", "Conv"), ("block", "MatMul")]
    assert [space.tune_cfg(params)[key] for key in keys] == [OPTIONS["tensor"], FP32]


# ------------------------------------------------------------------------------------- labels


def test_labels_name_options() -> None:
    assert option_label(FP32) == "fp32"
    assert option_label(ALL[0]) == "w int8 sym tensor, a uint8 asym"
    assert option_label(ALL[-1]) == "w int8 asym channel, a int8 asym"


@pytest.mark.parametrize("quantised", ["weight", "activation"])
def test_an_option_may_quantise_one_side_only(quantised: str) -> None:
    option = {**FP32, quantised: side("int8")}
    space = space_of(options=(option, FP32))
    assert offered(space) == [option, FP32]


def test_a_tune_configuration_that_the_space_does_not_have_is_refused() -> None:
    space = space_of()
    tune_cfg = space.tune_cfg(space.default())
    assert space.params(tune_cfg) == space.default()
    for wrong in (
        {key: value for key, value in tune_cfg.items() if key != ("fc", "Conv")},
        {**tune_cfg, ("fc", "Conv"): {"weight": side("int4"), "activation": side("int8")}},
    ):
        with pytest.raises(ArgumentError) as caught:
            space.params(wrong)
        assert caught.value.place == "$.('fc', 'Conv')"


# ------------------------------------------------------------------- without a weight, and smoothed

WEIGHTLESS = {"weight": {"dtype": "fp32"}, "activation": side("uint8", "asym")}


def with_passive(objective: str, quantization: dict[str, Any] | None = None) -> TuningSpace:
    operations = (
        Operation("conv", "Conv", (*ALL, FP32)),
        Operation("sum", "Add", (WEIGHTLESS, FP32), is_passive=True, has_weight=False),
    )
    settings = conf(quantization=quantization, tuning={"objective": objective})
    return TuningSpace.of(Capability(operations, smooth_quant=("off", "0.5")), settings)


@pytest.mark.parametrize(("objective", "n"), [("performance", 2), ("modelsize", 1)])
def test_what_saves_no_bytes_is_a_choice_where_time_is_an_objective(objective: str, n: int) -> None:
    assert len(with_passive(objective).operations) == n


def test_limits_of_weights_do_not_concern_what_has_none() -> None:
    space = with_passive("performance", {"model_wise": {"weight": {"dtype": "int8"}}})
    assert list(space.operations["sum", "Add"].values()) == [WEIGHTLESS, FP32]
    assert FP32 not in space.operations["conv", "Conv"].values()
    space = with_passive("performance", {"model_wise": {"activation": {"dtype": "uint8"}}})
    assert list(space.operations["sum", "Add"].values()) == [WEIGHTLESS]


def test_a_model_without_weights_takes_time_as_an_objective() -> None:
    operations = (Operation("sum", "Add", (WEIGHTLESS, FP32), has_weight=False),)
    with pytest.raises(ConfError, match="performance, as no operation has a weight"):
        TuningSpace.of(Capability(operations), conf(tuning={"objective": "modelsize"}))


def test_smoothing_is_a_choice_that_begins_with_none() -> None:
    space = with_passive("modelsize")
    assert space.default()["smooth_quant"] == "off"
    config = space.tune_cfg(space.default() | {"smooth_quant": "0.5"})
    assert config["smooth_quant"] == "0.5"
    assert space.params(config)["smooth_quant"] == "0.5"
    off, on = ({**space.default(), "smooth_quant": one} for one in ("off", "0.5"))
    assert space.canonical(off) == off
    assert space.canonical(on) == on
    unquantised = space.unquantised()
    assert unquantised is not None
    assert space.canonical(unquantised | {"smooth_quant": "0.5"}) == unquantised


def test_smoothing_can_be_left_out() -> None:
    space = with_passive("modelsize", {"recipes": {"smooth_quant": False}})
    assert "smooth_quant" not in space.space.names
    assert "smooth_quant" not in space.tune_cfg(space.default())


def test_a_pattern_that_names_nothing_may_be_a_regular_expression() -> None:
    limit = {"weight": {"dtype": "fp32"}, "activation": {"dtype": "fp32"}}
    as_glob, as_expression = (space_of({"op_wise": {one: limit}}) for one in ("conv?", "conv."))
    assert as_expression == as_glob
    assert named("conv.*", ["conv1", "fc"]) == {"conv1"}
    assert named("conv.*", ["conv.1", "conv1"]) == {"conv.1"}  # as a pattern it names one
    assert named("conv(", ["conv1"]) == set()
