"""Write schedules.json again: the rates of torch's own schedulers, update by update.

    python tests/train/golden/make_schedules.py

Needs torch (2.14 made the file that is here). The tests read the file only.
"""

import json
import math
import random
from pathlib import Path

import torch
from torch.optim import lr_scheduler

LR, UPDATES = 0.3, 40

# `o` is an optimizer with the rate LR.
CASES = {
    "constant_warmup": "ConstantLR(o, factor=0.25, total_iters=10)",
    "linear_warmup": "LinearLR(o, start_factor=0.1, end_factor=1.0, total_iters=10)",
    "linear": "LinearLR(o, start_factor=1.0, end_factor=0.1, total_iters=40)",
    "cosine": "CosineAnnealingLR(o, T_max=40, eta_min=0.01)",
    "poly": "PolynomialLR(o, total_iters=40, power=0.9)",
    "poly_square": "PolynomialLR(o, total_iters=40, power=2.0)",
    "step": "MultiStepLR(o, milestones=[24, 32], gamma=0.1)",
    "exponential": "ExponentialLR(o, gamma=0.9)",
    "staircase": "StepLR(o, step_size=7, gamma=0.5)",
    "restarts": "CosineAnnealingWarmRestarts(o, T_0=9)",
    "restarts_growing": "CosineAnnealingWarmRestarts(o, T_0=5, T_mult=2, eta_min=0.01)",
    "one_cycle": "OneCycleLR(o, max_lr=0.3, total_steps=40)",
    "one_cycle_fractions": "OneCycleLR(o, max_lr=0.3, total_steps=37, pct_start=0.27)",
    "one_cycle_linear": (
        "OneCycleLR(o, max_lr=0.3, total_steps=40, anneal_strategy='linear', pct_start=0.4, "
        "div_factor=10, final_div_factor=100)"
    ),
    "one_cycle_three": "OneCycleLR(o, max_lr=0.3, total_steps=40, three_phase=True)",
    "one_cycle_three_linear": (
        "OneCycleLR(o, max_lr=0.3, total_steps=37, three_phase=True, anneal_strategy='linear', "
        "pct_start=0.45)"
    ),
    "joined": (
        "SequentialLR(o, [ConstantLR(o, factor=1.0, total_iters=0), ExponentialLR(o, gamma=0.8), "
        "PolynomialLR(o, total_iters=20, power=1.0)], milestones=[8, 20])"
    ),
}
PLATEAUS = {
    "loss": {"mode": "min", "patience": 2},
    "score": {"mode": "max", "patience": 0, "factor": 0.5, "threshold": 0.02, "min_lr": 0.01},
    "absolute": {
        "mode": "max", "patience": 1, "factor": 0.7, "threshold": 0.01, "threshold_mode": "abs",
    },
    "loss_absolute": {
        "mode": "min", "patience": 1, "factor": 0.5, "threshold": 0.05, "threshold_mode": "abs",
    },
    "cooldown": {"mode": "min", "patience": 1, "factor": 0.8, "cooldown": 3},
}  # fmt: skip


def optimizer():
    """One with the rate LR; its momentum lets OneCycleLR cycle it."""
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR, momentum=0.9)


def rates(source):
    """The rate of each update under a scheduler."""
    o = optimizer()
    scheduler = eval(source, {**vars(lr_scheduler), "o": o})
    found = []
    for _ in range(getattr(scheduler, "total_steps", UPDATES)):
        found.append(float(o.param_groups[0]["lr"]))
        o.step()
        if len(found) < getattr(scheduler, "total_steps", UPDATES):
            scheduler.step()
    return found


def plateau(settings, seed):
    """Scores that first improve and then wander, with a nan; the rate after each."""
    r = random.Random(seed)
    toward = -1.0 if settings["mode"] == "min" else 1.0
    level = 1.2 if settings["mode"] == "min" else 0.2
    scores = [level + toward * min(i, 12) * 0.06 + r.gauss(0, 0.03) for i in range(UPDATES)]
    scores[5] = math.nan
    o = optimizer()
    scheduler = lr_scheduler.ReduceLROnPlateau(o, **settings)
    found = []
    for score in scores:
        scheduler.step(score)
        found.append(float(o.param_groups[0]["lr"]))
    scores = [None if math.isnan(score) else score for score in scores]
    return {"settings": settings, "scores": scores, "rates": found}


def main():
    """Write the file beside this one."""
    tables = {
        "torch": torch.__version__,
        "lr": LR,
        "rates": {
            name: {"torch": source, "rates": rates(source)} for name, source in CASES.items()
        },
        "plateaus": {
            name: plateau(settings, seed) for seed, (name, settings) in enumerate(PLATEAUS.items())
        },
    }
    text = json.dumps(tables, allow_nan=False)
    for name in [*CASES, *PLATEAUS]:  # a line each
        text = text.replace(f'"{name}": {{"', f'\n"{name}": {{"')
    path = Path(__file__).with_name("schedules.json")
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
