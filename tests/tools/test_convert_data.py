import numpy as np
import pytest
from PIL import Image

from densefit.datasets import COCO
from densefit.tools.convert_data import main

SHAPES = ["--data.dataset", "shapes", "--data.settings", "{length: 4, size: [48, 48]}"]


def test_it_converts_all_splits_and_says_how_to_read_them(tmp_path, capsys):
    out = tmp_path / "out"
    assert main([*SHAPES, "--to", "coco", "--out", str(out), "--lossy", "true"]) == 0
    text = capsys.readouterr().out
    assert "wrote 12 samples (train 4, val 4, test 4)" in text
    assert "lost: 12 mask (samples)" in text
    assert "verified: 12 of 12 samples read back equal" in text
    assert f"read it with: --data.dataset coco --data.root {out}" in text
    for split in ("train", "val", "test"):
        assert len(COCO(root=out, split=split, instances=True)) == 4


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--to", "coco"], 1, "cannot keep everything"),
        (["--to", "cooc"], 2, "Unknown layout"),
    ],
)
def test_errors_say_what_to_do(tmp_path, capsys, arguments, code, message):
    assert main([*SHAPES, *arguments, "--out", str(tmp_path / "out")]) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_dataset_without_splits_is_converted_as_a_whole(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    for name in ("a", "b"):
        Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / f"data/{name}.jpg")
        (tmp_path / f"data/{name}.xml").write_text(
            "<annotation><object><name>dog</name><bndbox><xmin>3</xmin><ymin>2</ymin>"
            "<xmax>15</xmax><ymax>18</ymax></bndbox></object></annotation>"
        )
    nulls = [f"--data.{key}=null" for key in ("train", "validation", "test")]
    arguments = ["--data.dataset", "labelimg", "--data.root", str(tmp_path / "data"), *nulls]
    assert main([*arguments, "--to", "coco", "--out", str(tmp_path / "out")]) == 0
    assert "wrote 2 samples (all 2)" in capsys.readouterr().out
    assert len(COCO(root=tmp_path / "out", split="all")) == 2
