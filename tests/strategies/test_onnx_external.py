"""Models whose data lies beside their file: read, measured, run and written."""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnx_models import cnn, loader, normal, product, residual

from strategies import BayesianTuneStrategy, Conf, workspace
from strategies.adaptors.onnx import external
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.options import DYNAMIC, WEIGHT_ONLY
from strategies.adaptors.onnx.running import open_session
from strategies.errors import AdaptorError

LIMIT = 1000
"""Instead of 1.9 GB."""


def wide() -> onnx.ModelProto:
    return product(100, 30)


def written(folder: Path) -> str:
    """Write a model the way ONNX's own writer lays out a large one."""
    path = str(folder / "wide.onnx")
    onnx.save(wide(), path, save_as_external_data=True, location="wide.bin", size_threshold=100)
    return path


def test_data_beside_the_file_is_read_and_counts(tmp_path: Path) -> None:
    path, adaptor = written(tmp_path), OnnxRuntimeAdaptor(DYNAMIC)
    assert adaptor.load(path) == wide()
    files = [tmp_path / "wide.onnx", tmp_path / "wide.bin"]
    assert adaptor.size(path) == sum(map(os.path.getsize, files))
    assert adaptor.size(path) > 100 * 30 * 4
    assert adaptor.digest(path) == adaptor.digest(wide())
    assert adaptor.capability(path) == adaptor.capability(wide())


def test_missing_data_is_said(tmp_path: Path) -> None:
    path = written(tmp_path)
    (tmp_path / "wide.bin").unlink()
    for ask in (OnnxRuntimeAdaptor().size, OnnxRuntimeAdaptor().load):
        with pytest.raises(AdaptorError, match=r"wide\.onnx"):
            ask(path)


def test_a_large_model_is_written_in_two_files(tmp_path: Path) -> None:
    model, path = wide(), str(tmp_path / "m.onnx")
    before = model.SerializeToString()
    external.write(model, path, LIMIT)
    assert model.SerializeToString() == before
    name, data = sorted(os.listdir(tmp_path))
    assert name == "m.onnx"
    assert fnmatch(data, "m.onnx.????????.data")
    assert os.path.getsize(tmp_path / "m.onnx") < LIMIT
    assert external.read(path) == model
    onnx.checker.check_model(path)
    external.write(model, path)
    assert os.path.getsize(path) == len(before)


def test_a_large_model_runs() -> None:
    for model in (wide(), quantised()):
        whole, parted = (open_session(model, 1, limit) for limit in (external.LIMIT, LIMIT))
        x = {"x": normal(0, 4, 100)}
        np.testing.assert_array_equal(whole.run(None, x)[0], parted.run(None, x)[0])


def quantised() -> onnx.ModelProto:
    adaptor = OnnxRuntimeAdaptor(WEIGHT_ONLY)
    (operation,) = adaptor.capability(wide()).operations
    return adaptor.quantize(wide(), {operation.key: operation.options[0]}, None)


def test_sizes_go_beyond_what_one_message_can_hold() -> None:
    for model in (wide(), quantised(), cnn()):
        assert external.byte_size(model) == model.ByteSize() == len(model.SerializeToString())


def test_the_size_of_a_constant_is_known_without_its_data() -> None:
    kinds = ("float32", "float16", "float64", "int64", "int32", "int8", "uint8", "bool")
    tensors = [onnx.numpy_helper.from_array(np.ones((3, 5), kind), "t") for kind in kinds]
    tensors += list(quantised().graph.initializer)
    tensors.append(TensorProto(name="four", dims=[3], data_type=TensorProto.INT4, raw_data=b"ab"))
    tensors.append(onnx.helper.make_tensor("floats", TensorProto.FLOAT, [2], [1.0, 2.0]))
    assert [external.tensor_size(one) for one in tensors] == [one.ByteSize() for one in tensors]


def test_kinds_are_inferred_without_large_constants(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond 2 GB the library that infers them takes no model that is whole."""
    model, data, sizes = residual("r1"), loader((3, 4, 4)), []
    model.graph.initializer.append(onnx.numpy_helper.from_array(normal(0, 100, 100), "unread"))
    infer = onnx.shape_inference.infer_shapes
    monkeypatch.setattr(
        onnx.shape_inference, "infer_shapes", lambda m: (sizes.append(m.ByteSize()), infer(m))[1]
    )
    operations = OnnxRuntimeAdaptor().capability(model).operations
    assert [one.type for one in operations] == ["Conv", "Conv", "Add"]
    OnnxRuntimeAdaptor().quantize(model, {one.key: one.options[0] for one in operations}, data)
    assert max(sizes) < 2000


def test_a_large_model_takes_the_place_of_another_at_one_stroke(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(external.write, "__defaults__", (LIMIT,))
    monkeypatch.setattr(external.digest, "__defaults__", (LIMIT,))
    conf = Conf({"model": {"framework": "onnxrt_qlinearops"}})
    strategy = BayesianTuneStrategy(wide(), conf, loader((100,)), eval_func=lambda model: 0.5)
    path, text = tmp_path / "best.onnx", tmp_path / "best.onnx.txt"
    text.write_text("not ours")
    workspace._keep(strategy, wide(), path)
    (first,) = tmp_path.glob("*.data")

    def broken(self: Any, model: onnx.ModelProto, to: str) -> None:
        external.write(model, to)
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(OnnxRuntimeAdaptor, "save", broken)
        with pytest.raises(OSError, match="full"):
            workspace._keep(strategy, quantised(), path)
    assert external.read(path) == wide()
    (tmp_path / "best.onnx.new").mkdir()  # of a run that was killed
    workspace._keep(strategy, product(100, 31), path)
    assert external.read(path) == product(100, 31)
    (second,) = tmp_path.glob("*.data")
    assert second != first
    workspace._keep(strategy, product(2, 3), path)
    assert {file.name for file in tmp_path.iterdir()} == {path.name, text.name}


def test_a_digest_of_parts_is_that_of_everything() -> None:
    same, other = wide(), wide()
    tensor = other.graph.initializer[0]
    tensor.raw_data = bytes([tensor.raw_data[0] ^ 1]) + tensor.raw_data[1:]
    digests = [external.digest(model, LIMIT).digest() for model in (wide(), same, other)]
    assert digests[0] == digests[1] != digests[2]


def test_everything_goes_on_where_models_are_large(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model, data = cnn(), loader((2, 6, 6))
    expected = tuned(model, data, tmp_path / "small.onnx")
    for name in ("LEAST_APART", "LIMIT"):
        monkeypatch.setattr(external, name, 100)
    for function, place in ((open_session, 0), (external.digest, 0), (external.write, 0)):
        defaults = list(function.__defaults__ or ())
        defaults[place] = 100
        monkeypatch.setattr(function, "__defaults__", tuple(defaults))
    assert tuned(model, data, tmp_path / "large.onnx") == expected
    assert len(list(tmp_path.glob("large.onnx.*.data"))) == 1


def tuned(model: onnx.ModelProto, data: object, path: Path) -> tuple[float, int]:
    adaptor = OnnxRuntimeAdaptor()
    operations = adaptor.capability(model).operations
    tune_cfg = {operation.key: operation.options[0] for operation in operations}
    made = adaptor.quantize(model, tune_cfg, data)  # type: ignore[arg-type]
    adaptor.save(made, str(path))
    mean = adaptor.evaluate(str(path), data, lambda outputs, _: outputs.mean())  # type: ignore[arg-type]
    return mean, adaptor.sizes(model, data)(tune_cfg)  # type: ignore[arg-type]
