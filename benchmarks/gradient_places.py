"""What comparing gradients at the features, or in some updates only, changes of their combination.

    python benchmarks/gradient_places.py [--updates 48] [--width 16] [--side 64] [--batch-size 8]

Detection, segmentation and classification on one ResNet-18 train twice on the same generated
pictures, on PyTorch, with the plain sum of their gradients: once their products at the parameters
are recorded, once at the features. The two trainings are the same, so each update has both. For
each method and update, the trunk's exact gradient, with the factors of the products at the
parameters, is compared with what the approximation makes: the cosine between the two, and the ratio
of their lengths. Medians and tenths over updates; the plain sum, for comparison.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

import densefit as df
from densefit.datasets import Shapes
from densefit.train.balance import GradientBalancer, balancers

METHODS = ("mgda", "cagrad", "nash_mtl", "upgrad", "aligned_mtl", "imtl_g")


class Record(GradientBalancer):
    """The plain sum, and the products of each update."""

    def __init__(self, at: str) -> None:
        super().__init__(at=at)
        self.grams: list[np.ndarray] = []

    def factors(self, gram: np.ndarray) -> np.ndarray:
        """Record the products."""
        self.grams.append(gram)
        return super().factors(gram)

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        return np.ones(len(heads))


def recorded(at: str, options: argparse.Namespace) -> list[np.ndarray]:
    """Products of the heads' gradients in each update."""
    size = (options.side, options.side)
    data = Shapes(8 * options.batch_size, size=size, empty=0.0)
    heads = [
        df.head("detection", classes=data.classes, metric="voc"),
        df.head("segmentation", classes=data.mask_classes, decoder="fcn"),
        df.head("classification", classes=data.label_classes),
    ]
    network = df.Network("resnet18", heads, settings={"width": options.width}, output_stride=32)
    loader = df.Loader(data, batch_size=options.batch_size, heads=heads, shuffle=True, workers=0)
    record = Record(at)
    df.fit(
        network,
        loader,
        balance=record,
        updates=options.updates,
        schedule=df.Constant(0.01),
        engine="torch",
        progress=False,
    )
    return record.grams


def compared(exact: np.ndarray, factors: np.ndarray, gram: np.ndarray) -> tuple[float, float]:
    """Cosine and ratio of lengths of two combinations of gradients with these products."""
    lengths = [np.sqrt(max(f @ gram @ f, 1e-300)) for f in (exact, factors)]
    return exact @ gram @ factors / lengths[0] / lengths[1], lengths[1] / lengths[0]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--updates", type=int, default=48)
    parser.add_argument("--width", type=int, default=16, help="of the ResNet's first stage")
    parser.add_argument("--side", type=int, default=64, help="of the pictures")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--smallest", action="store_true", help="seconds, to try the program")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.updates, options.width, options.side, options.batch_size = 2, 4, 32, 2
    parameters, features = (recorded(at, options) for at in ("parameters", "features"))
    print(f"{'':12} {'approximation':28} {'cosine':>7} {'lowest tenth':>13} {'length':>7}")
    for method in METHODS:
        balancer = balancers.create(method)
        balancer.begin(["detection", "segmentation", "classification"])
        exact = [balancer.factors(gram) for gram in parameters]
        cheap = [balancer.factors(gram) for gram in features]
        updates = range(len(exact))
        approximations = {
            "plain sum": [np.ones(3) for _ in updates],
            "at features": cheap,
            "every 4, at parameters": [exact[n - n % 4] for n in updates],
            "every 4, at features": [cheap[n - n % 4] for n in updates],
            "update before, at features": [cheap[max(n - 1, 0)] for n in updates],
        }
        for name, factors in approximations.items():
            pairs = [compared(*each) for each in zip(exact, factors, parameters)]
            cosines, ratios = np.array(pairs).T
            print(
                f"{method:12} {name:28} {np.median(cosines):7.3f} "
                f"{np.quantile(cosines, 0.1):13.3f} {np.median(ratios):7.2f}"
            )


if __name__ == "__main__":
    main()
