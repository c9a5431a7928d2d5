"""The code of docs/depth-normals-labels.md runs on a folder of that layout."""

import re
import textwrap
from pathlib import Path

import cv2
import numpy as np

import densefit as df

TEXT = (Path(__file__).parents[2] / "docs" / "depth-normals-labels.md").read_text()


def test_the_first_screen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for kind, array in (
        ("rgb", rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)),
        ("depth", rng.integers(500, 9000, (32, 32)).astype(np.uint16)),
        ("seg13", (np.arange(1024) % 14).reshape(32, 32).astype(np.uint8)),
    ):
        folder = tmp_path / "nyuv2" / kind
        folder.mkdir(parents=True)
        for name in ("a", "b"):
            cv2.imwrite(str(folder / f"{name}.png"), array)
    (tmp_path / "nyuv2" / "train.txt").write_text("a\nb\n")
    names = "\n".join(["unlabelled", *(f"class {n}" for n in range(1, 14))])
    (tmp_path / "nyuv2" / "classes.txt").write_text(names)
    (code,) = re.findall(r"^    import densefit as df\n(?:    .*\n|\n(?=    ))+", TEXT, re.M)
    found: dict = {}
    exec(textwrap.dedent(code), found)
    assert found["heads"][1].classes == [f"class {n}" for n in range(1, 14)]
    loader = df.Loader(found["train"], batch_size=2, heads=found["network"].heads)
    made = next(loader).labels
    known = made["depth_depth"]
    assert 0.5 <= known[known > 0].min() <= known.max() < 9
    assert found["train"][0].targets["mask"].ravel()[:14].tolist() == [255, *range(13)]
