"""Install densefit and a compute engine into the Python that runs this file.

    python .ci/install.py --extras plot --engine auto

The engine "auto" is MXNet where it has wheels and can be imported, else PyTorch; "all" is both.
What these chose is written to the file `engine` of the virtual environment.
"""

from __future__ import annotations

import argparse
import platform
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: A CPU build of PyTorch, as it is called where builds have different names.
CPU_BUILD = "torch==2.13.0+cpu"
#: PyTorch's own index of CPU builds; the package index has those of CUDA, for Linux.
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def has_mxnet_wheels() -> bool:
    """Whether MXNet 1.9.1 has wheels for this Python and platform, as pyproject.toml says it."""
    machine = platform.machine().lower()
    is_linux = sys.platform == "linux" and machine in ("x86_64", "aarch64")
    is_mac = sys.platform == "darwin" and machine == "x86_64"
    return (is_linux or is_mac) and sys.version_info < (3, 13)


def pip(*arguments: str, quiet: bool = False) -> bool:
    """Run `pip install`; return whether it succeeded."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", *arguments]
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, cwd=ROOT, stdout=output, stderr=output).returncode == 0


def imports(statement: str) -> str:
    """Run a statement in a new process; return the last line of its error, "" if it works."""
    done = subprocess.run(
        [sys.executable, "-c", statement], cwd=ROOT, capture_output=True, text=True
    )
    lines = done.stderr.strip().splitlines()
    return "" if done.returncode == 0 else (lines[-1] if lines else "it ended without a word")


def install_densefit(extras: list[str]) -> None:
    """Install densefit, editable, with extras.

    Raises:
        SystemExit: pip failed.
    """
    listed = f"[{','.join(extras)}]" if extras else ""
    if not pip("--editable", f".{listed}"):
        raise SystemExit(f"pip could not install densefit{listed}")


def install_mxnet(extras: list[str], required: bool) -> bool:
    """Install MXNet; return whether it can be imported."""
    if not has_mxnet_wheels():
        if required:
            raise SystemExit(
                f"MXNet 1.9.1 has no wheel for Python {platform.python_version()} on "
                f"{sys.platform} {platform.machine()}: Python 3.10 to 3.12 on Linux (x86-64, "
                "aarch64) or macOS (x86-64). Use ENGINE=torch"
            )
        return False
    install_densefit([*extras, "mxnet"])
    reason = imports("from densefit.backend import mx")
    if reason and required:
        raise SystemExit(f"MXNet is installed and cannot be imported: {reason}")
    if reason:
        print(f"MXNet cannot be imported here ({reason}): PyTorch is used")
    return not reason


def install_torch() -> None:
    """Install PyTorch, a CPU build where one can be had.

    Raises:
        SystemExit: it cannot be installed or imported.
    """
    if imports("import torch"):
        is_cuda_default = sys.platform == "linux" and platform.machine() == "x86_64"
        # Without retries: where there is no network, the next way is tried at once.
        few = ["--retries", "0", "--timeout", "15"]
        if not (
            pip(CPU_BUILD, *few, quiet=True)
            or (is_cuda_default and pip("torch>=2.4", "--index-url", CPU_INDEX, *few, quiet=True))
        ):
            if is_cuda_default:
                print(
                    "No CPU build of PyTorch can be had: its build for CUDA is installed, about "
                    "3 GB to download and 7 GB on disk"
                )
            if not pip("torch>=2.4"):
                raise SystemExit("pip could not install PyTorch")
    reason = imports("import torch")
    if reason:
        raise SystemExit(f"PyTorch is installed and cannot be imported: {reason}")


def install_references() -> None:
    """Install what only tests compare with, without PyTorch's CUDA build.

    torchvision requires the PyTorch of its release exactly, and the package index has that for CUDA
    only, so none brings its dependencies. timm needs no more than the extra dev has. Where they
    cannot be installed, tests that need them skip.
    """
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.findall(r"^references = \[(.*)\]$", text, re.M)[0]
    packages = re.findall(r'"([^"]+)"', listed)
    if not pip("--no-deps", *packages):
        print(f"pip could not install {', '.join(packages)}: tests that compare with them skip")


def main() -> None:
    """Install what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--extras", default="", help="extras of pyproject.toml, comma-separated")
    parser.add_argument("--engine", default="auto", choices=("auto", "mxnet", "torch", "all"))
    settings = parser.parse_args()
    extras = [name for name in settings.extras.split(",") if name]
    engine = "torch"
    if settings.engine == "torch":
        install_densefit(extras)
    elif install_mxnet(extras, required=settings.engine == "mxnet"):
        engine = "mxnet"
    else:
        install_densefit(extras)
    if engine == "torch" or settings.engine == "all":
        install_torch()
        if "dev" in extras:
            install_references()
    if settings.engine in ("auto", "all"):
        Path(sys.prefix, "engine").write_text(engine + "\n", encoding="utf-8")
    print(f"installed in {sys.prefix}; the engine is {engine}")


if __name__ == "__main__":
    main()
