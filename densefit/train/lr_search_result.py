"""Result of a learning-rate search: losses over rates, and two suggested rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from densefit.visualize.plotting import new_figure, tidy, write_figure

_SPREAD = 0.03  # of the updates, the standard deviation of the smoothing


@dataclass(frozen=True)
class RateSearch:
    """Losses of a training whose learning rate rises with each update.

    The suggestions come from the smoothed losses, as in Smith (arXiv:1506.01186) and fastai
    (`lr_find`: "steep", "minimum"): a rate between the two is a good highest rate of a schedule
    with warm-up. The smoothing is symmetric, so that it does not shift the curve towards high
    rates, as a running mean does. Both suggestions are None if the loss has not fallen.

    Attributes:
        rates: rising, one per update.
        losses: losses of each update's samples, before the update.
        diverged: whether the search ended because the loss grew without bounds.
    """

    rates: Sequence[float]
    losses: Sequence[float]
    diverged: bool

    @property
    def smooth(self) -> np.ndarray:
        """Return the losses, smoothed by a Gaussian."""
        losses = np.asarray(self.losses, np.float64)
        if not len(losses):
            return losses
        # An exploded loss must not hide the minimum just before it.
        losses = np.minimum(losses, losses[0] + abs(losses[0]))
        index = np.arange(len(losses))
        width = max(1.0, _SPREAD * len(losses))
        weights = np.exp(-0.5 * ((index[:, None] - index) / width) ** 2)
        return (weights * losses).sum(axis=1) / weights.sum(axis=1)

    @property
    def steepest(self) -> float | None:
        """Return the rate at which the loss falls fastest over the log of the rate."""
        smooth, best = self.smooth, self._minimum()
        if best is None:
            return None
        slopes = np.gradient(smooth, np.log(self.rates))
        return float(self.rates[int(slopes[: best + 1].argmin())])

    @property
    def tenth(self) -> float | None:
        """Return a tenth of the rate with the lowest loss."""
        best = self._minimum()
        return None if best is None else self.rates[best] / 10

    def _minimum(self) -> int | None:
        smooth = self.smooth
        if len(smooth) < 3:
            return None
        # It must fall by more than noise, and by a hundredth of the first loss.
        early = slice(0, max(3, len(smooth) // 3))
        noise = float(np.std(self.losses[early] - smooth[early]))
        first = float(np.median(self.losses[early]))
        best = int(smooth.argmin())
        return best if smooth[best] < first - max(1.5 * noise, 0.01 * abs(first)) else None

    def plot(self, path: str | Path) -> None:
        """Plot the losses and the suggestions as PNG, replacing an existing file.

        Raises:
            ConfigError: matplotlib is not installed.
        """
        figure = new_figure(8, 5)
        axes = figure.subplots()
        smooth = self.smooth
        axes.plot(self.rates, self.losses, ".", color="0.7", ms=4, label="each update")
        axes.plot(self.rates, smooth, color="C0", lw=2, label="smoothed")
        for name, rate, colour in (
            ("steepest descent", self.steepest, "C1"),
            ("a tenth of the minimum's", self.tenth, "C2"),
        ):
            if rate is not None:
                axes.axvline(rate, color=colour, ls="--", label=f"{name}: {rate:.2g}")
        axes.set_xscale("log")
        if len(smooth):
            low, high = float(min(self.losses)), float(smooth.max())
            margin = 0.1 * (high - low) or 1.0
            axes.set_ylim(low - margin, high + margin)
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss")
        axes.legend(frameon=False)
        tidy(axes)
        write_figure(figure, path, dpi=120)
