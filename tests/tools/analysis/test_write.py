"""What a training writes beside its scores; the training is `trained` of tests/tools."""

import json

import cv2
import pytest


@pytest.fixture(scope="module")
def analyses(trained):
    return {
        path.stem: json.loads(path.read_text()) for path in (trained / "analysis").glob("*.json")
    }


def test_every_head_has_an_analysis(analyses, trained):
    assert set(analyses) == {"detection", "segmentation", "kind"}
    for name, analysis in analyses.items():
        assert (analysis["split"], analysis["images"]) == ("test", 8)
        assert (trained / "analysis" / f"{name}_confusion.png").exists()


def test_confusion_matrices_count_what_was_scored(analyses):
    boxes, pixels, samples = (
        analyses[name]["confusion"] for name in ("detection", "segmentation", "kind")
    )
    assert boxes["names"][-1] == "background"
    assert sum(map(sum, pixels["counts"])) == 8 * 64 * 80
    assert sum(map(sum, samples["counts"])) == 8
    assert [boxes["what"], pixels["what"], samples["what"]] == ["boxes", "pixels", "samples"]


def test_the_threshold_is_that_of_the_drawings(analyses):
    assert analyses["detection"]["score_threshold"] == 0.1  # draw_threshold of the recipe


def test_samples_are_drawn(analyses, trained):
    for analysis in analyses.values():
        assert analysis["samples"] == len(analysis["shown"]) == 8
        for entry in analysis["shown"]:
            for side in ("truth", "prediction"):
                picture = cv2.imread(str(trained / "analysis" / entry[side]))
                assert picture.shape[:2] == tuple(entry["size"])
    values = [entry["value"] for entry in analyses["segmentation"]["shown"]]
    assert values == sorted(values)
    losses = [entry["value"] for entry in analyses["kind"]["shown"]]
    assert losses == sorted(losses, reverse=True)


def test_outcomes_of_segmentation_and_classes(analyses):
    kinds = {
        kind
        for name in ("segmentation", "kind")
        for entry in analyses[name]["shown"]
        for _, kind, _ in entry["outcomes"]
    }
    assert kinds <= {"right", "wrong class", "missed", "IoU below 0.5", "only predicted"}
    assert kinds
