import json

import cv2
import numpy as np
import pytest

from densefit.tools import score
from densefit.tools.scoring import score_voc

CLASSES = ["bird", "cat", "traffic_light"]


@pytest.fixture
def case(tmp_path):
    """An ugly VOC year and results; gives the objects and the detections too."""
    rng = np.random.default_rng(3)
    root, results = tmp_path / "VOC", tmp_path / "results"
    (root / "Annotations").mkdir(parents=True)
    (root / "ImageSets/Main").mkdir(parents=True)
    results.mkdir()
    objects, names = {}, [f"im{number}" for number in rng.permutation(14)]
    for name in names:
        things = []
        for _ in range(rng.integers(1, 6)):
            x, y = rng.integers(1, 60, 2)
            width, height = rng.integers(0, 40, 2)
            # the only true traffic lights are in an image that is not scored
            label = CLASSES[2 if name == names[13] else rng.integers(0, 2)]
            things.append((label, int(rng.random() < 0.25), (x, y, x + width, y + height)))
        objects[name] = things
        body = "".join(
            f"<object><name>{label}</name><difficult>{difficult}</difficult><bndbox><xmin>{box[0]}"
            f"</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox>"
            "</object>"
            for label, difficult, box in things
        )
        (root / f"Annotations/{name}.xml").write_text(f"<annotation>{body}</annotation>")
    (root / "ImageSets/Main/test.txt").write_text("\n".join(names[:12]))
    found = {label: [] for label in CLASSES}
    for name in names[:12]:
        for label, _, box in objects[name]:
            for _ in range(rng.integers(0, 4)):
                moved = np.round(np.array(box) + rng.normal(0, 2.5, 4), 1)
                moved = (*moved[:2], *np.maximum(moved[:2], moved[2:]))
                guess = label if rng.random() < 0.8 else CLASSES[rng.integers(0, 3)]
                found[guess].append((name, round(float(rng.random()), 1), *map(float, moved)))
    for label, rows in found.items():
        rng.shuffle(rows)
        lines = ["{} {} {} {} {} {}".format(*row) for row in rows]
        (results / f"comp4_det_test_{label}.txt").write_text("\n".join(lines))
    return root, results, {name: objects[name] for name in names[:12]}, found


def devkit(objects, rows, label, eleven, least=0.5, more=1):
    """VOCevaldet, statement by statement; the rows sorted stably by score; `more` for its + 1."""
    truth = {
        name: [[box, difficult, False] for own, difficult, box in things if own == label]
        for name, things in objects.items()
    }
    positives = sum(not difficult for things in truth.values() for _, difficult, _ in things)
    hits, misses, curve = 0, 0, []
    for name, _, *box in sorted(rows, key=lambda row: -float(row[1])):
        box = [float(value) for value in box]
        best, chosen = -1.0, None
        for thing in truth[name]:
            own = thing[0]
            width = min(box[2], own[2]) - max(box[0], own[0]) + more
            height = min(box[3], own[3]) - max(box[1], own[1]) + more
            if width > 0 and height > 0:
                union = (box[2] - box[0] + more) * (box[3] - box[1] + more)
                union += (own[2] - own[0] + more) * (own[3] - own[1] + more) - width * height
                if width * height / union > best:
                    best, chosen = width * height / union, thing
        if best >= least:
            if chosen[1]:
                continue
            hits, misses = (hits, misses + 1) if chosen[2] else (hits + 1, misses)
            chosen[2] = True
        else:
            misses += 1
        curve.append((hits / positives if positives else 0.0, hits / (hits + misses)))
    if not positives:
        return None
    if eleven:
        tops = [max([p for r, p in curve if r >= t], default=0.0) for t in np.arange(0, 1.1, 0.1)]
        return sum(tops) / 11
    area, before = 0.0, 0.0
    for place, (recall, _) in enumerate(curve):
        area += (recall - before) * max(p for _, p in curve[place:])
        before = recall
    return area


