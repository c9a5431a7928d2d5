import contextlib
import io
import json

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from densefit.tools import score
from densefit.tools.scoring import score_coco

SIZE = (90, 120)
CATEGORIES = {90: "cat", 5: "traffic light", 17: "never", 31: "rare"}
NAMES = "AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl".split()
OF_KEYPOINTS = "AP AP50 AP75 APm APl AR AR50 AR75 ARm ARl".split()


def polygon(x, y, width, height):
    return [
        x,
        y,
        x + width,
        y,
        x + width,
        y + height,
        x + width / 2,
        y + height * 0.8,
        x,
        y + height,
    ]


def runs(polygons):
    mask = coco.merge(coco.frPyObjects(polygons, *SIZE))
    return {"size": list(SIZE), "counts": mask["counts"].decode()}


def listed(polygons):
    """Run lengths as a list, as crowds have them."""
    pixels = coco.decode(runs(polygons)).ravel(order="F")
    edges = np.flatnonzero(np.diff(np.concatenate([[0], pixels, [pixels[-1] ^ 1]])))
    return {"size": list(SIZE), "counts": np.diff(np.concatenate([[0], edges])).tolist()}


def thing(rng, image, category):
    width, height = rng.choice([32, 20, 60.5, 7.25], 2)
    box = [*np.round(rng.uniform(0, 30, 2), 1).tolist(), float(width), float(height)]
    crowd = int(rng.random() < 0.15)
    parts = [polygon(*box)]
    points = np.round(rng.uniform(0, 60, (17, 2)), 1)
    visible = rng.integers(0, 3, 17) * (rng.random() < 0.9)
    return {
        "image_id": image,
        "category_id": category,
        "bbox": box,
        "area": float(width * height * rng.choice([1, 0.5])),
        "iscrowd": crowd,
        "segmentation": listed(parts) if crowd else runs(parts) if rng.random() < 0.3 else parts,
        "keypoints": np.column_stack([points, visible]).ravel().tolist(),
        "num_keypoints": int((visible > 0).sum()),
    }


def detections(rng, one, kind):
    """Some detections of a true object, of all sorts of quality."""
    for _ in range(rng.integers(0, 4)):
        box = (np.array(one["bbox"]) + rng.normal(0, rng.choice([0, 1, 6]), 4)).round(2)
        box[2:] = np.maximum(box[2:], 0)
        found = {
            "image_id": one["image_id"],
            "category_id": one["category_id"] if rng.random() < 0.8 else 5,
            "score": round(float(rng.random()), 1),  # many are equal
        }
        if kind == "bbox":
            found["bbox"] = box.tolist()
        elif kind == "segm":
            found["segmentation"] = runs([polygon(*(box + [0, 0, 0.5, 0.5]))])
        else:
            points = np.array(one["keypoints"]).reshape(-1, 3)
            points[:, :2] += rng.normal(0, rng.choice([0, 1, 5]), (17, 2))
            found["keypoints"] = points.round(2).ravel().tolist()
        yield found


@pytest.fixture
def write(tmp_path):
    """Makes ugly files of a kind, with ids as `named` gives them; gives their paths."""

    def make(kind, seed=0, named=lambda number: 2**62 + 7 * number, **more):
        rng = np.random.default_rng(seed)
        ids = [named(int(number)) for number in rng.permutation(14)]
        images = [{"id": key, "height": SIZE[0], "width": SIZE[1]} for key in ids]
        things = [
            thing(rng, key, int(rng.choice([90, 5, 5, 31], p=[0.5, 0.2, 0.25, 0.05])))
            for key in ids[:-2]
            for _ in range(rng.integers(0, 6))
        ]
        rng.shuffle(things)
        for number, one in enumerate(things, 1):
            one["id"] = number
        found = [one for each in things for one in detections(rng, each, kind)]
        # more than 100 in an image without objects, and more of one object
        template = next(detections(np.random.default_rng(4), things[0], kind))
        found += [dict(template, image_id=ids[-1]) for _ in range(30)]
        found += [dict(template, score=0.05 + 0.001 * number) for number in range(130)]
        rng.shuffle(found)
        found = [{**one, **more} for one in found]
        categories = [{"id": key, "name": name} for key, name in CATEGORIES.items()]
        content = {"images": images, "annotations": things, "categories": categories}
        paths = tmp_path / "gt.json", tmp_path / "dt.json"
        for path, what in zip(paths, (content, found)):
            path.write_text(json.dumps(what))
        return tuple(map(str, paths))

    return make


