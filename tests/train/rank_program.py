"""Trainings of a tiny network, as one of several ranks; their settings are a JSON argument."""

import json
import os
import signal
import sys

import numpy as np

import densefit as df
from densefit.metrics import MAE
from densefit.model.backbones import Backbone
from densefit.model.layers import conv_bn
from densefit.symbol import sym


class Pictures:
    """Pictures of one brightness each; two of three lack the target `side`."""

    classes = ("value",)

    def __init__(self, length, size=32, is_partial=True, broken=(), missing=()):
        self.length, self.size, self.is_partial = length, size, is_partial
        self.broken, self.missing = broken, missing

    def __len__(self):
        return self.length

    def id_of(self, index):
        return f"p{index}"

    def __getitem__(self, index):
        if index in self.missing:
            raise df.DataError("There is no such picture")
        rng = np.random.default_rng(index)
        value = rng.uniform(0.2, 0.8)
        image = rng.normal(255 * value, 20, (self.size, self.size, 3)).clip(0, 255)
        targets = {"value": np.array(np.inf if index in self.broken else value)}
        if index % 3 == 0 or not self.is_partial:
            targets["side"] = np.array(1.0 - value)
        return df.Sample(self.id_of(index), image.astype(np.uint8), targets)


class Number(df.Head):
    """One number a picture."""

    output_stride = 8

    def __init__(self, name, dropout=0.0):
        self.name, self.targets, self.dropout = name, (name,), dropout

    def labels(self, input_size):
        return [df.Label("number", ())]

    def _value(self, features):
        x = sym.mean(features.maps[max(features.maps)], axis=(2, 3))
        x = sym.Dropout(x, p=self.dropout) if self.dropout else x
        x = sym.FullyConnected(x, num_hidden=1, name=f"{self.name}_fc")
        return sym.reshape(x, shape=(-1,))

    def train(self, features, labels):
        return {"loss": sym.square(self._value(features) - labels["number"])}

    def evaluate(self, features):
        return {"number": self._value(features)}

    def encode(self, sample):
        return {"number": np.array(sample.targets[self.name], np.float32)}

    def decode(self, outputs, geometries):
        return list(outputs["number"])

    def ground_truth(self, targets):
        return targets.get(self.name)

    def metrics(self):
        return [MAE()]


class TinyBackbone(Backbone):
    """A convolution with BatchNorm at stride 2, and pooling below."""

    name = "tiny"

    def maps(self, x, output_stride):
        x = conv_bn(x, "tiny_stem", 4, stride=2)
        maps = {}
        for stride in (4, 8, 16, 32):
            x = sym.Pooling(
                x, kernel=(2, 2), stride=(2, 2), pool_type="avg", pooling_convention="full"
            )
            maps[stride] = (x, 4)
        return maps


class At(df.Callback):
    """Do something after an update."""

    every_rank = True

    def __init__(self, update, action):
        self.update, self.action = update, action

    def update_ended(self, state, control):
        if state.update == self.update:
            self.action(control)


class StopAtSave(df.Callback):
    """Asks for the end when the second checkpoint is complete, on rank 0 alone."""

    def reset(self):
        self.saves = 0

    def saved(self, state, control, path):
        self.saves += 1
        if self.saves == 2:
            control.stop("saved twice")


def actions(settings):
    """Callbacks that end a rank, or ask for something."""
    rank = int(os.environ.get("RANK", 0))
    restart = int(os.environ.get("DENSEFIT_RESTART", 0))
    chosen = settings.get("rank", 1) == rank and restart == 0
    calls = {
        "kill": lambda control: os.kill(os.getpid(), signal.SIGKILL),
        "terminate": lambda control: signal.raise_signal(signal.SIGTERM),
        "stop": lambda control: control.stop("enough"),
        "raise": lambda control: (_ for _ in ()).throw(ValueError("a bug of a callback")),
    }
    own = [At(settings[name], call) for name, call in calls.items() if chosen and name in settings]
    return [*own, *([StopAtSave()] if settings.get("stop_at_save") else [])]


def main(settings):
    rank = int(os.environ.get("RANK", 0))
    heads = [Number("value", settings.get("dropout", 0.0)), Number("side")]
    network = df.Network(TinyBackbone(), heads)
    data = {"heads": heads, "workers": 0, "batch_size": settings["batch_size"]}
    length = settings.get("length", 21)
    train = df.Loader(
        Pictures(length, broken=settings.get("broken", ()), missing=settings.get("missing", ())),
        shuffle=True,
        seed=5,
        last=settings.get("last", "keep"),
        on_error=settings.get("on_error", "raise"),
        **data,
    )
    validation = df.Loader(Pictures(13, is_partial=False), **{**data, "batch_size": 4})
    failure = None
    fitted = {}
    try:
        history = df.fit(
            network,
            train,
            validation=validation,
            epochs=settings.get("epochs", 2),
            optimizer=settings.get("optimizer", "sgd"),
            optimizer_params=settings.get("optimizer_params", {"momentum": 0.9, "wd": 1e-3}),
            schedule=df.Constant(settings.get("lr", 0.05)),
            callbacks=actions(settings),
            progress=False,
            seed=3,
            checkpoint=df.Saver(
                settings["checkpoint"],
                every=settings.get("every", "3st"),
                background=settings.get("background", True),
            )
            if "checkpoint" in settings
            else None,
            resume=settings.get("resume"),
            **settings.get("fit", {}),
        )
        fitted = {
            "epochs": [
                {k: v for k, v in epoch.items() if k != "seconds"} for epoch in history.epochs
            ],
            "stop": history.stop_reason,
        }
    except df.TrainingInterrupted as interrupted:
        failure = str(interrupted)
    scores = df.score(network, validation) if settings.get("scores") else {}
    np.savez(f"{settings['out']}-{rank}.npz", **{**network.parameters, **network.statistics})
    with open(f"{settings['out']}-{rank}.json", "w") as file:
        json.dump({**fitted, "scores": scores, "failure": failure}, file)


if __name__ == "__main__":
    for training in json.loads(sys.argv[1]):
        main(training)