@pytest.mark.parametrize("year", [2007, 2012])
def test_it_is_the_devkit(case, tmp_path, capsys, year):
    root, results, objects, found = case
    arguments = ["voc", "--annotations", str(root), "--results", str(results)]
    assert score.main([*arguments, "--year", str(year), "--out", str(tmp_path / "out")]) == 0
    scores = json.loads((tmp_path / "out/scores.json").read_text())
    expected = {
        label: devkit(objects, found[label], label, eleven=year == 2007) for label in CLASSES
    }
    assert expected["traffic_light"] is None
    for label, value in expected.items():
        assert scores[f"AP/{label}"] == pytest.approx(value, abs=1e-12)
    defined = [value for value in expected.values() if value is not None]
    assert scores["mAP"] == pytest.approx(np.mean(defined), abs=1e-12)
    shown = capsys.readouterr().out
    assert "the 12 'test' images of" in shown
    assert f"VOC {year}" in shown
    about = json.loads((tmp_path / "out/scored.json").read_text())
    assert (about["year"], about["samples"]) == (year, 12)
    assert (tmp_path / "out/worst.png").is_file()


def test_one_file_is_one_class(case, capsys):
    root, results, objects, found = case
    chosen = score_voc.VocScoring(
        annotations=str(root), results=str(results / "comp4_det_test_cat.txt"), iou=0.7
    )
    scores = score_voc.run(chosen)
    expected = devkit(objects, found["cat"], "cat", eleven=False, least=0.7)
    assert scores == pytest.approx({"mAP": expected, "AP/cat": expected}, abs=1e-12)
    assert "only the class 'cat'" in capsys.readouterr().out


def test_edges_may_be_continuous(case, capsys):
    root, results, objects, found = case
    scores = score_voc.run(
        score_voc.VocScoring(annotations=str(root), results=str(results), pixel_offset=False)
    )
    differ = []
    for label in ("cat", "bird"):
        expected = devkit(objects, found[label], label, eleven=False, more=0)
        assert scores[f"AP/{label}"] == pytest.approx(expected, abs=1e-12)
        differ.append(abs(expected - devkit(objects, found[label], label, eleven=False)))
    assert max(differ) > 1e-3


def test_a_class_without_a_file_is_told_and_0(case, capsys):
    root, results, _, _ = case
    (results / "comp4_det_test_bird.txt").unlink()
    chosen = score_voc.VocScoring(annotations=str(root), results=str(results), score_threshold=0.5)
    scores = score_voc.run(chosen)
    assert scores["AP/bird"] == 0
    assert 0 < scores["recall"] < 1
    assert "no file of results, so AP 0 if there are objects: bird" in capsys.readouterr().out


def test_classes_can_be_named(case, tmp_path, capsys):
    root, results, _, _ = case
    (tmp_path / "names.txt").write_text("traffic_light\ncat\n")
    (results / "comp4_det_test_bird.txt").unlink()
    chosen = score_voc.VocScoring(
        annotations=str(root), results=str(results), class_names=str(tmp_path / "names.txt")
    )
    assert list(score_voc.run(chosen)) == ["mAP", "AP/traffic_light", "AP/cat"]
    assert "objects of classes that are not scored: bird" in capsys.readouterr().out


def test_the_worst_are_drawn_on_photographs(case, tmp_path, capsys):
    root, results, objects, _ = case
    (root / "JPEGImages").mkdir()
    for name in objects:
        cv2.imwrite(str(root / f"JPEGImages/{name}.jpg"), np.zeros((101, 102, 3), np.uint8))
    chosen = score_voc.VocScoring(
        annotations=str(root),
        results=str(results),
        images=str(root / "JPEGImages"),
        out=str(tmp_path / "out"),
        worst=1,
    )
    for path in (root / "Annotations").glob("*.xml"):
        size = "<annotation><size><width>102</width><height>101</height></size>"
        path.write_text(path.read_text().replace("<annotation>", size))
    score_voc.run(chosen)
    assert (cv2.imread(str(tmp_path / "out/worst.png")) == 0).mean() > 0.4


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--results", "x"], 2, "--annotations PATH"),
        (["--annotations", "{root}"], 2, "--results PATH"),
        (["--annotations", "{root}", "--results", "{root}", "--year", "2009"], 2, "2007 (11"),
        (["--annotations", "{root}", "--results", "{results}", "--iou", "0"], 2, "0 < iou"),
        (["--annotations", "{root}", "--results", "{root}", "--worst", "-1"], 2, "--worst 0"),
        (["--annotations", "{root}", "--results", "{root}"], 1, "no files of results"),
        (["--annotations", "{root}", "--results", "nowhere"], 1, "nowhere"),
    ],
)
def test_mistakes_are_told(case, capsys, arguments, code, said):
    words = [word.format(root=case[0], results=case[1]) for word in arguments]
    assert score.main(["voc", *words]) == code
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert said in shown