def pycocotools(truth, results, kind):
    """The numbers of COCOeval; None in place of its -1."""
    with contextlib.redirect_stdout(io.StringIO()):
        annotations = COCO(truth)
        evaluation = COCOeval(annotations, annotations.loadRes(results), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    stats = [None if value == -1 else value for value in evaluation.stats.tolist()]
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    classes = {}
    for place, key in enumerate(sorted(CATEGORIES)):
        values = precision[:, :, place]
        classes[f"AP/{CATEGORIES[key]}"] = None if (values < 0).all() else float(values.mean())
    return {**dict(zip(OF_KEYPOINTS if kind == "keypoints" else NAMES, stats)), **classes}


def equal(scores, expected):
    for key, value in expected.items():
        assert scores[key] == pytest.approx(value, abs=1e-12), key


@pytest.mark.parametrize("spelling", ["--iou-type", "--iou_type"])
@pytest.mark.parametrize("kind", score_coco.KINDS)
def test_it_is_pycocotools(write, tmp_path, capsys, kind, spelling):
    truth, results = write(kind)
    arguments = ["coco", "--annotations", truth, "--results", results, spelling, kind]
    assert score.main([*arguments, "--out", str(tmp_path / "out"), "--worst", "3"]) == 0
    scores = json.loads((tmp_path / "out/scores.json").read_text())
    expected = pycocotools(truth, results, kind)
    assert 0.1 < expected["AP"] < 0.9
    assert expected["AP/never"] is None
    equal(scores, expected)
    assert "on the 14 images of" in capsys.readouterr().out
    about = json.loads((tmp_path / "out/scored.json").read_text())
    assert (about["iou_type"], about["samples"]) == (kind, 14)
    assert len((tmp_path / "out/worst.csv").read_text().splitlines()) == 4
    assert (tmp_path / "out/worst.png").is_file()


def run(truth, results, kind, **more):
    settings = score_coco.CocoScoring(annotations=truth, results=results, iou_type=kind, **more)
    return {
        key: None if value != value else value for key, value in score_coco.run(settings).items()
    }


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("kind", score_coco.KINDS)
def test_it_is_pycocotools_on_other_files(write, capsys, kind, seed):
    truth, results = write(kind, seed)
    equal(run(truth, results, kind), pycocotools(truth, results, kind))


@pytest.mark.parametrize("kind", score_coco.KINDS)
@pytest.mark.parametrize("named", [str, "{:05d}".format, "im {}".format])
def test_ids_may_be_texts(write, capsys, kind, named):
    """Equal scores are taken in the order of the ids, which is that of their letters."""
    truth, results = write(kind, named=named)
    equal(run(truth, results, kind), pycocotools(truth, results, kind))


@pytest.mark.parametrize("kind", score_coco.KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_ids_may_be_below_zero(write, capsys, kind, seed):
    """Equal scores are taken in the order of the ids, which is that of their values."""
    truth, results = write(kind, seed=seed, named=lambda number: -7 * int(number))
    equal(run(truth, results, kind), pycocotools(truth, results, kind))


@pytest.mark.parametrize("kind", ["segm", "keypoints"])
def test_a_bbox_beside_decides_what_is_large(write, capsys, kind):
    truth, results = write(
        kind, bbox=[0.0, 0.0, 40.0, 40.0] if kind == "segm" else [0, 0, 100, 100.0]
    )
    scores = run(truth, results, kind)
    equal(scores, pycocotools(truth, results, kind))
    assert "as in pycocotools" in capsys.readouterr().out


def test_annotation_id_0_is_an_annotation(write, capsys):
    truth, results = write("bbox")
    before = run(truth, results, "bbox")
    content = json.loads(open(truth).read())
    for one in content["annotations"]:
        one["id"] -= 1
    with open(truth, "w") as file:
        json.dump(content, file)
    assert run(truth, results, "bbox") == before


def test_nothing_may_be_found(write, tmp_path, capsys):
    truth, results = write("bbox")
    (tmp_path / "dt.json").write_text("[]")
    scores = run(truth, results, "bbox")
    assert (scores["AP"], scores["AR100"], scores["AP/never"]) == (0, 0, None)


def test_other_choices(write, capsys):
    truth, results = write("bbox")
    scores = run(truth, results, "bbox", max_detections=5, score_threshold=0.5, bootstrap=5)
    assert scores["AR5"] < run(truth, results, "bbox")["AR100"]
    assert 0 < scores["precision"] < 1
    assert scores["AP.low"] <= scores["AP.high"]
    equal(run(truth, results, "bbox", backend="pycocotools"), run(truth, results, "bbox"))


def test_keypoints_of_another_number_need_sigmas(write, tmp_path, capsys):
    truth, results = write("keypoints")
    for path in (truth, results):
        content = json.loads(open(path).read())
        for one in content["annotations"] if isinstance(content, dict) else content:
            one["keypoints"] = one["keypoints"][:6]
            one["num_keypoints"] = sum(v > 0 for v in one["keypoints"][2::3])
        with open(path, "w") as file:
            json.dump(content, file)
    arguments = ["coco", "--annotations", truth, "--results", results, "--iou-type", "keypoints"]
    assert score.main(arguments) == 2
    assert '--sigmas "[0.05, 0.07, ...]"' in capsys.readouterr().err
    assert score.main([*arguments, "--sigmas", "[0.1, 0.2]"]) == 0


def test_the_worst_are_drawn_on_photographs(write, tmp_path, capsys):
    truth, results = write("segm")
    content = json.loads(open(truth).read())
    (tmp_path / "photos").mkdir()
    for number, one in enumerate(content["images"]):
        one["file_name"] = f"{number}.jpg"
        cv2.imwrite(str(tmp_path / f"photos/{number}.jpg"), np.zeros((*SIZE, 3), np.uint8))
    with open(truth, "w") as file:
        json.dump(content, file)
    out = tmp_path / "out"
    run(truth, results, "segm", out=str(out), worst=1, images=str(tmp_path / "photos"))
    assert (cv2.imread(str(out / "worst.png")) == 0).mean() > 0.2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--results", "x"], 2, "--annotations PATH"),
        (["--annotations", "x"], 2, "--results PATH"),
        (["--annotations", "{gt}", "--results", "{dt}", "--iou-type", "box"], 2, "mean 'bbox'?"),
        (["--annotations", "{gt}", "--results", "{dt}", "--iou-type", "segm"], 1, "results[0]"),
        (["--annotations", "{gt}", "--results", "{gt}"], 1, "annotations[0]"),
        (["--annotations", "{dt}", "--results", "{gt}"], 1, "is this the results file?"),
        (["--annotations", "{gt}", "--results", "{dt}", "--sigmas", "[1]"], 2, "for keypoints"),
        (["--annotations", "{gt}", "--results", "{dt}", "--images", "nowhere"], 1, "nowhere"),
        (["--annotations", "{gt}", "--resluts", "{dt}"], 2, "did you mean 'results'?"),
        (["--annotations", "{gt}", "--results", "{dt}", "--backend", "coco"], 2, "pycocotools"),
    ],
)
def test_mistakes_are_told(write, capsys, arguments, code, said):
    truth, results = write("bbox")
    words = [word.format(gt=truth, dt=results) for word in arguments]
    assert score.main(["coco", *words]) == code
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert said in shown
