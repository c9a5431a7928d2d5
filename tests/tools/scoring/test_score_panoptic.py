import json

import cv2
import numpy as np
import pytest

from densefit.tools import score
from densefit.tools.scoring import score_panoptic

CLASSES = {3: ("cat", 1), 10: ("dog", 1), 4: ("sky", 0), 77: ("grass", 0), 8: ("never", 1)}
SIZE = (30, 40)


def write(folder, name, ids):
    folder.mkdir(exist_ok=True)
    picture = np.dstack([ids >> 16, ids >> 8 & 255, ids & 255]).astype(np.uint8)
    cv2.imwrite(str(folder / f"{name}.png"), picture)


def segments(rng, truth):
    """A map of segments and their records: blocks, void, in the truth crowds."""
    blocks = rng.integers(0, 7, (3, 4))
    ids = np.kron(blocks, np.ones((10, 10), np.int64)) * 40_003
    if not truth:
        ids = np.roll(ids, rng.integers(0, 6, 2), axis=(0, 1))
    categories = rng.choice([3, 10, 4, 77], 7)
    info = [
        {"id": int(key), "category_id": int(categories[key // 40_003])}
        for key in np.unique(ids)
        if key
    ]
    if truth:
        crowded = set()
        for one in info:
            # panopticapi knows one crowd of a class and image
            alone = one["category_id"] not in crowded
            one["iscrowd"] = int(alone and rng.random() < 0.2)
            crowded |= {one["category_id"]} if one["iscrowd"] else set()
    return ids, info


@pytest.fixture
def case(tmp_path):
    """The files of both sides, and [(truth, its records, prediction, its records)]."""
    rng = np.random.default_rng(5)
    sides, files = [], {"gt": [], "dt": []}
    for number in range(8):
        truth, prediction = segments(rng, True), segments(rng, False)
        if number % 2:  # something to find
            prediction = (truth[0].copy(), [dict(one) for one in truth[1]])
            prediction[0][:: number + 2] = 0
        present = set(np.unique(prediction[0]))
        prediction = (prediction[0], [one for one in prediction[1] if one["id"] in present])
        sides.append((*truth, *prediction))
        for name, (ids, info) in (("gt", truth), ("dt", prediction)):
            write(tmp_path / name, number, ids)
            files[name].append(
                {"image_id": number + 2**60, "file_name": f"{number}.png", "segments_info": info}
            )
    files["dt"].reverse()
    categories = [
        {"id": key, "name": name, "isthing": thing} for key, (name, thing) in CLASSES.items()
    ]
    for name, records in files.items():
        content = {"annotations": records, "categories": categories}
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return tmp_path, sides


def reference(sides):
    """The rules of panopticapi's pq_compute, written again: category -> [IoU, TP, FP, FN]."""
    stat = {key: np.zeros(4) for key in CLASSES}
    for true, true_info, found, found_info in sides:
        gt = {one["id"]: dict(one, area=int((true == one["id"]).sum())) for one in true_info}
        dt = {one["id"]: dict(one, area=int((found == one["id"]).sum())) for one in found_info}
        both = {}
        for pair in zip(true.ravel().tolist(), found.ravel().tolist()):
            both[pair] = both.get(pair, 0) + 1
        matched_gt, matched_dt = set(), set()
        for (g, d), common in both.items():
            if g not in gt or d not in dt or gt[g]["iscrowd"]:
                continue
            if gt[g]["category_id"] != dt[d]["category_id"]:
                continue
            union = dt[d]["area"] + gt[g]["area"] - common - both.get((0, d), 0)
            if common / union > 0.5:
                stat[gt[g]["category_id"]][:2] += common / union, 1
                matched_gt.add(g)
                matched_dt.add(d)
        crowds = {}
        for g, one in gt.items():
            if g in matched_gt:
                continue
            if one["iscrowd"]:
                crowds[one["category_id"]] = g
            else:
                stat[one["category_id"]][3] += 1
        for d, one in dt.items():
            if d in matched_dt:
                continue
            common = both.get((0, d), 0) + both.get((crowds.get(one["category_id"], -1), d), 0)
            if common / one["area"] <= 0.5:
                stat[one["category_id"]][2] += 1
    return stat


def test_it_is_panopticapi(case, capsys):
    tmp_path, sides = case
    arguments = ["--annotations", str(tmp_path / "gt.json"), "--results", str(tmp_path / "dt.json")]
    assert score.main(["panoptic", *arguments, "--out", str(tmp_path / "out")]) == 0
    scores = json.loads((tmp_path / "out/scores.json").read_text())
    values = {}
    for key, (iou, tp, fp, fn) in reference(sides).items():
        name, thing = CLASSES[key]
        if tp + fp + fn == 0:
            assert scores[f"PQ/{name}"] is None
            continue
        values[name] = (iou / (tp + fp / 2 + fn / 2), iou / max(tp, 1), thing)
        assert scores[f"PQ/{name}"] == pytest.approx(values[name][0], abs=1e-12)
        assert scores[f"SQ/{name}"] == pytest.approx(values[name][1], abs=1e-12)
    assert len(values) == 4
    assert scores["PQ"] == pytest.approx(np.mean([pq for pq, _, _ in values.values()]), abs=1e-12)
    things = [pq for pq, _, thing in values.values() if thing]
    assert scores["PQ_things"] == pytest.approx(np.mean(things), abs=1e-12)
    assert f"on the 8 images of {tmp_path / 'gt.json'}" in capsys.readouterr().out
    about = json.loads((tmp_path / "out/scored.json").read_text())
    assert about["things"] == ["cat", "dog", "never"]
    assert (tmp_path / "out/worst.png").is_file()


def settings(tmp_path, **more):
    files = {"annotations": str(tmp_path / "gt.json"), "results": str(tmp_path / "dt.json")}
    return score_panoptic.PanopticScoring(**files, **more)


@pytest.mark.parametrize("workers", [0, 3])
def test_threads_and_folders_of_other_names_change_nothing(case, capsys, workers):
    tmp_path = case[0]
    scores = score_panoptic.run(settings(tmp_path))
    for name in ("gt", "dt"):
        (tmp_path / name).rename(tmp_path / f"{name}_png")
    folders = {"truth_dir": str(tmp_path / "gt_png"), "predicted_dir": str(tmp_path / "dt_png")}
    again = score_panoptic.run(settings(tmp_path, workers=workers, **folders))
    assert again == pytest.approx(scores, nan_ok=True, abs=0)


def fails(tmp_path, capsys):
    arguments = ["--annotations", str(tmp_path / "gt.json"), "--results", str(tmp_path / "dt.json")]
    assert score.main(["panoptic", *arguments]) == 1
    return capsys.readouterr().err


def test_an_id_of_no_segment_is_told_with_its_files(case, capsys):
    tmp_path, sides = case
    ids = sides[2][2].copy()
    ids[0, 0] = 5
    write(tmp_path / "dt", 2, ids)
    shown = fails(tmp_path, capsys)
    assert "id 5" in shown
    assert f"{tmp_path / 'dt.json'}, annotations[5] and {tmp_path / 'dt'}/2.png" in shown


def test_a_segment_without_pixels_is_told(case, capsys):
    tmp_path = case[0]
    write(tmp_path / "gt", 3, np.zeros(SIZE, np.int64))
    shown = fails(tmp_path, capsys)
    assert "no pixel" in shown
    assert f"{tmp_path / 'gt.json'}, annotations[3] and {tmp_path / 'gt'}/3.png" in shown


def test_other_sizes_are_told(case, capsys):
    tmp_path, sides = case
    write(tmp_path / "dt", 2, sides[2][2][:, :-1])
    shown = fails(tmp_path, capsys)
    assert "not have the size of its ground truth" in shown
    assert "(30, 40)" in shown
    assert f"{tmp_path / 'dt'}/2.png" in shown


def test_images_that_are_left_out_are_noted(case, capsys):
    tmp_path = case[0]
    content = json.loads((tmp_path / "dt.json").read_text())
    extra = {"image_id": 1, "file_name": "none.png", "segments_info": []}
    content["annotations"].append(extra)
    (tmp_path / "dt.json").write_text(json.dumps(content))
    score_panoptic.run(settings(tmp_path))
    assert "note: 1 predicted images have no truth" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--annotations PATH"),
        (["--annotations", "x"], "--results PATH"),
        (["--annotation", "x"], "did you mean 'annotations'?"),
    ],
)
def test_mistakes_are_told(capsys, arguments, said):
    assert score.main(["panoptic", *arguments]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert said in shown
