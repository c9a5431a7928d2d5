"""Several processes that train or score together: who they are, and collectives of the host."""

from densefit.distributed.world import World as World
from densefit.distributed.world import alone as alone
from densefit.distributed.world import world as world
