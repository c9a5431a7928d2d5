"""Every benchmark of training, data and checkpoints runs at its smallest size."""

import ast
import contextlib
import importlib
import io
import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from densefit.tools import train_det
from tests import forked
from tests.distributed import ranks

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a benchmark's `main` at its smallest size, and give what it prints."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setenv("PYTHONPATH", str(BENCHMARKS.parent))

    def main(name):
        module = importlib.import_module(name)
        for starting in (module, importlib.import_module("side_by_side")):
            if hasattr(starting, "subprocess"):
                monkeypatch.setattr(starting, "subprocess", forked)
        module.main(["--smallest"])
        return capsys.readouterr().out

    return main


@pytest.fixture
def trains_here(monkeypatch):
    """Let tools train in this process, without curves and reports, which take twice as long."""

    def train(command, **_):
        python, script, *arguments = command
        assert python == sys.executable
        assert Path(script) == BENCHMARKS.parent / "tools" / "train_det.py"
        with contextlib.redirect_stdout(io.StringIO()):
            assert train_det.main(arguments) == 0

    monkeypatch.setattr(forked, "run", train)
    monkeypatch.setattr("densefit.callbacks.curves.plot_curves", lambda *settings: [])
    monkeypatch.setattr("densefit.tools.recipes.run.finish.write_report", lambda *arguments: None)


def rows(text, pattern):
    return re.findall(pattern, text, re.M)


def test_checkpoint_faults_are_all_refused():
    """In a process of its own: it lets writes fail, and silences warnings."""
    command = [sys.executable, str(BENCHMARKS / "checkpoint_faults.py"), "--smallest"]
    environment = {**os.environ, "PYTHONPATH": str(BENCHMARKS.parent)}
    out = forked.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    counts = rows(out, r"│ +(\d+) +│ +(\d*) *│ +(\d+) +│ +(\d+) │$")
    assert len(counts) == 12
    for tried, refused, good, wrong in counts:
        assert (refused or tried, good, wrong) == (tried, tried, "0")
    assert [tried for tried, *_ in counts].count("1") >= 11


def test_checkpoint_speed_prints_four_rows(run):
    out = run("checkpoint_speed")
    labels = ("the same bytes", "store.write", "BackgroundWriter.submit", "store.read")
    assert [label in out for label in labels] == [True] * 4


def test_checkpoint_training_prints_a_row_for_each_way(run):
    out = run("checkpoint_training")
    assert len(rows(out, r"(none|beside|by itself) +│ +\d+\.\d\d │")) == 3


def test_an_interrupted_training_ends_as_the_undisturbed_one(run):
    out = run("interrupted_training")
    assert re.search(r"SIGKILL +1 trainings, 1 signals .*, 1 ended as the undisturbed one", out)


@pytest.mark.mxnet
def test_data_speed_measures_each_contender_once(run):
    out = run("data_speed")
    assert len(rows(out, r"^(densefit|mx.image.ImageDetIter|cv2.imdecode)\b.* \d+\.\d+x")) == 4
    assert re.search(r"share of the limit: \d+ %", out)


@pytest.mark.mxnet
def test_training_cost_prints_a_row_for_each_kind(run):
    out = run("training_cost")
    assert len(rows(out, r"^(?:recipe|fit|Module)\S*.* +\d+\.\d +\d+\.\d{3} +\d+\.\d %")) == 4


@pytest.mark.mxnet
def test_train_speed_prints_the_share_of_the_ceiling(run):
    out = run("train_speed")
    assert re.search(r"^densefit +\d+\.\d\d +\d+\.\d +1\.00x +\d+\.\d\dx$", out, re.M)
    assert re.search(r"^densefit, engine torch +\d+\.\d\d +\d+\.\d +\d+\.\d\dx +1\.00x$", out, re.M)
    assert re.search(r"densefit computes \d+ Gflop/s, \d+ % of the ceiling", out)


