"""Built-in networks are the same graphs with densefit's builder as with MXNet's."""

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

from tests import forked

PROGRAM = Path(__file__).with_name("all_networks.py")
SPEC = importlib.util.spec_from_file_location("all_networks", PROGRAM)
all_networks = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(all_networks)


def rows(builder):
    environment = {**os.environ, "DENSEFIT_SYMBOL": builder}
    done = forked.run(
        [sys.executable, str(PROGRAM)], capture_output=True, text=True, env=environment,
        timeout=300, forget=["densefit"],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.fixture(scope="module")
def ours():
    return rows("densefit")


@pytest.fixture(scope="module")
def theirs():
    return rows("mxnet")


@pytest.mark.mxnet
def test_the_same_networks_are_built(ours, theirs):
    assert len(ours) > 80
    assert list(ours) == list(theirs)


@pytest.mark.mxnet
def test_graphs_names_and_attributes_are_mxnets(ours, theirs):
    for name, row in theirs.items():
        for part in row:
            if part != "shapes":
                assert ours[name][part] == row[part], f"{part} of {name}"


@pytest.mark.mxnet
def test_shapes_are_mxnets(ours, theirs):
    for name, row in theirs.items():
        names = row["arguments"] + row["outputs"] + row["states"]
        pairs = zip(names, sum(ours[name]["shapes"], []), sum(row["shapes"], []))
        assert not [pair for pair in pairs if pair[1] != pair[2]], name


def test_all_shapes_of_eval_graphs_are_known(ours):
    """Nothing but the image decides them."""
    graphs = [row for row in ours.values() if " train " not in row["name"]]
    assert graphs
    for row in graphs:
        assert all(shape and 0 not in shape for part in row["shapes"] for shape in part)
