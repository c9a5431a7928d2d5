"""Both engines are compared here, on one thread each."""

import torch

torch.set_num_threads(1)
