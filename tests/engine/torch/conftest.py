"""PyTorch computes on one thread here, as MXNet does."""

import torch

torch.set_num_threads(1)
