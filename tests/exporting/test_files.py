"""What an export writes, and what it leaves as it was."""

import os

import pytest

import densefit as df
from densefit.errors import ConfigError, ExportError
from densefit.exporting import files
from densefit.exporting.onnx import registry
from tests.exporting.conftest import SIZE


@pytest.fixture(scope="module")
def network(network_of):
    return network_of("resnet18", "classification")


def test_a_program_of_the_user_stays(network, tmp_path):
    (tmp_path / "model.py").write_text("precious = 1\n")
    with pytest.raises(ConfigError, match=r"model\.py"):
        df.export(network, tmp_path / "model.onnx", image_size=SIZE)
    assert (tmp_path / "model.py").read_text() == "precious = 1\n"
    assert not (tmp_path / "model.onnx").exists()
    raw = df.export(network, tmp_path / "model.onnx", image_size=SIZE, raw=True)
    assert raw.program is None


@pytest.mark.parametrize("name", ["model.py", "model", "."])
def test_other_endings_and_folders(network, tmp_path, name):
    with pytest.raises(ConfigError, match=r"NAME\.onnx"):
        df.export(network, tmp_path / name, image_size=SIZE)
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(ConfigError, match="is a folder"):
        df.export(network, tmp_path / "folder.onnx", image_size=SIZE)


def test_the_former_model_stays_until_the_next_is_whole(network, tmp_path, monkeypatch):
    path = tmp_path / "new" / "model.onnx"
    df.export(network, path, image_size=SIZE)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setitem(registry.CONVERTERS, "Activation", lambda layer: layer.data)
        with pytest.raises(ExportError):
            df.export(network, path, image_size=SIZE)

    def interrupted(*paths):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            df.export(network, path, image_size=SIZE)
    assert path.read_bytes() == before
    df.export(network, path, image_size=SIZE)
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["model.onnx", "model.py"]


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    def refuse(*arguments, **settings):
        raise PermissionError(13, "Permission denied", str(tmp_path / "m.onnx"))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError, match=r"m\.onnx"):
        files.write(tmp_path / "m.onnx", b"model", None)
    assert list(tmp_path.iterdir()) == []
