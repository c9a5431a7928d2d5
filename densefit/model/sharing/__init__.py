"""What heads share of a backbone, and what each has for itself.

| name | what | paper |
|---|---|---|
| `cross_stitch` | a backbone for each head, mixed after each stage | arXiv:1604.03539 |
| `mtan` | masks of the maps of one backbone | arXiv:1803.10704 |
"""

from densefit.model.sharing.cross_stitch import CrossStitch
from densefit.model.sharing.mtan import MTAN
from densefit.model.sharing.sharing import Sharing, sharings

__all__ = ["MTAN", "CrossStitch", "Sharing", "sharings"]
