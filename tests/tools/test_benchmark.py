"""Engines and formats of a tiny network side by side."""

import json

import pytest

from densefit.engine import selection
from densefit.errors import EngineError
from densefit.interop import is_installed
from densefit.tools import benchmark, export, score

QUICK = ["--images", "2", "--rounds", "1", "--batches", "2"]


@pytest.fixture(scope="module")
def small(tiny, tmp_path_factory):
    """A classifier, with its scores on the test split."""
    from densefit.tools import train_det

    out = tmp_path_factory.mktemp("benchmark") / "run"
    heads = "{kind: {task: classification}}"
    assert train_det.main(tiny(model__heads=heads, out=out, training__epochs=1)) == 0
    scored = out.parent / "scored"
    assert score.main(["--checkpoint", str(out), "--out", str(scored), "--worst", "0"]) == 0
    return out, json.loads((scored / "scores.json").read_text())


def results(out):
    content = json.loads((out / "benchmark.json").read_text())
    return content, {result["name"]: result for result in content["results"]}


def test_all_that_is_installed_has_score_time_size_and_difference(small, tmp_path, capsys):
    run, scores = small
    words = ["--checkpoint", str(run), "--out", str(tmp_path), *QUICK]
    assert benchmark.main([*words, "--batches", "1,2"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("split 'test', 8 samples: the recipe's test split")
    assert "reading, decoding and resizing of files are excluded" in shown
    content, rows = results(tmp_path)
    engines = [name for name in ("MXNet", "PyTorch") if name not in content["left_out"]]
    assert list(rows) == [*engines, "ONNX Runtime", "ONNX Runtime int8"]
    assert ("MXNet" in rows) is is_installed
    own = engines[0]
    for name, row in rows.items():
        assert set(row["milliseconds"]) == {"1", "2"}
        assert min(row["milliseconds"].values()) > 0
        if "int8" not in name:
            assert row["scores"] == pytest.approx(scores, abs=1e-5)
        if name != own:
            (difference,) = row["differences"].values()
            assert difference["largest"] < (0.3 if "int8" in name else 1e-4)
    assert rows[own]["differences"] == {}
    assert rows["ONNX Runtime int8"]["bytes"] < rows["ONNX Runtime"]["bytes"]
    assert rows[own]["bytes"] == pytest.approx(rows["ONNX Runtime"]["bytes"], rel=0.2)


def test_what_is_not_installed_is_left_out_with_the_reason(small, tmp_path, capsys, monkeypatch):
    run, _ = small
    real = selection.find_spec
    absent = "torch" if is_installed else "mxnet"
    monkeypatch.setattr(selection, "find_spec", lambda n: None if n == absent else real(n))

    def fail(*arguments):
        raise EngineError("there is no onnx")

    monkeypatch.setattr("densefit.tools.benchmarking.contenders._exported", fail)
    words = ["--checkpoint", str(run), "--samples", "3", "--out", str(tmp_path), *QUICK]
    assert benchmark.main(words) == 0
    shown = capsys.readouterr().out
    assert "scored on 3 of them" in shown
    content, rows = results(tmp_path)
    assert len(rows) == 1
    left_out = content["left_out"]
    assert f"needs {absent}, which is not installed" in " ".join(left_out.values())
    assert left_out["ONNX Runtime int8"] == "there is no onnx"
    for name, reason in left_out.items():
        assert f"left out: {name}: {reason}" in shown


def test_a_model_is_computed_by_onnx_runtime_alone(small, tmp_path, capsys):
    run, scores = small
    model = tmp_path / "m.onnx"
    assert export.main([str(run), "--out", str(model)]) == 0
    words = ["--model", str(model), "--out", str(tmp_path), *QUICK]
    assert benchmark.main(words) == 0
    content, rows = results(tmp_path)
    assert list(rows) == ["ONNX Runtime"]
    assert rows["ONNX Runtime"]["bytes"] == model.stat().st_size
    assert rows["ONNX Runtime"]["scores"] == pytest.approx(scores, abs=1e-5)
    assert set(content["left_out"]) == {"MXNet", "PyTorch", "ONNX Runtime int8"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--flip", "true"], "without views"),
        (["--resize", "none"], "without views"),
        (["--batches", "0"], "1 or more"),
        (["--samples", "0"], "1 or more"),
        (["--device", "cuda:0"], "on the CPU"),
    ],
)
def test_what_cannot_be_compared_is_refused(small, capsys, words, message):
    assert benchmark.main(["--checkpoint", str(small[0]), *words]) == 2
    assert message in capsys.readouterr().err


def test_it_needs_a_checkpoint(capsys):
    assert benchmark.main([]) == 2
    assert "--checkpoint runs/NAME" in capsys.readouterr().err
