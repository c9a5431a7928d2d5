import pytest

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
        (
            ["--data.train", "null", "--data.validation", "null", "--data.test", "null"],
            2,
            "no split",
        ),
    ],
)
def test_errors_say_what_to_do(tmp_path, capsys, arguments, code, message):
    assert main([*SHAPES, *arguments, "--out", str(tmp_path / "out")]) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
