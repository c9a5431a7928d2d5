"""What heads share of a backbone, and what each has for itself.

| name | what | paper |
|---|---|---|
| `cross_stitch` | a backbone for each head, mixed after each stage | arXiv:1604.03539 |
| `mtan` | masks of the maps of one backbone | arXiv:1803.10704 |
| `mmoe` | a gated sum of experts, copies of the last stages | KDD 2018 |
| `cgc` | likewise, and experts of its own | RecSys 2020 |
| `ple` | likewise, after each stage | RecSys 2020 |
| `dselect_k` | likewise `mmoe`, by a gate that selects a few | arXiv:2106.03760 |
"""

from densefit.model.sharing.cross_stitch import CrossStitch
from densefit.model.sharing.mixtures import CGC, DSelectK, MMoE
from densefit.model.sharing.mtan import MTAN
from densefit.model.sharing.ple import PLE
from densefit.model.sharing.sharing import Sharing, sharings

__all__ = ["CGC", "MTAN", "PLE", "CrossStitch", "DSelectK", "MMoE", "Sharing", "sharings"]
