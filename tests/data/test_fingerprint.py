"""Whether two trainings see the same data."""

import numpy as np
import pytest

import densefit as df
from densefit.data.fingerprint import fingerprint
from densefit.data.sample import Sample


def test_the_same_data_have_the_same_sum():
    first = fingerprint(df.dataset("shapes", length=12, size=(24, 24)))
    assert first["samples"] == 12
    assert len(first["sha256"]) == 64
    assert fingerprint(df.dataset("shapes", length=12, size=(24, 24))) == first


@pytest.mark.parametrize(
    "settings", [{"length": 11}, {"size": (24, 25)}, {"split": "val"}, {"seed": 1}]
)
def test_other_data_have_another(settings):
    plain = {"length": 12, "size": (24, 24)}
    first = fingerprint(df.dataset("shapes", **plain))
    assert fingerprint(df.dataset("shapes", **{**plain, **settings}))["sha256"] != first["sha256"]


class Two:
    def __init__(self, ids=("a", "b"), classes=("x",), label=0, broken=False):
        self.ids, self.classes, self.label, self.broken = ids, list(classes), label, broken

    def __len__(self):
        return len(self.ids)

    def id_of(self, index):
        return self.ids[index]

    def __getitem__(self, index):
        if self.broken:
            raise OSError("gone")
        targets = {"label": np.array(self.label), "runs": np.array([{"size": [1, 2]}], object)}
        return Sample(self.ids[index], np.zeros((2, 2, 3), np.uint8), targets)


def test_ids_classes_and_targets_count():
    sums = {
        fingerprint(data)["sha256"]
        for data in (
            *(Two(), Two(("b", "a")), Two(classes=("y",)), Two(label=1), Two(("a",))),
            Two(broken=True),  # what is broken is told in the epoch
        )
    }
    assert len(sums) == 6
    assert fingerprint(Two()) == fingerprint(Two())
