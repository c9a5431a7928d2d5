import io
import json
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

import densefit as df
from densefit.datasets import Shapes
from densefit.tools import convert_data, predict, score
from densefit.visualize.style import color_of


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


@pytest.fixture(scope="module")
def coco(tmp_path_factory):
    """A folder of COCO files, of shapes."""
    folder = tmp_path_factory.mktemp("data") / "coco"
    words = ["--to", "coco", "--out", str(folder), "--data.dataset", "shapes", "--lossy", "true"]
    words += ["--data.settings", "{length: 8, size: [64, 80]}"]
    assert convert_data.main([*words, "--data.train", "null", "--data.test", "null"]) == 0
    return folder


def test_results_are_scored_as_the_network_is(trained, coco, tmp_path, capsys):
    """The file has all detections in full precision: its scores are those of the network."""
    annotations = next((coco / "annotations").glob("*val*.json"))
    common = ["--checkpoint", str(trained), "--score_batch_size", "3"]
    more = ["--save", "coco", "--coco-annotations", str(annotations), "--out", str(tmp_path)]
    assert predict.main([*common, *more, str(coco / "images" / "val")]) == 0
    results = tmp_path / "coco" / "detection_bbox.json"

    # Two epochs find nothing: let some of what the network finds be true, a little beside it.
    truth = json.loads(annotations.read_text())
    rng = np.random.default_rng(0)
    truth["annotations"] = []
    for number, found in enumerate(json.loads(results.read_text())[::3], 1):
        x, y, w, h = np.array(found["bbox"]) * rng.uniform(0.9, 1.1, 4)
        box = [x, y, min(w, 80 - x), min(h, 64 - y)]
        label = {key: found[key] for key in ("image_id", "category_id")}
        area = box[2] * box[3]
        entry = {**label, "id": number, "bbox": box, "area": area, "iscrowd": 0}
        truth["annotations"] += [entry] if min(box[2:]) > 1 else []
    annotations.write_text(json.dumps(truth))

    files = ["--annotations", str(annotations), "--results", str(results)]
    assert score.main(["coco", *files, "--out", str(tmp_path / "files")]) == 0
    of_files = json.loads((tmp_path / "files" / "scores.json").read_text())
    dataset = df.dataset("coco", root=coco, split="val")
    fit_in = df.transform("letterbox", height=64, width=64)
    loader = df.Loader(dataset, batch_size=3, transform=fit_in)
    of_network = df.score(df.load(trained / "checkpoints" / "best"), loader, heads=["detection"])
    assert 0.05 < of_network["detection/AP"] < 0.95
    compared = [key for key in of_files if key.startswith(("AP", "AR")) and of_files[key]]
    assert len(compared) > 5
    for key in compared:
        assert of_files[key] == pytest.approx(of_network[f"detection/{key}"], abs=1e-9), key


