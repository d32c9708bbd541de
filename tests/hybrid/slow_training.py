"""Training as it is in books, to compare with."""

import math

import torch
from torch.nn import functional

from hybrid.networks import build
from hybrid.training.data import Crops
from hybrid.training.tasks import task_of
from raisr.noise import NOISE_MODELS


def slow_training(config, processes=1):
    """Losses and averaged weights of a denoiser, from the crops of all processes at once."""
    images = task_of(config, torch.device("cpu")).load(0)[0].images
    noise = NOISE_MODELS[config.noise]
    crops = [
        Crops(
            *(images, noise, config.sigmas, config.crop, config.batch),
            *(config.seed, process, config.network_spec),
        )
        for process in range(processes)
    ]
    torch.manual_seed(config.seed)
    network = build(config.model, **config.options)
    optimizer = torch.optim.Adam(network.parameters(), foreach=False, fused=False)
    average = {name: value.detach().clone() for name, value in network.named_parameters()}
    losses = []
    square = torch.zeros(())
    for step in range(config.steps):
        batches = [each(step) for each in crops]
        noisy = torch.cat([batch.noisy for batch in batches])
        clean = torch.cat([batch.clean for batch in batches])
        optimizer.param_groups[0]["lr"] = config.learning_rate * config.rate(step)
        optimizer.zero_grad()
        loss = functional.l1_loss(network(noisy), clean)
        loss.backward()
        gradient = torch.cat([value.grad.flatten() for value in network.parameters()])
        limit = 4 * (square / (1 - 0.999**step)).sqrt() if step else math.inf
        shorter = min(1, float(limit / gradient.norm()))
        square = 0.999 * square + 0.001 * (shorter * gradient).square().sum()
        for value in network.parameters():
            value.grad *= shorter
        optimizer.step()
        losses.append(loss.item())
        decay = min(config.ema, (step + 1) / (step + 10))
        for name, value in network.named_parameters():
            average[name] = decay * average[name] + (1 - decay) * value.detach()
    return losses, average
