import copy

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Sample
from densefit.errors import ConfigError
from densefit.train.setup.same_heads import check_same_heads

NAMES = ["sky", "ground", "pole"]


class Streets:
    mask_classes = NAMES

    def __len__(self):
        return 4

    def id_of(self, index):
        return f"s{index}"

    def __getitem__(self, index):
        mask = np.zeros((32, 32), np.uint8)
        mask[8 * index :] = 1
        return Sample(self.id_of(index), np.zeros((32, 32, 3), np.uint8), {"mask": mask})


def head(classes=NAMES, **settings):
    return df.head("segmentation", classes=classes, decoder="fcn", channels=6, **settings)


def network(**settings):
    return df.Network("resnet18", [head(**settings)], settings={"width": 8})


def check(own, theirs):
    loader = df.Loader(Streets(), batch_size=2, heads=[theirs], workers=0)
    adapters = list(df.Network("resnet18", [own], settings={"width": 8}).adapters.values())
    check_same_heads(loader, adapters, "train")


@pytest.mark.parametrize(
    "settings",
    [{"class_weights": [1.0, 3.0, 1.0]}, {"classes": NAMES[::-1]}, {"background": "ground"}],
    ids=lambda settings: next(iter(settings)),
)
def test_labels_that_the_network_does_not_learn_are_refused(settings):
    with pytest.raises(ConfigError, match="(?s)other labels for the head 'segmentation'.*sample s"):
        check(head(), head(**settings))
    with pytest.raises(ConfigError, match="(?s)other labels.*heads=network.heads"):
        check(head(**settings), head())


def test_the_same_head_and_one_made_alike_are_taken(caplog):
    own = head(class_weights=[1.0, 2.0, 3.0])
    for other in (own, head(class_weights=(1, 2, 3)), copy.deepcopy(own)):
        check(own, other)
    assert not caplog.text


def test_settings_that_change_no_label_are_told(caplog):
    check(head(), head(weight=2.0))
    assert "weight=2.0; the network's: weight=1.0" in caplog.text


def test_a_head_of_one_s_own_is_compared(tiny):
    class Twice(tiny.Brightness):
        def encode(self, sample):
            return {"value": 2 * super().encode(sample)["value"]}

    made = tiny.network()
    loader = df.Loader(tiny.Pictures(), batch_size=4, heads=[Twice()])
    for do in (df.fit, df.find_lr):
        with pytest.raises(ConfigError, match="(?s)other labels for .*'bright'.*test_same_heads"):
            do(made, loader, updates=3)
    assert not made.initialized
