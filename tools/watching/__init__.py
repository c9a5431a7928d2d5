"""Live pages of trainings on this machine: `densefit watch runs/`."""
