"""Networks as files of other runtimes: ONNX, with the program that runs the file.

Raises:
    EngineError: the package onnx is not installed.
"""

from importlib.util import find_spec

from densefit.errors import EngineError

try:
    _is_installed = find_spec("onnx") is not None
except ValueError:  # blocked: sys.modules["onnx"] is None
    _is_installed = False
if not _is_installed:
    raise EngineError(
        "An export to ONNX needs the package onnx, which is not installed",
        fix='pip install "densefit[onnx]"',
    )
