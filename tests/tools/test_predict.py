import json

import cv2
import numpy as np
import pytest

from densefit.tools import predict


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, size in (("a.png", (40, 90)), ("b.JPG", (70, 50)), ("below/a.png", (64, 64))):
        cv2.imwrite(str(folder / name), rng.integers(0, 255, (*size, 3), np.uint8))
    return folder


def test_every_head_is_drawn_and_written(trained, photos, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["--checkpoint", str(trained), "--out", str(out), "--seed", "1"]
    assert predict.main([*arguments, str(photos), "--data.root", "unused"]) == 0
    assert "wrote 3 images" in capsys.readouterr().out
    lines = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    assert [line["size"] for line in lines] == [[40, 90], [70, 50], [64, 64]]
    assert lines[0]["image"] == str(photos / "a.png")
    for line, name in zip(lines, ("a.png", "b.jpg", "below/a.png")):
        assert list(cv2.imread(str(out / name)).shape[:2]) == line["size"]
        mask = cv2.imread(str(out / line["segmentation"]["mask"]), cv2.IMREAD_UNCHANGED)
        assert list(mask.shape) == line["size"]
        assert mask.max() < len(line["segmentation"]["classes"])
        boxes = np.array(line["detection"]["boxes"]).reshape(-1, 4)
        assert len(boxes) == len(line["detection"]["scores"]) == len(line["detection"]["classes"])
        assert (boxes >= 0).all()
        assert (boxes <= line["size"][::-1] * 2).all()
        assert set(line["detection"]["classes"]) <= {"circle", "square", "triangle"}
        assert line["kind"]["class"] in line["kind"]["probabilities"]


def test_no_picture_writes_into_another_ones_files(trained, tmp_path):
    """a.png and a.jpg have one stem; a.segmentation.png is called as the mask of a.png."""
    given, masks = tmp_path / "given", {}
    given.mkdir()
    sizes = {"a.jpg": (20, 30), "a.png": (40, 50), "a.segmentation.png": (60, 70), "A.bmp": (9, 8)}
    for name, size in sizes.items():
        cv2.imwrite(str(given / name), np.full((*size, 3), 99, np.uint8))
    out = tmp_path / "out"
    assert predict.main(["--checkpoint", str(trained), "--out", str(out), str(given)]) == 0
    for line in map(json.loads, (out / "predictions.jsonl").read_text().splitlines()):
        size = sizes[line["image"].rpartition("/")[2]]
        for name in (line["drawn"], line["segmentation"]["mask"]):
            assert cv2.imread(str(out / name)).shape[:2] == size
            masks.setdefault(name.casefold(), line["image"])
    assert len(masks) == 2 * len(sizes)


def test_views_are_merged_at_the_pictures_own_size(trained, photos, tmp_path, capsys):
    out = tmp_path / "out"
    views = ["--windows", "true", "--flip", "true", "--scales", "[0.5,1.0]", "--overlap", "0.1"]
    arguments = ["--checkpoint", str(trained), "--out", str(out), *views]
    assert predict.main([*arguments, str(photos)]) == 0
    lines = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    for line in lines:
        mask = cv2.imread(str(out / line["segmentation"]["mask"]), cv2.IMREAD_UNCHANGED)
        assert list(mask.shape) == line["size"]
        assert sum(line["kind"]["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert predict.main([*arguments, str(photos), "--overlap", "1"]) == 2
    assert "below 1" in capsys.readouterr().err


def test_pictures_are_predicted_at_their_own_size(trained, photos, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["--checkpoint", str(trained), "--out", str(out), "--resize", "none"]
    assert predict.main([*arguments, str(photos)]) == 0
    lines = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    assert sorted(line["size"] for line in lines) == [[40, 90], [64, 64], [70, 50]]
    found = {line["image"]: line["size"] for line in lines}
    assert found[str(photos / "a.png")] == [40, 90]
    for line in lines:
        mask = cv2.imread(str(out / line["segmentation"]["mask"]), cv2.IMREAD_UNCHANGED)
        assert list(mask.shape) == line["size"]


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--out", "x"], 2, "list files or folders"),
        (["photo.png"], 2, "--out DIR"),
        (["--out", "x", "nowhere.png"], 1, "nowhere.png"),
    ],
)
def test_mistakes_are_told(trained, tmp_path, monkeypatch, capsys, more, code, said):
    monkeypatch.chdir(tmp_path)
    assert predict.main(["--checkpoint", str(trained), *more]) == code
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert said in shown


def test_a_broken_picture_is_named(trained, tmp_path, capsys):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    arguments = ["--checkpoint", str(trained), "--out", str(tmp_path / "out")]
    assert predict.main([*arguments, str(tmp_path / "broken.png")]) == 1
    assert "broken.png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "out", "said"),
    [
        ("photos", "photos", "into a folder of input images"),
        ("photos", "photos/below/new", "into a folder of input images"),
        ("photos/a.png", "photos", "would be overwritten"),
        ("photos/a.png", "link", "would be overwritten"),
    ],
)
def test_given_pictures_are_never_overwritten(trained, photos, tmp_path, capsys, given, out, said):
    (tmp_path / "link").symlink_to(photos)
    before = {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}
    arguments = ["--checkpoint", str(trained), "--out", str(tmp_path / out)]
    assert predict.main([*arguments, str(tmp_path / given)]) == 2
    assert said in capsys.readouterr().err
    assert {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()} == before


def test_a_mask_does_not_overwrite_a_given_picture(trained, photos, tmp_path, capsys):
    """out/a.segmentation.png is what would be written for photos/a.png."""
    kept = photos / "x" / "a.segmentation.png"
    kept.parent.mkdir()
    cv2.imwrite(str(kept), np.zeros((9, 9), np.uint8))
    other = tmp_path / "other" / "x"
    other.mkdir(parents=True)
    (photos / "a.png").rename(other / "a.png")
    arguments = ["--checkpoint", str(trained), "--out", str(photos)]
    assert predict.main([*arguments, str(kept.parent), str(other.parent)]) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert not (photos / "predictions.jsonl").exists()


@pytest.mark.parametrize("more", [[], ["--resize", "none"], ["--flip", "true"]])
def test_pictures_that_cannot_be_read_do_not_keep_the_others(
    trained, photos, tmp_path, capsys, more
):
    (photos / "0.png").write_bytes(b"")
    (photos / "c.jpg").write_bytes(b"no picture")
    cut = (photos / "a.png").read_bytes()[:300]
    (photos / "below" / "cut.png").write_bytes(cut)
    out = tmp_path / "out"
    arguments = ["--checkpoint", str(trained), "--out", str(out), *more]
    assert predict.main([*arguments, str(photos)]) == 1
    shown = capsys.readouterr()
    assert "wrote 3 images" in shown.out
    assert "3 of 6 images cannot be read" in shown.err
    lines = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    names = [str(photos / name) for name in ("a.png", "b.JPG", "below/a.png")]
    assert sorted(line["image"] for line in lines) == names
    assert not (out / "c.jpg").exists()
    listed = dict(line.split("\t") for line in (out / "failed.txt").read_text().splitlines())
    assert sorted(listed) == [str(photos / name) for name in ("0.png", "below/cut.png", "c.jpg")]
    assert "empty" in listed[str(photos / "0.png")]

    good = [str(photos / name) for name in ("a.png", "b.JPG")]
    assert predict.main([*arguments, *good]) == 0
    assert not (out / "failed.txt").exists()
