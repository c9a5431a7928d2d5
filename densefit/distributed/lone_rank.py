"""A launch of a single rank, which has no control channel: it ends with its launcher, too."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time

from densefit.distributed.environment import LOST_PEER, RankSettings
from densefit.distributed.launcher_process import LauncherProcess

_BEAT = 1.0  # seconds between looks at the launcher


def follow_launcher(settings: RankSettings) -> None:
    """End this process once its launcher has died; without a launcher, do nothing.

    Args:
        settings: place of this process in the launch.
    """
    if settings.launcher:
        watch = threading.Thread(target=_watch, args=[settings], name="densefit-watch", daemon=True)
        watch.start()


def _watch(settings: RankSettings) -> None:
    launcher = LauncherProcess(settings.launcher)
    while not launcher.has_died():
        time.sleep(_BEAT)
    shutil.rmtree(settings.folder, ignore_errors=True)
    try:
        print("densefit: rank 0 ends: the launcher has died", file=sys.stderr, flush=True)
    except OSError:  # nobody reads what the launcher passed on
        pass
    os._exit(LOST_PEER)
