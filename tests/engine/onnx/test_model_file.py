"""What is wrong with the file of a model is said by name."""

import sys

import pytest

import densefit as df
from densefit.errors import CheckpointError, ConfigError, EngineError


def test_a_missing_file(tmp_path):
    with pytest.raises(CheckpointError, match=r"(?s)no exported model.*none\.onnx"):
        df.load(tmp_path / "none.onnx")


@pytest.mark.parametrize("take", [lambda data: data[:-20], lambda data: b"", lambda data: b"text"])
def test_a_damaged_file(models, tmp_path, take, capfd):
    path = models.colours(tmp_path / "c.onnx")
    path.write_bytes(take(path.read_bytes()))
    with pytest.raises(CheckpointError, match=r"(?s)cannot read the exported model.*\d+ bytes"):
        df.load(path)
    assert capfd.readouterr() == ("", "")


def test_a_file_of_another_program(models, tmp_path):
    path = models.softmax(tmp_path / "s.onnx", metadata=False)
    with pytest.raises(CheckpointError, match=r"(?s)not exported by densefit.*outputs kind"):
        df.load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spec": "{"}, "metadata 'densefit.spec' .* damaged"),
        ({"image_size": "[32]"}, "metadata 'densefit.image_size'"),
        ({"mode": "train"}, "(?s)metadata 'densefit.mode'.*evaluate or raw"),
        ({"batch": 0}, "metadata 'densefit.batch'"),
        ({"outputs": {"colour": {"evaluate": ["maks"]}}}, "no outputs of the head 'colour'"),
        ({"outputs": None}, "no outputs of the head 'colour'"),
        ({"spec": None}, r"(?s)not made by name.*load\(path, network=...\)"),
        ({"spec": {"heads": []}}, "not made by name"),
        ({"spec": {"heads": [{"task": "sementation", "settings": {}}]}}, "did you mean"),
        ({"spec": {"heads": [{"settings": {}}]}}, "does not say rightly how its heads"),
    ],
)
def test_damaged_metadata(models, tmp_path, changes, message):
    path = models.colours(tmp_path / "c.onnx", **changes)
    with pytest.raises(CheckpointError, match=message):
        df.load(path)


def test_a_file_that_changes_is_read_again(models, tmp_path):
    path = models.colours(tmp_path / "c.onnx")
    first = df.load(path)
    assert df.load(path).file is first.file
    models.colours(path, size=(16, 16))
    assert df.load(path).image_size == (16, 16)


def test_heads_that_were_not_made_by_name_come_from_the_network(models, tmp_path):
    path = models.colours(tmp_path / "c.onnx", spec=None)
    head = df.head("segmentation", classes=models.CLASSES, name="colour")
    network = df.Network("resnet18", [head])
    assert df.load(path, network).heads == [head]


def test_routes_for_a_model_of_heads(models, tmp_path, tiny):
    with pytest.raises(ConfigError, match="Routes are for the model of a Symbol"):
        df.load(models.colours(tmp_path / "c.onnx"), heads=tiny.kind_route())


def test_without_onnxruntime_the_extra_is_named(models, tmp_path, monkeypatch):
    path = models.colours(tmp_path / "c.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineError, match=r'pip install "densefit\[onnx\]"'):
        df.load(path)
