"""Loss balancing: how the heads of a network share its training.

| name | depends on | paper |
|---|---|---|
| `fixed` | nothing | weights by hand |
| `scheduled` | number of the update | weights by schedules |
| `rlw` | random draws | arXiv:2111.10603 |
| `uncertainty` | parameters in the graph | arXiv:1705.07115 |
| `dwa` | losses of the last two epochs | arXiv:1803.10704 |
| `gradnorm` | norms of the heads' gradients | arXiv:1711.02257 |
| `pcgrad` | angles between the gradients | arXiv:2001.06782 |
| `cagrad` | norms and angles | arXiv:2110.14048 |
"""

from densefit.train.balance.balancer import Balancer, balancers
from densefit.train.balance.cagrad import CAGrad
from densefit.train.balance.dwa import DWA
from densefit.train.balance.fixed import Fixed
from densefit.train.balance.gradient_balancer import GradientBalancer
from densefit.train.balance.gradnorm import GradNorm
from densefit.train.balance.pcgrad import PCGrad
from densefit.train.balance.rlw import RLW
from densefit.train.balance.scheduled import Scheduled
from densefit.train.balance.uncertainty import Uncertainty, weighted_loss

__all__ = [
    "DWA",
    "RLW",
    "Balancer",
    "CAGrad",
    "Fixed",
    "GradNorm",
    "GradientBalancer",
    "PCGrad",
    "Scheduled",
    "Uncertainty",
    "balancers",
    "weighted_loss",
]
