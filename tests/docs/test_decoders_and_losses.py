"""The page on decoders and losses: its code is run, and its tables name all that there is."""

import re
from pathlib import Path

import numpy as np
import yaml

import densefit as df
from densefit.model.decoders import decoders
from densefit.model.losses import pixel_losses

PAGE = (Path(__file__).parents[2] / "docs" / "decoders-and-losses.md").read_text()


def names(column):
    """First cells of a table."""
    table = PAGE.split(f"| {column} |")[1].split("\n\n")[0]
    return set(re.findall(r"^\| `([\w+]+)`", table, re.M))


def built_in(registry):
    return {n for n in registry.names() if registry.get(n).__module__.startswith("densefit.")}


def test_the_tables_name_all():
    assert names("`decoder`") == built_in(decoders)
    assert names("loss") == built_in(pixel_losses)


def test_the_recipe_s_lines_are_settings_of_a_head():
    heads = yaml.safe_load(re.search(r"```yaml\n(.*?)```", PAGE, re.S).group(1))["heads"]
    head = df.head("segmentation", classes=3, **heads["segmentation"])
    assert head.loss_terms == ["cross_entropy", "dice", "auxiliary"]


def test_a_decoder_and_a_loss_of_one_s_own(plugins_of_test):
    exec(re.search(r"```python\n(.*?)```", PAGE, re.S).group(1), {"__name__": "plugin"})
    data = df.dataset("shapes", length=4, size=(48, 48))
    head = df.head("segmentation", classes=data.mask_classes, decoder="linear", loss="brier")
    network = df.Network("resnet18", [head], settings={"width": 8})
    loader = df.Loader(data, batch_size=2, heads=[head], workers=0)
    history = df.fit(network, loader, epochs=1, schedule=df.Constant(1e-3))
    loss = history.epochs[-1]["train"]["segmentation/loss"]
    assert 0 < loss < 2  # the largest squared error of two distributions
    assert np.isfinite(df.score(network, loader)["segmentation/mIoU"])
