"""Each head and decoder with a narrow backbone trains and scores; the table is resumable.

Each backbone with a head: tests/contract/test_backbones.py.
"""

import importlib
import sys
from pathlib import Path

import pytest

from densefit.engine import engine_name
from densefit.model.backbones import backbones
from densefit.model.decoders import decoders
from densefit.model.heads.head import heads

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def imported(name):
    sys.path.insert(0, str(BENCHMARKS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BENCHMARKS))


all_pairs = imported("all_pairs")
narrow_parts = imported("narrow_parts")


@pytest.mark.parametrize("head", narrow_parts.head_settings())
def test_a_head_trains_and_scores(head):
    network = narrow_parts.narrow_network("resnet18", head)
    numbers = all_pairs.check(network, engine_name())
    assert numbers["loss"] > 0


def test_every_registered_part_is_among_the_pairs():
    built_in = {n for n in heads.names() if heads.get(n).__module__.startswith("densefit.")}
    settings = narrow_parts.head_settings()
    assert built_in <= {task for task, _ in settings.values()}
    made = {values.get("decoder") for _, values in settings.values()}
    assert made - {None} == set(decoders.names())
    assert {name for name, _ in all_pairs.pairs("*", "classification")} == set(backbones.names())


def test_passed_pairs_are_not_made_again_and_failed_ones_are(tmp_path, monkeypatch, capsys):
    checked = []

    def check(network, engine):
        checked.append(network.backbone.name)
        if network.backbone.name == "resnet34" and len(checked) < 3:
            raise ValueError("it is broken")
        return {"loss": 1.5, "score": 0.25}

    monkeypatch.setattr(all_pairs, "check", check)
    out = tmp_path / "pairs.jsonl"
    options = ["--out", str(out), "--backbones", "resnet[13][48]", "--heads", "multilabel"]
    assert all_pairs.main(options) == 1
    text = capsys.readouterr().out
    assert checked == ["resnet18", "resnet34"]
    assert "1 of 2 pairs train and score" in text
    assert "resnet34 with multilabel: ValueError: it is broken" in text
    with open(out, "a") as file:
        file.write('{"backbone": "resnet18", "hea')  # a process that was killed in its write
    assert all_pairs.main(options) == 0
    assert checked == ["resnet18", "resnet34", "resnet34"]
    assert "2 of 2 pairs train and score" in capsys.readouterr().out
    results = all_pairs.read(out)
    assert {backbone: entry["error"] for (backbone, _, _), entry in results.items()} == {
        "resnet18": "",
        "resnet34": "",
    }


def test_what_is_not_trained_is_found(monkeypatch):
    network = narrow_parts.narrow_network("mobilenetv2", "classification")
    monkeypatch.setattr(all_pairs.df, "fit", lambda network, *_, **settings: started(settings))

    def started(settings):
        network.set_params({"head_class_bias": [0.0], "mobilenetv2_stem_weight": [0.0]})
        settings["callbacks"][0].fit_started(None, None)

    with pytest.raises(ValueError, match=r"no parameter head_\* has moved"):
        all_pairs.check(network, engine_name())