def test_every_format_has_the_same_objects(trained, photos, tmp_path, capsys):
    out = tmp_path / "out"
    formats = "drawn,json,coco,voc,yolo,masks,color_masks,crops"
    arguments = ["--checkpoint", str(trained), "--out", str(out), "--save", formats]
    arguments += ["--threshold", "0.05", "--classes", "circle,square", "--max-detections", "4"]
    assert predict.main([*arguments, str(photos)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert "detection: drawn from score 0.05 (--threshold)" in shown
    assert "photos/a.png 90x40  detection " in shown[1]
    assert shown[1].endswith(" ms")
    lines = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    records = json.loads((out / "coco" / "detection_bbox.json").read_text())
    images = json.loads((out / "coco" / "images.json").read_text())
    ids = {image["file_name"]: image["id"] for image in images}
    classes = (out / "yolo" / "detection.names").read_text().split()
    count = 0
    for line in lines:
        stem = line["drawn"].rpartition(".")[0]
        found, size = line["detection"], np.array(line["size"][::-1] * 2)
        assert len(found["scores"]) <= 4
        assert set(found["classes"]) <= {"circle", "square"}
        assert min(found["scores"], default=1) >= 0.05
        count += len(found["scores"])
        boxes = np.array(found["boxes"], float).reshape(-1, 4)
        coco = [record for record in records if record["image_id"] == ids[line["drawn"]]]
        xywh = np.array([record["bbox"] for record in coco]).reshape(-1, 4)
        np.testing.assert_allclose(xywh[:, :2] + xywh[:, 2:], boxes[:, 2:], rtol=1e-5)
        names = [classes[record["category_id"] - 1] for record in coco]
        assert names == found["classes"]
        rows = [row.split() for row in (out / "yolo" / f"{stem}.txt").read_text().splitlines()]
        assert [classes[int(row[0])] for row in rows] == found["classes"]
        yolo = np.array([row[1:5] for row in rows], float).reshape(-1, 4) * size
        np.testing.assert_allclose(yolo[:, :2] - yolo[:, 2:] / 2, boxes[:, :2], atol=1e-3)
        root = ElementTree.parse(out / "voc" / f"{stem}.xml").getroot()
        assert [node.text for node in root.iter("name")] == found["classes"]
        corners = [float(node.text) for node in root.iter("xmin")]
        np.testing.assert_allclose(corners, boxes[:, 0] + 1, rtol=1e-5)
        mask = cv2.imread(str(out / f"{stem}.segmentation.png"), cv2.IMREAD_UNCHANGED)
        color = cv2.imread(str(out / f"{stem}.segmentation.color.png"))[..., ::-1]
        for label in np.unique(mask):
            assert (color[mask == label] == color_of(int(label))).all()
    assert count
    assert len(list((out / "crops").rglob("*.jpg"))) == count


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "street.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (80, 64))
    for number in range(7):
        writer.write(np.full((64, 80, 3), 30 * number, np.uint8))
    writer.release()
    return path


def frames_of(path):
    capture = cv2.VideoCapture(str(path))
    count = sum(1 for _ in iter(lambda: capture.read()[0], False))
    return count, capture.get(cv2.CAP_PROP_FPS)


def test_a_video_is_predicted_and_drawn(trained, video, photos, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("shutil.which", lambda name: None)
    out = tmp_path / "out"
    arguments = ["--checkpoint", str(trained), "--out", str(out), "--every", "2"]
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    assert predict.main([*arguments, str(video), str(photos / "a.png"), str(broken)]) == 1
    shown = capsys.readouterr()
    assert "street.mp4 (without sound: ffmpeg is not installed)" in shown.out
    assert "1 of 3 images cannot be read" in shown.err
    assert str(broken) in (out / "failed.txt").read_text()
    assert frames_of(out / "street.mp4") == (4, pytest.approx(5.0))
    lines = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    assert [line.get("frame") for line in lines] == [None, 0, 2, 4, 6]
    assert [line.get("seconds") for line in lines[1:]] == pytest.approx([0, 0.2, 0.4, 0.6])
    assert sorted(path.name for path in out.glob("*.mp4")) == ["street.mp4"]


def test_the_sound_of_a_video_is_kept(trained, video, tmp_path, monkeypatch):
    """ffmpeg is asked to copy the drawn frames and the sound, which MP4 may not take as it is."""
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n'
        'case "$*" in *"-c:a copy"*) exit 1;; esac\n'
        'for last; do :; done\nprintf sound > "${last#file:}"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    out = tmp_path / "out"
    arguments = ["--checkpoint", str(trained), "--out", str(out), "--save", "drawn"]
    assert predict.main([*arguments, "--frames", "2", str(video)]) == 0
    assert (out / "street.mp4").read_text() == "sound"
    assert [path.name for path in out.iterdir()] == ["street.mp4"]
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 2
    assert f"-i file:{video}" in calls[1]
    assert "-c:v copy -c:a aac" in calls[1]


def test_large_pictures_are_predicted_in_tiles(trained, tmp_path, capsys):
    shapes = Shapes(4, size=(64, 80), split="val")
    large = np.vstack([np.hstack([shapes[0].image, shapes[1].image])] * 2)
    cv2.imwrite(str(tmp_path / "large.png"), large[..., ::-1])
    out = tmp_path / "out"
    arguments = ["--checkpoint", str(trained), "--out", str(out), "--save", "json"]
    arguments += [str(tmp_path / "large.png")]
    assert predict.main(arguments) == 0
    (plain,) = map(json.loads, (out / "predictions.jsonl").read_text().splitlines())
    capsys.readouterr()
    assert predict.main([*arguments, "--tile", "64", "--overlap", "0.2"]) == 0
    assert "kind: predicted on the whole image" in capsys.readouterr().out
    (tiled,) = map(json.loads, (out / "predictions.jsonl").read_text().splitlines())
    assert tiled["kind"] == plain["kind"]  # a label of the whole image
    assert tiled["detection"] != plain["detection"]
    mask = cv2.imread(str(out / tiled["segmentation"]["mask"]), cv2.IMREAD_UNCHANGED)
    assert mask.shape == large.shape[:2]
    assert predict.main([*arguments, "--tile", "0"]) == 2
    assert predict.main([*arguments, "--tile", "64", "--windows", "true"]) == 2


def test_a_list_on_stdin_is_read(trained, photos, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{photos}/a.png\nnowhere.png\n"))
    out = tmp_path / "out"
    assert predict.main(["--checkpoint", str(trained), "--out", str(out), "-"]) == 1
    assert "wrote 1 image and predictions.jsonl" in capsys.readouterr().out
    assert (out / "failed.txt").read_text().startswith("nowhere.png\t")


def test_the_suppression_is_chosen(trained, photos, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["--checkpoint", str(trained), "--out", str(out), "--save", "json"]

    def detections(*more):
        assert predict.main([*arguments, *more, str(photos / "a.png")]) == 0
        (line,) = map(json.loads, (out / "predictions.jsonl").read_text().splitlines())
        return line["detection"]

    assert len(detections()["scores"]) == 10  # of the recipe
    strict, mild = (detections("--max-detections", "90", "--iou", iou) for iou in ("0.1", "1"))
    assert 10 < len(strict["scores"]) < len(mild["scores"])
    for bad in (["--iou", "0"], ["--max-detections", "0"], ["--threshold", "2"]):
        assert predict.main([*arguments, *bad, str(photos)]) == 2
    for bad, said in ((["--classes", "cirle"], "circle"), (["--save", "jsn"], "json")):
        assert predict.main([*arguments, *bad, str(photos)]) == 2
        assert f"did you mean '{said}'" in capsys.readouterr().err
