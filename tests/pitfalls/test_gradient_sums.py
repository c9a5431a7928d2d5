"""Where many gradients meet in one array, MXNet adds them in place, and operators overwrite it."""

import json
import os
import sys
from functools import cache
from pathlib import Path

from densefit.backend import GRADIENT_SUM_CAP
from densefit.engine.mxnet.graph.overwriting_ops import OVERWRITING
from tests import forked

HERE = Path(__file__).parent
#: What overwrites a parameter's gradient, and adds up rightly where many meet in its small graph.
ONE_WAY = {"_linalg_trmm", "_linalg_trsm"}


def python(*arguments, **environment):
    """What a fresh process prints, without this one's settings of MXNet."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MXNET_")}
    kept.update(OMP_NUM_THREADS="1", PYTHONPATH=os.pathsep.join(sys.path))
    done = forked.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=300, check=True,
        env={**kept, **environment}, forget=["densefit"],
    )  # fmt: skip
    return done.stdout


@cache
def scan(*arguments, **environment):
    """Every operator of MXNet with a gradient; equal uses of it are not made one."""
    script = str(HERE / "gradient_scan.py")
    return json.loads(python(script, *arguments, MXNET_ELIMINATE_COMMON_EXPR="0", **environment))


def test_every_operator_is_tried_or_has_a_reason_not_to_be():
    found = scan()
    assert found["unlisted"] == []
    assert found["failed"] == {}


def test_mxnet_s_own_setting_is_wrong_for_many_operators():
    wrong = set(scan("sums", **{GRADIENT_SUM_CAP: "8"})["wrong"])
    assert {"mean", "clip", "reverse", "_np_cumsum", "_contrib_MultiBoxPrior"} <= wrong
    assert wrong == OVERWRITING - ONE_WAY - {"Custom"}


def test_all_are_right_with_densefit_s_setting():
    assert scan()["wrong"] == []
    assert len(scan()["right"]) > 400


def test_the_same_operators_overwrite_a_gradient_that_is_to_be_added():
    """Whatever the setting: of micro-batches only the last would train, or none."""
    overwriting = set(scan()["overwriting"])
    assert overwriting == OVERWRITING - {"Custom", "_npi_polyval"}


def test_trunks_of_all_recipes_have_right_gradients():
    found = json.loads(python(str(HERE / "gradient_recipes.py")))
    assert len(found) == 7
    for recipe, errors in found.items():
        assert max(errors) < 1e-4, recipe


def test_mxnet_s_own_setting_is_wrong_for_two_deeplab_heads():
    """10 gradients meet where the heads begin."""
    script, recipe = str(HERE / "gradient_recipes.py"), "multi_resnet18_nyuv2"
    _, of_differences = json.loads(python(script, recipe, **{GRADIENT_SUM_CAP: "8"}))[recipe]
    assert of_differences > 0.1
