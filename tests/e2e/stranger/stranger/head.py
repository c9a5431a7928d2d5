"""The head that learns orientations."""

import cv2
import numpy as np

import densefit as df
from densefit.model.heads.head import heads
from densefit.symbol import sym

from .metric import AngularError


@heads.register("bar_angle")
class Orientation(df.Head):
    """Regresses (cos, sin) of twice the angle, from the mean of the deepest map."""

    targets = ("angle",)

    def __init__(self, name="bar_angle", weight=1.0, hidden=0):
        self.name, self.weight, self.hidden = name, weight, hidden

    def labels(self, input_size):
        return [df.Label("direction", (2,))]

    def encode(self, sample):
        if "angle" not in sample.targets:
            return {"direction": np.zeros(2, np.float32)}
        angle = np.deg2rad(2 * sample.targets["angle"])
        return {"direction": np.array([np.cos(angle), np.sin(angle)], np.float32)}

    def direction(self, features):
        x = sym.mean(features.maps[max(features.maps)], axis=(2, 3))
        if self.hidden:
            x = sym.FullyConnected(x, num_hidden=self.hidden, name=f"{self.name}_hidden")
            x = sym.Activation(x, act_type="relu")
        return sym.FullyConnected(x, num_hidden=2, name=f"{self.name}_fc")

    def train(self, features, labels):
        error = sym.square(self.direction(features) - labels["direction"])
        return {"loss": sym.sum(error, axis=1)}

    def evaluate(self, features):
        return {"direction": self.direction(features)}

    def decode(self, outputs, geometries):
        x, y = outputs["direction"].T
        return list(np.rad2deg(np.arctan2(y, x)) / 2 % 180)

    def ground_truth(self, targets):
        return float(targets["angle"]) if "angle" in targets else None

    def metrics(self):
        return [AngularError()]

    def draw(self, image, prediction):
        drawn = image.copy()
        middle = np.array(image.shape[1::-1]) / 2
        end = np.array([np.cos(np.deg2rad(prediction)), np.sin(np.deg2rad(prediction))])
        points = [np.rint(middle + sign * 9 * end).astype(int).tolist() for sign in (-1, 1)]
        cv2.line(drawn, points[0], points[1], (255, 0, 0), 1)
        return drawn
