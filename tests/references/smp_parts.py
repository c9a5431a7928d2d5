"""Single modules of segmentation_models_pytorch, without its packages' own imports.

The package imports all encoders, and with them timm and a client of a model hub; its decoders and
losses need PyTorch alone.
"""

import importlib
import sys
import types
from importlib.util import find_spec
from pathlib import Path

from tests.references.required import reference

NAME = "segmentation_models_pytorch"


def part(path):
    """A module, such as "decoders.unet.decoder"; skips the test without the package."""
    spec = find_spec(NAME) if NAME not in sys.modules else sys.modules[NAME].__spec__
    if spec is None:
        reference(NAME)
    if NAME not in sys.modules:
        (root,) = spec.submodule_search_locations
        for package in ("", ".base", ".decoders"):
            _bare(f"{NAME}{package}", Path(root, *package.split(".")[1:]), spec)
        base = sys.modules[f"{NAME}.base"]
        base.modules = importlib.import_module(f"{NAME}.base.modules")
    if path.startswith("decoders."):
        package = ".".join(path.split(".")[:2])
        folder = Path(spec.submodule_search_locations[0], *package.split("."))
        if f"{NAME}.{package}" not in sys.modules:
            _bare(f"{NAME}.{package}", folder, spec)
    return importlib.import_module(f"{NAME}.{path}")


def _bare(name, folder, spec):
    """A package whose __init__ is not run."""
    module = types.ModuleType(name)
    module.__path__, module.__spec__ = [str(folder)], spec
    sys.modules[name] = module
