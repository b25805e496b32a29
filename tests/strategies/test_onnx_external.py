"""Models whose data lies beside their file: read, measured, run and written."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_models import cnn, loader, normal, product

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
    assert sorted(os.listdir(tmp_path)) == ["m.onnx", "m.onnx.data"]
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
    assert (tmp_path / "large.onnx.data").exists()


def tuned(model: onnx.ModelProto, data: object, path: Path) -> tuple[float, int]:
    adaptor = OnnxRuntimeAdaptor()
    operations = adaptor.capability(model).operations
    tune_cfg = {operation.key: operation.options[0] for operation in operations}
    made = adaptor.quantize(model, tune_cfg, data)  # type: ignore[arg-type]
    adaptor.save(made, str(path))
    mean = adaptor.evaluate(str(path), data, lambda outputs, _: outputs.mean())  # type: ignore[arg-type]
    return mean, adaptor.sizes(model, data)(tune_cfg)  # type: ignore[arg-type]
