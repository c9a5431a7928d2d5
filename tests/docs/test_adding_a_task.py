"""The page on adding a task shows one file; it is run here as a user's own module."""

from __future__ import annotations

import importlib.util
import re
import sys
import textwrap
from pathlib import Path

import cv2
import numpy as np
import pytest

import densefit as df
from densefit.model.heads.head import heads
from densefit.tools.recipes.recipe import Model
from densefit.tools.recipes.recipe_heads import make_heads

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-task.md"
TEXT = PAGE.read_text()


class Bars:
    """Pictures of one bar each; `angle` in degrees, 0 to 180."""

    classes: list[str] = []

    def __len__(self) -> int:
        return 64

    def id_of(self, index: int) -> str:
        return f"bar-{index}"

    def __getitem__(self, index: int) -> df.Sample:
        angle = index * 180 / len(self)
        image = np.full((32, 32, 3), 40, np.uint8)
        direction = np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))]) * 12
        ends = [tuple(int(v) for v in np.round(16 + sign * direction)) for sign in (-1, 1)]
        cv2.line(image, ends[0], ends[1], (220, 200, 60), 4)
        return df.Sample(self.id_of(index), image, {"angle": np.float32(angle)})


@pytest.fixture(scope="module")
def code() -> str:
    return re.search(r"```python\n(.*?)```", PAGE.read_text(), re.S).group(1)


def test_the_file_is_short(code):
    assert len(code.splitlines()) < 60


def test_the_file_is_a_whole_task(code, tmp_path, monkeypatch):
    path = tmp_path / "bars.py"
    path.write_text(code)
    spec = importlib.util.spec_from_file_location("bars", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "bars", module)
    spec.loader.exec_module(module)

    network = df.Network("resnet18", [df.head("orientation")], settings={"width": 8})
    train = df.Loader(Bars(), batch_size=16, heads=network.heads, shuffle=True)
    held = df.Loader(Bars(), batch_size=10)
    history = df.fit(
        network,
        train,
        validation=held,
        validate_every="20ep",
        epochs=20,
        optimizer="adam",
        schedule=df.Cosine(lr=0.005),
        checkpoint=tmp_path / "run",
    )
    # Guessing is 45 degrees off on average.
    assert history.last_validation["orientation/angular_error"] < 15
    loaded = df.load(tmp_path / "run" / "last")
    assert df.score(loaded, held) == history.last_validation

    # The lines below the file, for one epoch.
    (usage,) = re.findall(r"^    import densefit as df\n(?:    .*\n|\n(?=    ))+", TEXT, re.M)
    shorter = textwrap.dedent(usage).replace("epochs=10", "epochs=1")
    shorter = shorter.replace('")])', '")], settings={"width": 8})')
    *lines, last = shorter.strip().splitlines()
    assert last.startswith("df.score(")
    assert "width" in shorter
    found = {"dataset": Bars()}
    exec("\n".join([*lines, f"scores = {last}"]), found)
    assert set(found["scores"]) == {"orientation/angular_error"}


class Leaning(Bars):
    classes: list[str] = ["bar"]
    lean_classes: list[str] = ["stands", "lies"]


def test_a_recipe_s_head_has_the_classes_that_the_dataset_names(monkeypatch):
    monkeypatch.setattr(heads, "_factories", dict(heads._factories))
    exec(re.findall(r"```python\n(.*?)```", TEXT, re.S)[1], {})
    model = Model(heads={"bar_lean": {}})
    (head,) = make_heads(model, Leaning())
    assert (head.target, head.classes) == ("lean", ["stands", "lies"])
    monkeypatch.delattr(Leaning, "lean_classes")
    monkeypatch.setattr(Leaning, "classes", ["a", "b", "c"])
    assert make_heads(model, Leaning())[0].classes == ["a", "b", "c"]


def test_the_entry_point_is_the_one_that_is_looked_for():
    (group,) = re.findall(r'^    \[project.entry-points."([\w.]+)"\]$', TEXT, re.M)
    assert f'"{group}"' in (PAGE.parents[1] / "densefit" / "registry.py").read_text()


def test_the_tables_name_the_methods_of_a_head_and_its_optional_members():
    methods, members = re.findall(r"^\| (?:method|member) \|.*?\n\n", TEXT, re.M | re.S)
    assert set(re.findall(r"^\| `(\w+)`", methods, re.M)) == df.Head.__abstractmethods__
    rows = re.findall(r"^\| (`.*?) \| `(\w+)`", members, re.M)
    for names, base in rows:
        (concern,) = (kind for kind in df.Head.__mro__ if kind.__name__ == base)
        assert {name.strip("`") for name in names.split(", ")} <= set(vars(concern))
    optional = {kind.__name__ for kind in df.Head.__bases__} - {"RenamedMembers", "ABC"}
    assert {base for _, base in rows} == optional
