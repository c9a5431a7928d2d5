"""Loss balancing: how the heads of a network share its training.

| name | depends on | paper |
|---|---|---|
| `fixed` | nothing | weights by hand |
| `scheduled` | number of the update | weights by schedules |
| `rlw` | random draws | arXiv:2111.10603 |
| `uncertainty` | parameters in the graph | arXiv:1705.07115, arXiv:1805.06334 |
| `imtl_l` | parameters in the graph | ICLR 2021 |
| `gls` | losses of the last update | arXiv:1904.08492 |
| `stch` | losses of the last update | arXiv:2402.19078 |
| `famo` | losses before and after an update | arXiv:2306.03792 |
| `dwa` | losses of the last two epochs | arXiv:1803.10704 |
| `gradnorm` | norms of the heads' gradients | arXiv:1711.02257 |
| `pcgrad` | angles between the gradients | arXiv:2001.06782 |
| `cagrad` | norms and angles | arXiv:2110.14048 |
| `mgda` | norms and angles | arXiv:1810.04650 |
| `imtl_g` | norms and angles | ICLR 2021 |
| `graddrop` | signs of each number | arXiv:2010.06808 |
| `gradvac` | angles, and their averages | arXiv:2010.05874 |
| `nash_mtl` | norms and angles | arXiv:2202.01017 |
| `aligned_mtl` | norms and angles | arXiv:2305.19000 |
| `fairgrad` | norms and angles | arXiv:2402.15638 |
| `upgrad` | norms and angles | arXiv:2406.16232 |
| `dualproj` | norms and angles | arXiv:1706.08840 |
| `config` | norms and angles | arXiv:2408.11104 |
| `rgw` | random draws | arXiv:2111.10603 |
| `db_mtl` | averages of the gradients, and losses | arXiv:2308.12029 |
| `moco` | averages of the gradients | ICLR 2023 |
| `excess_mtl` | squares of the gradients | arXiv:2402.02009 |
| `modo` | products of independent micro-batches | arXiv:2305.20057 |
| `sdmgrad` | products of independent micro-batches | arXiv:2305.18409 |
| `observed` | nothing: it measures | arXiv:2109.04617 |
"""

from densefit.train.balance.balancer import Balancer, balancers
from densefit.train.balance.dwa import DWA
from densefit.train.balance.famo import FAMO
from densefit.train.balance.fixed import Fixed
from densefit.train.balance.gls import GLS
from densefit.train.balance.gradients.aligned_mtl import AlignedMTL
from densefit.train.balance.gradients.balancer import GradientBalancer
from densefit.train.balance.gradients.cagrad import CAGrad
from densefit.train.balance.gradients.config import ConFIG
from densefit.train.balance.gradients.dualproj import DualProj
from densefit.train.balance.gradients.fairgrad import FairGrad
from densefit.train.balance.gradients.graddrop import GradDrop
from densefit.train.balance.gradients.gradnorm import GradNorm
from densefit.train.balance.gradients.gradvac import GradVac
from densefit.train.balance.gradients.imtl_g import IMTLG
from densefit.train.balance.gradients.mgda import MGDA
from densefit.train.balance.gradients.nash_mtl import NashMTL
from densefit.train.balance.gradients.observed import Observed
from densefit.train.balance.gradients.pcgrad import PCGrad
from densefit.train.balance.gradients.rgw import RGW
from densefit.train.balance.gradients.upgrad import UPGrad
from densefit.train.balance.group import group
from densefit.train.balance.imtl_l import IMTLL
from densefit.train.balance.independent.modo import MoDo
from densefit.train.balance.independent.sdmgrad import SDMGrad
from densefit.train.balance.rlw import RLW
from densefit.train.balance.rows.db_mtl import DBMTL
from densefit.train.balance.rows.excess_mtl import ExcessMTL
from densefit.train.balance.rows.moco import MoCo
from densefit.train.balance.scheduled import Scheduled
from densefit.train.balance.stch import STCH
from densefit.train.balance.uncertainty import Uncertainty, weighted_loss

__all__ = [
    "DBMTL",
    "FAMO",
    "GLS",
    "IMTLL",
    "STCH",
    "IMTLG",
    "MGDA",
    "DWA",
    "RGW",
    "RLW",
    "AlignedMTL",
    "Balancer",
    "CAGrad",
    "ConFIG",
    "DualProj",
    "ExcessMTL",
    "FairGrad",
    "Fixed",
    "GradDrop",
    "GradNorm",
    "GradVac",
    "GradientBalancer",
    "MoCo",
    "MoDo",
    "NashMTL",
    "Observed",
    "PCGrad",
    "SDMGrad",
    "Scheduled",
    "UPGrad",
    "Uncertainty",
    "balancers",
    "group",
    "weighted_loss",
]
