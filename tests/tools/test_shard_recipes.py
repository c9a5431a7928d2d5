"""Recipes on shards: trained, resumed in the middle of an epoch, scored and checked."""

import json

import fsspec
import numpy as np
import pytest
import yaml

from densefit.callbacks import Callback
from densefit.callbacks.callback import callbacks
from densefit.checkpoint.storage import store
from densefit.datasets import Shapes
from densefit.tools import check_data, score, train_det
from densefit.tools.formats.packed_shards import pack_shards


class BreakOff(Callback):
    """Saves in the middle of an epoch, and is interrupted there."""

    def update_ended(self, state, control):
        if state.update == 4:
            control.save_now()

    def saved(self, state, control, path):
        if state.update == 4:
            raise KeyboardInterrupt


@pytest.fixture(params=["local", "remote"])
def root(request, tmp_path):
    """Shards of three splits, in a folder or at an address."""
    for split in ("train", "val", "test"):
        data = Shapes(length=14, size=(64, 80), split=split)
        pack_shards(data, tmp_path / f"packed/{split}.rec", 40_000)
    if request.param == "local":
        yield str(tmp_path / "packed")
        return
    system = fsspec.filesystem("memory")
    system.put(str(tmp_path / "packed"), "/shards", recursive=True)
    yield "memory://shards"
    system.rm("/shards", recursive=True)


def test_train_resume_score_and_check(root, tmp_path, tiny, capsys, monkeypatch):
    monkeypatch.setattr(callbacks, "_factories", {**callbacks._factories, "break_off": BreakOff})
    settings = f"{{buffer: 5, cache: {tmp_path / 'cache'}, cache_size: 2MB}}"
    more = {"data__dataset": "shards", "data__root": root, "data__settings": settings}

    def train(out, **changes):
        arguments = tiny(**more, out=tmp_path / out, training__epochs=2, **changes)
        return train_det.main(arguments)

    assert train("whole") == 0
    assert train("parts", training__callbacks="[{name: break_off}]", data__workers=2) != 0
    assert train("parts", resume="auto", data__worker_kind="processes") == 0
    whole, parts = (
        store.read(tmp_path / out / "checkpoints" / "last")[0] for out in ("whole", "parts")
    )
    assert whole.keys() == parts.keys()
    for part, arrays in whole.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, parts[part][name], err_msg=name)
    capsys.readouterr()
    assert score.main(["--checkpoint", str(tmp_path / "whole")]) == 0
    assert "split 'test', 14 samples:" in capsys.readouterr().out
    config = yaml.safe_load((tmp_path / "whole/config.yaml").read_text())
    assert config["data"]["root"] == root
    report = tmp_path / "report.json"
    arguments = ["--data.dataset", "shards", "--data.root", root, "--data.settings", settings]
    assert check_data.main([*arguments, "--deep", "--json", str(report)]) == 0
    assert json.loads(report.read_text())["sound"]
