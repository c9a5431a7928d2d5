"""The page on predicting: its Python, its table of formats, and its options."""

import re
from pathlib import Path

import cv2
import pytest

import densefit as df
from densefit.tools.predict import FilePrediction
from densefit.tools.predicting.formats import DEFAULT, FORMATS
from densefit.tools.serve import Serving

PAGE = (Path(__file__).parents[2] / "docs" / "predicting.md").read_text()


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A folder with the run and the images of the page."""
    monkeypatch.chdir(tmp_path)
    shapes = df.dataset("shapes", length=4, size=(48, 64))
    heads = [df.head("detection", classes=shapes.classes, strides=[16, 32], channels=8)]
    network = df.Network("resnet18", heads, settings={"width": 8})
    fit_in = df.transform("letterbox", height=64, width=64)
    train = df.Loader(shapes, batch_size=4, transform=fit_in, heads=heads)
    df.save(df.fit(network, train, updates=1).network, "runs/bccd")
    Path("folder").mkdir()
    for index, name in enumerate(("photo.jpg", "folder/a.jpg", "folder/b.jpg")):
        cv2.imwrite(name, shapes[index].image)


def test_its_python_runs(run, capsys):
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    names = {}
    exec(block, names)  # the page's own code
    assert names["boxes"].shape[1:] == (4,)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[-2:]] == [
        "a.jpg",
        "b.jpg",
    ]


def test_it_names_all_formats():
    table = PAGE.partition("| name | files")[2]
    assert re.findall(r"^\| (\w+) \|", table.partition("\n\n")[0], re.M) == list(FORMATS)
    assert f"By default `{','.join(DEFAULT)}`" in PAGE


def test_its_options_exist():
    known = {*FilePrediction.__dataclass_fields__, *Serving.__dataclass_fields__}
    known |= {"json", "quick", "annotations", "results", "views", "split"}
    options = {name.replace("-", "_") for name in re.findall(r"--([a-z][\w-]*)", PAGE)}
    options -= {"data_binary"}  # curl's
    assert options <= known