@pytest.mark.mxnet
def test_loop_overhead_prints_a_row_for_each_loop(run):
    out = run("loop_overhead")
    assert len(rows(out, r"^(bare loop|densefit.fit|Module.fit) +\d+\.\d\d +\d+\.\d{3}")) == 3


@pytest.mark.mxnet
def test_multitask_cost_prints_a_row_for_each_network(run, monkeypatch, capsys):
    module = importlib.import_module("multitask_cost")
    small = ["--updates", "1", "--side", "32", "--batch-size", "2", "--width", "4"]
    module.main(["--one", "classification alone", *small])
    peak = capsys.readouterr().out
    milliseconds, mebibytes = re.findall(r"(\d[\d.]*)", peak)
    assert float(milliseconds) > 0
    assert float(mebibytes) > 0
    process = SimpleNamespace(run=lambda command, **_: SimpleNamespace(stdout=peak))
    monkeypatch.setattr(forked, "run", process.run)
    out = run("multitask_cost")
    assert len(rows(out, r"^.+ +\d+\.\d +\d+\.\d\d +\d+ +\d+\.\d\d$")) == 6


def test_gradient_places_prints_a_row_for_each_approximation(run):
    pytest.importorskip("torch", reason="gradients at features are computed by PyTorch")
    out = run("gradient_places")
    assert len(rows(out, r"^mgda +.+ -?\d\.\d{3} +-?\d\.\d{3} +\d+\.\d+$")) == 5


def test_affinity_cost_prints_what_a_measurement_adds(run):
    pytest.importorskip("torch", reason="the default engine of this benchmark")
    assert re.search(
        r"^torch: .* a measurement -?\d+ ms; auto adds -?\d+\.\d %$", run("affinity_cost")
    )


@pytest.mark.mxnet
def test_shape_switch_prints_a_row_for_each_order_of_sizes(run):
    out = run("shape_switch")
    assert len(rows(out, r"^\| .+ \| \d+\.\d \(.+\) \| \d+\.\d \(.+\) \|$")) == 3


@pytest.mark.mxnet
def test_mxnet_iterators_are_read_and_scored_rightly(run):
    out = run("mxnet_iterators")
    assert len(rows(out, r"^\| .+ \| 10 \| ")) > 30
    assert "WRONG" not in out


def test_transforms_speed_prints_a_row_for_each_transform(run):
    out = run("transforms_speed")
    assert len(rows(out, r"^│ \w[\w, ]*\w +│ +\d+\.\d\d")) >= 24 + 5


@pytest.mark.mxnet
def test_upsampling_prints_a_row_for_each_way(run):
    out = run("upsampling")
    assert len(rows(out, r" \d+\.\d\d ms$")) == 3


@pytest.mark.mxnet
def test_start_up_measures_imports_and_the_first_update(run):
    out = run("start_up")
    assert len(rows(out, r"^(import mxnet|import densefit|first update) +\d+\.\d\d s")) == 3


@pytest.mark.mxnet
def test_pretrained_gain_prints_a_row_for_each_training(run, trains_here):
    out = run("pretrained_gain")
    assert len(rows(out, r"^│ .+ │ +0\.\d{3} │ +0\.\d{3} │ +nan │$")) == 4


def test_equal_time_prints_a_row_for_each_contender(run, trains_here):
    out = run("equal_time")
    assert rows(out, r"^│ (\w+) +│ +\d\.\d{3} │ +1 │ +\d+\.\d{3} │") == ["fcos"]


def test_photograph_sizes_prints_the_share_of_boxes_and_a_score(run, trains_here):
    out = run("photograph_sizes")
    assert re.search(r"^ +96 +\d+\.\d% of +\d+ +[01]\.\d{4};", out, re.M)


