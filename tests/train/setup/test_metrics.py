"""Scores that reports show first."""

from types import SimpleNamespace

from densefit.train.setup.metrics import main_scores_of


def part(**heads):
    metrics = {
        head: [SimpleNamespace(primary=name) for name in names] for head, names in heads.items()
    }
    return SimpleNamespace(metrics=metrics)


def test_the_score_of_the_best_checkpoint_comes_first():
    scorer = SimpleNamespace(scorers={"": part(boxes=["AP", "mAP"], seg=["mIoU"], none=[])})
    assert main_scores_of(scorer, None) == ["boxes/AP", "seg/mIoU"]
    assert main_scores_of(scorer, "seg/mIoU") == ["seg/mIoU", "boxes/AP"]
    assert main_scores_of(None, None) == []


def test_several_datasets_have_scores_of_their_own():
    scorer = SimpleNamespace(scorers={"x": part(boxes=["AP"]), "y": part(boxes=["AP"])})
    assert main_scores_of(scorer, "composite") == ["composite", "x/boxes/AP", "y/boxes/AP"]
