"""What heads share of a backbone, and what each has for itself.

| name | what | paper |
|---|---|---|
| `cross_stitch` | a backbone for each head, mixed after each stage | arXiv:1604.03539 |
"""

from densefit.model.sharing.cross_stitch import CrossStitch
from densefit.model.sharing.sharing import Sharing, sharings

__all__ = ["CrossStitch", "Sharing", "sharings"]