def test_open_dataset_measures_openings_memory_and_growth(run):
    out = run("open_dataset")
    assert len(rows(out, r"│ (json.load|first opening|second opening) +│ +\d+\.\d\d │")) == 3
    assert len(rows(out, r"MB (?:in all|above 64 images) +│ +│ +│ +-?\d+ │$")) == 2
    assert re.search(r"exponent of the last step │ +-?\d+\.\d\d │", out)
    layouts = "yolo|mask_folder|image_folder|record"
    assert len(rows(out, rf"│ (?:{layouts}) +│ +\d+\.\d\d │ +\d+\.\d\d │ +\d+ │$")) == 4


def test_serve_load_prints_speeds_and_gets_the_right_status_of_bad_requests(run):
    out = run("serve_load")
    speeds = rows(out, r"^(predict alone|serve, 8 clients) +(\d+\.\d) +(\d+\.\d)")
    assert [name for name, *_ in speeds] == ["predict alone", "serve, 8 clients"]
    assert all(float(number) > 0 for _, *numbers in speeds for number in numbers)
    assert "answers to equal images are equal bytes" in out
    assert "0 of 24 wrong; the server is running" in out


def sources():
    return {path: path.read_text() for path in sorted(BENCHMARKS.rglob("*.py"))}


def test_shards_memory_prints_a_row_for_each_count(run):
    memory = rows(run("shards_memory"), r"^ +([\d,]+) samples, +(\d+) shards: +([\d.]+) MiB")
    assert [row[:2] for row in memory] == [("200", "2"), ("2,000", "20")]


@pytest.mark.skipif(not find_spec("timm"), reason="timm is not installed")
def test_pretrained_photographs_prints_a_row_for_each_picture(run):
    found = rows(run("pretrained_photographs"), r"^\| mobilenetv2 \| noise \| (\S+) \| (\w+) \|")
    ((difference, top5),) = found
    assert float(difference) < 1e-4
    assert top5 == "same"


def test_every_benchmark_has_a_smallest_size():
    programs = {path.stem: text for path, text in sources().items() if path.parent == BENCHMARKS}
    programs = {name: text for name, text in programs.items() if "\ndef main(" in text}
    del programs["fuzz_files"]  # its --files is its size
    assert [name for name, text in programs.items() if '"--smallest"' not in text] == []
    assert len(programs) >= 16


def test_no_benchmark_reaches_into_private_names():
    private = []
    for path, text in sources().items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and re.match("_(?!exit)[a-z]", node.attr):
                if not (isinstance(node.value, ast.Name) and node.value.id == "self"):
                    private.append(f"{path.name}:{node.lineno}")
            elif isinstance(node, ast.ImportFrom) and re.search(r"(^|\.)_[a-z]", node.module or ""):
                if node.module != "__future__":
                    private.append(f"{path.name}:{node.lineno}")
    assert private == []


@pytest.mark.mxnet
def test_what_contenders_import_from_densefit_is_there():
    for path, text in sources().items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("densefit"):
                exec(compile(ast.Module([node], []), str(path), "exec"), {})  # raises ImportError


def launched(command, **_):
    """As subprocess.run does, where the command is the launcher's."""
    assert command[1:3] == ["-m", "densefit.tools.launch"]
    status, messages = ranks.launch(command[3:])
    return SimpleNamespace(returncode=status, stderr=messages)


def test_exported_models_compute_what_their_networks_do(run):
    out = run("onnx_parity")
    (row,) = rows(out, r"^mobilenetv2 detection, detection_boxes +(\S+) +(\S+)")
    assert float(row[0]) < 0.01
    assert float(row[1]) < 0.02
    assert [name for name, _ in rows(out, r"^(float32|float16|int8) +(\S+)")] == [
        *("float32", "float16", "int8")
    ]
    (largest,) = rows(out, r"^float32 .* (\S+)$")
    assert float(largest) < 1e-4


@pytest.mark.mxnet
def test_distributed_parity_prints_a_row(run, monkeypatch):
    monkeypatch.setattr(forked, "run", launched)
    (row,) = rows(
        run("distributed_parity"), r"^\| mxnet \| frozen \| 2 \| (\S+) \| \S+ \| bit-equal \| (\S+)"
    )
    assert max(map(float, row)) < 1e-3
