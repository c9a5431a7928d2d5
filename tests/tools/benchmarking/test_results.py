import math

from densefit.exporting.parity import Parity
from densefit.tools.benchmarking.results import Result, print_results

SCORES = {"boxes/AP": 0.5, "boxes/APl": math.nan}
TIMES = {1: 12.34, 8: 5.67}


def parity(name, largest, scale, differing=0.0, is_empty=False):
    return Parity(name, largest, scale, differing, is_empty=is_empty)


def test_each_has_a_row_with_the_worst_of_its_outputs(capsys):
    differences = {
        "small": parity("small", 0.3, 300.0),
        "worst": parity("worst", 0.2, 2.0),
        "rows": parity("rows", 0.0, 1.0, differing=0.25),
        "unused": parity("unused", 9.0, 1.0, is_empty=True),
    }
    own = Result("MXNet", 47_000_000, SCORES, TIMES)
    other = Result("PyTorch", 47_000_000, SCORES, TIMES, differences)
    empty = Result("int8", 12_000_000, {}, TIMES, {"unused": differences["unused"]})
    print_results([own, other, empty], ["boxes/AP"])
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines()]
    rows = [row for row in rows if row]
    assert rows == [
        ["MXNet", "0.5000", "12.3", "5.7", "47.0", "-"],
        ["PyTorch", "0.5000", "12.3", "5.7", "47.0", "0.2 of 2, 25.0% unequal"],
        ["int8", "-", "12.3", "5.7", "12.0", "nothing to compare"],
    ]


def test_a_model_alone_has_no_difference(capsys):
    print_results([Result("ONNX Runtime", 1, SCORES, TIMES)], ["boxes/AP"])
    assert "difference" not in capsys.readouterr().out


def test_json_has_all_numbers():
    values = Result("a", 9, SCORES, TIMES, {"x": parity("x", 0.5, 2.0, 0.125)}).values()
    assert values == {
        "name": "a",
        "bytes": 9,
        "scores": {"boxes/AP": 0.5, "boxes/APl": None},
        "milliseconds": {"1": 12.34, "8": 5.67},
        "differences": {"x": {"largest": 0.5, "scale": 2.0, "unequal": 0.125}},
    }
