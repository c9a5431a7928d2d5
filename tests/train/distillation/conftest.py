"""A head that learns from a teacher by the same loss as from its labels."""

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Sample
from densefit.model.backbones import Backbone
from densefit.model.heads.teachable import once_per_features
from densefit.symbol import sym


class Plain(Backbone):
    """Without BatchNorm, through which samples would know of each other."""

    name = "plain"

    def maps(self, x, output_stride):
        x = sym.Convolution(x, kernel=(3, 3), stride=(4, 4), num_filter=4, name="plain_conv")
        x = sym.Activation(x, act_type="tanh")
        return {32: (sym.Pooling(x, kernel=(8, 8), stride=(8, 8), pool_type="avg"), 4)}


class Labels:
    """Pictures with a target each, or None for none."""

    classes = ()

    def __init__(self, pictures, values):
        self.pictures, self.values = pictures, values

    def __len__(self):
        return len(self.values)

    def id_of(self, index):
        return f"p{index}"

    def __getitem__(self, index):
        value = self.values[index]
        targets = {} if value is None else {"value": np.array(value)}
        return Sample(self.id_of(index), self.pictures[index].image, targets)


@pytest.fixture
def taught(tiny):
    class Taught(tiny.Brightness):
        targets = ("value",)
        _value = once_per_features(tiny.Brightness._value)

        def teacher_outputs(self, features):
            return {"value": self._value(features)}

        def teacher_loss(self, student, teacher, temperature):
            return sym.square(student["value"] - sym.BlockGrad(teacher["value"]))

    return Taught


@pytest.fixture
def lessons(tiny, taught):
    """Trains students on values, and makes teachers."""

    class Lessons:
        pictures = tiny.Pictures(8)
        Head = taught

        @staticmethod
        def network(seed=None, name="bright", head=taught):
            network = df.Network(Plain(), [head(name)])
            if seed is not None:
                shapes = network.value_shapes
                rng = np.random.default_rng(seed)
                arguments = network.graph("train", (64, 64)).list_arguments()
                shapes, _, _ = network.graph("train", (64, 64)).infer_shape_partial(
                    data=(1, 3, 64, 64)
                )
                network.set_params(
                    {
                        key: rng.normal(0, 0.3, shape).astype(np.float32)
                        for key, shape in zip(arguments, shapes)
                        if key.endswith(("_weight", "_bias"))
                    },
                    {},
                )
            return network

        def train(self, values, network=None, batch=2, **settings):
            network = network or self.network(1)
            loader = df.Loader(
                Labels(self.pictures, values),
                batch_size=batch,
                heads=network.heads,
                shuffle=False,
                workers=0,
                taught=list(settings.get("distill", ())),
            )
            settings = {"epochs": 1, "lr": 0.1, "engine": "torch", **settings}
            is_history = settings.pop("history", False)
            history = df.fit(network, loader, **settings)
            if is_history:
                return history
            return {key: np.array(value) for key, value in network.parameters.items()}

        def validated(self, network, **settings):
            """Scores after a training that leaves the network as it is."""
            loaders = [
                df.Loader(Labels(self.pictures, list(range(8))), batch_size=3, heads=network.heads)
                for _ in range(2)
            ]
            settings = {"validation": loaders[0], "validation_losses": loaders[1], **settings}
            values = [0.0] * 8
            return self.train(values, network, history=True, **settings).last_validation

        def predicted(self, teacher):
            loader = df.Loader(Labels(self.pictures, [0.0] * 8), batch_size=8, heads=teacher.heads)
            rows = df.predict(teacher, loader, engine="torch")
            return [float(row["bright"]) for _, row in rows]

    return Lessons()
