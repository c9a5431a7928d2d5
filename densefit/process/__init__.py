"""Set up the process for MXNet: number of CPUs, threads, environment variables."""
