"""Engines and GPUs, each imported in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from densefit.tools.diagnosis.finding import NOTE, PROBLEM, Finding
from densefit.tools.diagnosis.installation import installed

#: Engine -> (package, program that prints JSON).
PROBES = {
    "mxnet": (
        "mxnet",
        "import densefit, json\n"
        "from densefit.backend import mx\n"
        "gpus = mx.context.num_gpus()\n"
        "value = float((mx.nd.ones((2, 2)) * 2).sum().asscalar())\n"
        "print(json.dumps({'version': mx.__version__, 'gpus': ['GPU'] * gpus, 'value': value}))",
    ),
    "torch": (
        "torch",
        "import json, torch\n"
        "on = torch.cuda.is_available()\n"
        "count = torch.cuda.device_count() if on else 0\n"
        "names = [torch.cuda.get_device_name(n) for n in range(count)]\n"
        "value = float((torch.ones(2, 2, device='cuda' if on else 'cpu') * 2).sum())\n"
        "print(json.dumps({'version': torch.__version__, 'gpus': names, 'value': value, "
        "'cuda': torch.version.cuda}))",
    ),
    "onnx": (
        "onnxruntime",
        "import json, onnxruntime as ort\n"
        "gpus = [p for p in ort.get_available_providers() if 'CUDA' in p]\n"
        "print(json.dumps({'version': ort.__version__, 'gpus': gpus, 'value': 8.0}))",
    ),
}
_SLOWEST = 120.0  # seconds for an import from a slow disk


class EngineProbes:
    """Imports of all installed engines, which run while other things are looked at."""

    def __init__(self) -> None:
        self._absent = [name for name, (package, _) in PROBES.items() if not installed(package)]
        self._processes: dict[str, subprocess.Popen[str]] = {}
        for name, (_, program) in PROBES.items():
            if name not in self._absent:
                self._processes[name] = subprocess.Popen(
                    [sys.executable, "-W", "ignore", "-c", program],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    env=dict(os.environ),
                )

    def findings(self) -> Iterator[Finding]:
        """Wait for the imports; a finding for each engine, and for GPUs."""
        can_train = False
        gpus: list[str] = []
        for name, (package, _) in PROBES.items():
            if name in self._absent:
                continue
            finding = _finding(name, package, *_outcome(self._processes[name]))
            gpus += finding.facts.get("gpus", []) if name == "torch" else []
            can_train |= finding.status != PROBLEM and name != "onnx"
            yield finding
        if self._absent:
            yield Finding("Engines", f"not installed: {', '.join(self._absent)}")
        if not can_train:
            yield Finding(
                "Engines",
                "none that trains",
                PROBLEM,
                'pip install "densefit[mxnet]" (Linux, macOS on Intel; Python 3.10 to 3.12) or '
                '"densefit[torch]"',
            )
        yield _gpus(gpus)


def _outcome(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    """(what a probe printed, "") or ({}, what went wrong)."""
    try:
        out, errors = process.communicate(timeout=_SLOWEST)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return {}, f"its import takes more than {_SLOWEST:g} s"
    try:
        facts = json.loads(out.strip().splitlines()[-1])
    except (IndexError, ValueError):
        lines = [line for line in errors.strip().splitlines() if line.strip()]
        if process.returncode < 0:
            return {}, f"its import ends by signal {-process.returncode}"
        return {}, lines[-1] if lines else f"its import ends with code {process.returncode}"
    return (facts, "") if facts["value"] == 8.0 else ({}, f"computes 8 as {facts['value']}")


def _finding(name: str, package: str, facts: dict[str, Any], wrong: str) -> Finding:
    label = {"mxnet": "MXNet", "torch": "PyTorch", "onnx": "ONNX Runtime"}[name]
    number = installed(package)
    if wrong:
        numpy = installed("numpy") or ""
        fix = f'pip install --force-reinstall "densefit[{name}]"'
        if name == "mxnet" and not numpy.startswith("1."):
            fix = 'pip install "numpy<2": MXNet 1.9.1 needs it'
        return Finding(label, f"{number}: {wrong}", PROBLEM, fix, {"error": wrong})
    device = "on GPU and CPU" if facts["gpus"] else "on the CPU"
    return Finding(label, f"{facts['version']}, computes {device}", facts=facts)


def _gpus(names: list[str]) -> Finding:
    """GPUs of the machine beside those that PyTorch can use."""
    if names:
        fix = None
        return Finding("GPU", f"{', '.join(names)}: --engine torch --devices cuda:0", fix=fix)
    program = shutil.which("nvidia-smi")
    listed = ""
    if program is not None:
        try:
            command = [program, "--query-gpu=name", "--format=csv,noheader"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
            listed = ", ".join(done.stdout.split("\n")).strip(", ") if done.returncode == 0 else ""
        except (OSError, subprocess.TimeoutExpired):
            listed = ""
    if not listed:
        return Finding("GPU", "none")
    is_cpu_build = (installed("torch") or "").endswith("+cpu")
    fix = (
        "install a build of PyTorch for CUDA (pytorch.org)"
        if is_cpu_build or not installed("torch")
        else "is the driver recent enough for this build? python -c 'import torch; "
        "torch.zeros(1).cuda()' says why"
    )
    return Finding("GPU", f"{listed}, which no engine can use", NOTE, fix, {"gpus": [listed]})
