import json

import numpy as np

from densefit.tools import predict, train_keypoints

DATA = "{length: 8, size: [64, 80], keypoints: true}"


def test_keypoints_train_from_a_recipe_and_predict(tiny, tmp_path):
    out = tmp_path / "run"
    assert train_keypoints.main(tiny(data__settings=DATA, out=out)) == 0
    scores = json.loads((out / "scores.json").read_text())
    assert 0 <= scores["keypoints/AP"] <= 1
    assert (out / "predictions.png").stat().st_size > 0
    found = tmp_path / "found"
    arguments = ["--checkpoint", str(out), "--out", str(found), str(out / "predictions.png")]
    assert predict.main(arguments) == 0
    line = json.loads((found / "predictions.jsonl").read_text())
    points = np.array(line["keypoints"]["keypoints"]).reshape(-1, 3, 3)
    assert len(points) == len(line["keypoints"]["scores"]) > 0
    height, width = line["size"]
    assert (points >= 0).all()
    assert (points <= (width, height, 1)).all()


def test_a_dataset_without_keypoints_is_refused(tiny, tmp_path, capsys):
    assert train_keypoints.main(tiny(out=tmp_path / "run")) == 1
    assert "'keypoints'" in capsys.readouterr().err
