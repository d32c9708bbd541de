"""One thread for torch: the networks of the tests are tiny, and other tests run beside them."""

import torch

torch.set_num_threads(1)
