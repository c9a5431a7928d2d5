import json
import shutil

import pytest
import yaml

from densefit.tools.check_data import main
from tests.tools.data_check.conftest import root  # noqa: F401
from tests.tools.data_check.listed import change, write_image

HEADS = {"detection": {"task": "detection", "strides": [8, 16]}}


@pytest.fixture
def recipe(root, tmp_path):  # noqa: F811
    path = tmp_path / "recipe.yaml"
    data = {"dataset": "listed", "root": str(root), "test": None}
    path.write_text(
        yaml.safe_dump({"data": data, "model": {"heads": HEADS}, "input_size": [64, 64]})
    )
    return path


def test_a_sound_recipe(recipe, tmp_path, capsys):
    out = tmp_path / "report.json"
    assert main([str(recipe), "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "boxes against anchors" in printed
    assert "0 errors, 0 warnings, 0 notes in 8 images: annotations, files" in printed
    report = json.loads(out.read_text())
    assert report["sound"]
    assert report["train"] == ["train"]
    assert set(report["anchors"]["detection"]) == {"train", "val"}
    fit = report["anchors"]["detection"]["train"]
    assert fit["boxes"] == 12
    assert 0 <= fit["below"] <= 1
    assert fit["by_size"]["large"] is None


def test_broken_data_end_with_1(recipe, root, tmp_path, capsys):  # noqa: F811
    change(root, "val1.png", "broken")
    page = tmp_path / "report.html"
    assert main([str(recipe), "--html", str(page), "--deep"]) == 1
    printed = capsys.readouterr().out
    assert "error val: 1 of 2 images with a broken annotation" in printed
    assert "The line is broken" in printed
    text = page.read_text()
    assert "Some images cannot be used" in text
    assert "data:image/jpeg;base64," in text
    assert "http" not in text
    assert "<script" not in text


def test_without_a_recipe_absent_splits_are_left_out(root, tmp_path, capsys):  # noqa: F811
    words = ["--data.dataset", "listed", "--data.root", str(root)]
    assert main(words) == 0
    assert "8 images" in capsys.readouterr().out
    assert main([*words, "--data.train", "missing"]) == 1
    assert main(["--data.dataset", "liste"]) == 2
    assert "liste" in capsys.readouterr().err


def test_a_recipe_needs_all_its_splits(recipe, capsys):
    assert main([str(recipe), "--data.test", "test"]) == 1
    assert "no split 'test'" in capsys.readouterr().err


def test_several_datasets(root, tmp_path, capsys):  # noqa: F811
    shutil.copytree(root, tmp_path / "more")
    part = {"dataset": "listed", "test": None}
    parts = {"a": {**part, "root": str(root)}, "b": {**part, "root": str(tmp_path / "more")}}
    path = tmp_path / "several.yaml"
    path.write_text(yaml.safe_dump({"datasets": parts, "model": {"heads": HEADS}}))
    assert main([str(path), "--json", str(tmp_path / "a.json")]) == 0
    report = json.loads((tmp_path / "a.json").read_text())
    assert set(report["splits"]) == {"a/train", "a/val", "b/train", "b/val"}
    assert report["train"] == ["a/train", "b/train"]
    pairs = [f for f in report["findings"] if f["kind"] == "image_in_several_splits"]
    assert {finding["count"] for finding in pairs} == {6, 2}


def test_splits_that_the_recipe_makes(root, tmp_path, capsys):  # noqa: F811
    words = ["--data.dataset", "labelimg", "--data.root", str(tmp_path / "flat")]
    for index in range(8):
        write_image(tmp_path / "flat" / f"{index}.jpg", index)
        (tmp_path / "flat" / f"{index}.xml").write_text(
            "<annotation><size><width>80</width><height>60</height></size><object><name>cat</name>"
            "<bndbox><xmin>5</xmin><ymin>6</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object>"
            "</annotation>"
        )
    out = tmp_path / "a.json"
    assert main([*words, "--json", str(out)]) == 0
    assert json.loads(out.read_text())["checked"]["all"]["annotations"] == 8
    divided = ["--data.splits", "{train: 0.5, val: 0.5}", "--data.test", "null"]
    assert main([*words, *divided, "--json", str(out)]) == 0
    report = json.loads(out.read_text())
    assert sum(split["images"] for split in report["splits"].values()) == 8
    assert sum(table["cat"] for table in report["classes"]["classes"]["counts"].values()) == 8
