"""Losses from the setting of a head."""

import pytest

from densefit.errors import ConfigError
from densefit.model.losses import make_losses, pixel_losses
from tests.model.losses.test_pixel_losses import CASES


def test_every_loss_is_tried():
    own = {
        name
        for name in pixel_losses.names()
        if pixel_losses.get(name).__module__.startswith("densefit.")
    }
    assert own == {name for name, _, _ in CASES.values()} | {"boundary"}


def test_names_factors_and_settings():
    (only,) = make_losses("dice")
    assert (only.name, only.weight) == ("dice", 1)
    losses = make_losses({"cross_entropy": {"label_smoothing": 0.1}, "focal": 2, "dice": {}})
    assert [(loss.name, loss.weight) for loss in losses] == [
        ("cross_entropy", 1),
        ("focal", 2),
        ("dice", 1),
    ]
    assert losses[0].loss.label_smoothing == 0.1


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("dise", "(?s)Unknown pixel loss 'dise'.*did you mean 'dice'"),
        ({}, "A loss is a name"),
        (["dice"], "A loss is a name"),
        (3, "A loss is a name"),
        ({"dice": 0}, "weight of the loss 'dice'"),
        ({"dice": "much"}, "weight of the loss 'dice'"),
        ({"dice": {"weight": -1}}, "weight of the loss 'dice'"),
        ({"dice": {"gamma": 1}}, "(?s)'dice' has no setting 'gamma'.*smooth"),
        ({"focal": {"gamma": -1}}, "gamma"),
        ({"tversky": {"alpha": 0, "beta": 0}}, "price"),
        ({"cross_entropy": {"label_smoothing": 1}}, "label_smoothing"),
        ({"cross_entropy": {"ohem": 0}}, "ohem"),
        ({"cross_entropy": {"ohem": 0.7, "ohem_share": 1.5}}, "ohem_share"),
    ],
)
def test_wrong_settings(setting, message):
    with pytest.raises(ConfigError, match=message):
        make_losses(setting)
