"""Run notebooks in this process and store their outputs; read them as pages.

python -m docs.generator.notebook    # or: make pictures

Notebooks are JSON and their cells Python: no kernel is needed. A cell shows what it prints, and the
value of its last line, as text or as PNG.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"


def run(notebook: dict[str, Any], change: Callable[[str], str] = str) -> dict[str, Any]:
    """Run all code cells in one namespace and store their outputs in the notebook.

    Args:
        notebook: content of an .ipynb file, which is changed.
        change: function of a cell's code: what is run instead.

    Returns:
        The namespace behind the last cell.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    codes = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(codes, 1):
        outputs: list[dict[str, Any]] = []
        with _streams(outputs):
            value = _execute(change("".join(cell["source"])), names)
        if value is not None:
            outputs.append(_displayed(value, number))
        cell["execution_count"], cell["outputs"] = number, outputs
    return names


def to_markdown(notebook: dict[str, Any]) -> str:
    """The page of a notebook: texts, code, and stored outputs."""
    return "\n\n".join(part for cell in notebook["cells"] for part in _parts(cell)) + "\n"


def _parts(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    for output in cell["outputs"]:
        data = output.get("data", {})
        if "image/png" in data:
            yield f"![Output of the cell](data:image/png;base64,{data['image/png'].strip()})"
        else:
            text = "".join(output.get("text") or data["text/plain"])
            yield f"```text\n{text.rstrip()}\n```"


def _execute(code: str, names: dict[str, Any]) -> Any:
    """Run the code of a cell; the value of its last line, if that is an expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def _displayed(value: Any, number: int) -> dict[str, Any]:
    """A value as Jupyter stores it."""
    data = {"text/plain": [repr(value)]}
    png = value._repr_png_() if hasattr(value, "_repr_png_") else None
    if png is not None:
        data = {"image/png": base64.b64encode(png).decode("ascii"), "text/plain": ["<image>"]}
    return {
        "output_type": "execute_result",
        "execution_count": number,
        "data": data,
        "metadata": {},
    }


class _Stream(io.TextIOBase):
    """A stream that writes to a cell's outputs."""

    def __init__(self, name: str, outputs: list[dict[str, Any]]) -> None:
        self._name, self._outputs = name, outputs

    def write(self, text: str) -> int:
        """Add text to the last output, if that is of this stream, else as a new one."""
        if not self._outputs or self._outputs[-1]["name"] != self._name:
            self._outputs.append({"output_type": "stream", "name": self._name, "text": []})
        lines = self._outputs[-1]["text"]
        joined = (lines.pop() if lines and not lines[-1].endswith("\n") else "") + text
        lines += joined.splitlines(keepends=True)
        return len(text)


@contextlib.contextmanager
def _streams(outputs: list[dict[str, Any]]) -> Iterator[None]:
    out, error = _Stream("stdout", outputs), _Stream("stderr", outputs)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):  # type: ignore
        yield


def main() -> None:
    """Run all notebooks, each in an empty folder, and store their outputs."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        with TemporaryDirectory() as folder:
            before = os.getcwd()
            os.chdir(folder)
            try:
                run(notebook)
            finally:
                os.chdir(before)
        text = json.dumps(notebook, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
        print(f"wrote {path.name}")


if __name__ == "__main__":
    main()
