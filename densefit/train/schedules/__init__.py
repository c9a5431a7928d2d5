"""Learning-rate schedules: pure functions of the number of updates done.

Update t (from 0) is made at the rate `schedule.resolve(total, updates_per_epoch)(t)`. There is no
state, so the rates of a resumed run, of a plot and of a log line are the same by construction;
`Plateau`, which follows a score, is the one exception. After the last planned update the rate stays
where the schedule ends.

Three conventions differ between frameworks:

- *The clock of warm-up.* The decay may run on during warm-up (detectron2, timm), so that the full
  rate is never reached, or start after it (MXNet, Hugging Face, torch's SequentialLR). Here it
  starts after: `Poly` and `Cosine` run from `lr` to `final` over the `total - warmup` updates left.
  `Step` counts its moments from the first update of training.
- *The first rate.* A warm-up from 0 that begins at 0 wastes an update (Hugging Face). Here update
  t of W gets `start + (lr - start) * (t + 1) / W`: the first moves, and the last has the full rate.
- *Off by one.* MXNet asks its schedulers for the rate of the first update with 1, torch with 0.
  Here it is 0, as in torch: decay reaches `final` at t = total, just after the last update.
  (`OneCycle` reaches its end at the last update, as in torch.) `interop.as_mxnet_scheduler`
  converts to MXNet's convention.
"""

from densefit.train.schedules.constant import Constant
from densefit.train.schedules.cosine import Cosine
from densefit.train.schedules.cosine_restarts import CosineRestarts
from densefit.train.schedules.exponential import Exponential
from densefit.train.schedules.inverse_square_root import InverseSquareRoot
from densefit.train.schedules.joined import Joined
from densefit.train.schedules.linear import Linear
from densefit.train.schedules.one_cycle import OneCycle
from densefit.train.schedules.plateau import Plateau
from densefit.train.schedules.poly import Poly
from densefit.train.schedules.schedule import Plan, Resolved, Schedule, schedules
from densefit.train.schedules.step import Step
from densefit.train.schedules.warmup import WarmedUp

__all__ = [
    "Constant",
    "Cosine",
    "CosineRestarts",
    "Exponential",
    "InverseSquareRoot",
    "Joined",
    "Linear",
    "OneCycle",
    "Plan",
    "Plateau",
    "Poly",
    "Resolved",
    "Schedule",
    "Step",
    "WarmedUp",
    "schedules",
]
