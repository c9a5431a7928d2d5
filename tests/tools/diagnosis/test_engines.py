import pytest

from densefit.tools.diagnosis import engines
from densefit.tools.diagnosis.finding import NOTE, OK, PROBLEM


def found(monkeypatch, programs, versions):
    """Findings where engines are programs."""
    probes = {name: (name, program) for name, program in programs.items()}
    monkeypatch.setattr(engines, "PROBES", probes)
    monkeypatch.setattr(engines, "installed", lambda name: versions.get(name))
    return list(engines.EngineProbes().findings())


FINE = 'print(\'{"version": "1", "gpus": %s, "value": 8.0}\')'


def test_engines_are_imported_and_compute(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    programs = {"mxnet": FINE % "[]", "torch": FINE % '["H1"]', "onnx": "1/0"}
    mxnet, torch, absent, gpu = found(monkeypatch, programs, {"mxnet": "1", "torch": "1"})
    assert (mxnet.status, mxnet.text) == (OK, "1, computes on the CPU")
    assert torch.text == "1, computes on GPU and CPU"
    assert absent.text == "not installed: onnx"
    assert gpu.text.startswith("H1")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import numpy\nraise AttributeError('numpy has no bool')", "numpy has no bool"),
        ("import os; os.kill(os.getpid(), 11)", "signal 11"),
        ('print(\'{"version": "1", "gpus": [], "value": 7.0}\')', "computes 8 as 7.0"),
        ("pass", "ends with code 0"),
    ],
)
def test_a_broken_engine_is_a_problem(monkeypatch, program, said):
    monkeypatch.setattr("shutil.which", lambda name: None)
    broken, none, _ = found(monkeypatch, {"mxnet": program}, {"mxnet": "1", "numpy": "2.1"})
    assert (broken.status, none.status) == (PROBLEM, PROBLEM)
    assert said in broken.text
    assert 'pip install "numpy<2"' in broken.fix


def test_a_gpu_that_no_engine_can_use_is_told(monkeypatch, tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA X'\n")
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(program))
    *_, gpu = found(monkeypatch, {"torch": FINE % "[]"}, {"torch": "2+cpu"})
    assert (gpu.status, gpu.text) == (NOTE, "NVIDIA X, which no engine can use")
    assert "CUDA" in gpu.fix
