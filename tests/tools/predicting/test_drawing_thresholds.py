import json

import pytest

from densefit.tools.predicting.drawing_thresholds import set_thresholds


class Head:
    name = "boxes"

    def __init__(self, **settings):
        self.draw_threshold = settings.get("draw_threshold", 0.4)
        self.spec = {"task": "detection", "settings": settings}


class Nested(Head):
    """Such as a head of instances."""

    def __init__(self, **detection):
        self.detector = Head(**detection)
        self.spec = {"task": "instance", "settings": {"detection": detection}}


class Map:
    name, spec = "map", None


class Network:
    def __init__(self, *heads):
        self.heads = heads


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "run" / "checkpoints" / "best"
    path.mkdir(parents=True)
    return path


def test_the_best_of_the_validation_is_drawn(checkpoint):
    stored = checkpoint.parents[1] / "thresholds.json"
    for kind in (Head, Nested):
        about = {"split": "val", "samples": 1200}
        stored.write_text(json.dumps({**about, "thresholds": {"boxes": 0.27}}))
        head = kind()
        (line,) = set_thresholds(Network(head, Map()), checkpoint, None)
        assert getattr(head, "detector", head).draw_threshold == 0.27
        assert "0.27 (the best F1 on 1,200 samples of the validation split 'val')" in line
        head = kind(draw_threshold=0.6)  # the recipe's
        if kind is Nested:
            head.name = "boxes"
        (line,) = set_thresholds(Network(head), checkpoint, None)
        assert "0.6 (the recipe)" in line
        (line,) = set_thresholds(Network(head), checkpoint, 0.1)
        assert "0.1 (--threshold)" in line


@pytest.mark.parametrize("content", [None, "{", "[]", '{"thresholds": {"boxes": NaN}}', "{}"])
def test_without_it_the_default_is_drawn_and_said_so(checkpoint, content):
    if content is not None:
        (checkpoint.parents[1] / "thresholds.json").write_text(content)
    head = Head()
    (line,) = set_thresholds(Network(head), checkpoint, None)
    assert head.draw_threshold == 0.4
    assert "0.4 (the default" in line


def test_what_an_old_run_stored_of_its_test_data_is_not_taken(checkpoint):
    scored = {"split": "test", "thresholds": {"boxes": 0.27}}
    (checkpoint.parents[1] / "scored.json").write_text(json.dumps(scored))
    head = Head()
    (line,) = set_thresholds(Network(head), checkpoint, None)
    assert head.draw_threshold == 0.4
    assert "no threshold of its validation" in line
