"""Training runs of seconds, and what they leave."""

import json
from dataclasses import replace

from hybrid.training.config import TrainingConfig
from hybrid.weights import load_tensors

CONFIG = TrainingConfig(
    name="tiny",
    model="edsr",
    options={"features": 4, "blocks": 1},
    held_back=2,
    steps=30,
    batch=2,
    crop=16,
    warmup=5,
    precision="float32",
    validate_every=7,
)
CLASS_SPECIFIC = replace(CONFIG, options={**CONFIG.options, "num_classes": 72}, classes="noisy")
RUNS = {
    "edsr": CONFIG,
    "cs_edsr": CLASS_SPECIFIC,
    "shared": replace(CLASS_SPECIFIC, shared=True),
    "pcn": replace(CONFIG, model="pcn", options={}),
    "dncnn": replace(CONFIG, model="dncnn", options={"features": 4, "depth": 3}),
    "paper": replace(CONFIG, noise="video_range", schedule="paper"),
    "bfloat16": replace(CONFIG, precision="bfloat16"),
    "hybrid": replace(
        CONFIG,
        model="unet",
        options={"features": 4, "blocks": [1, 1, 1], "num_classes": 72},
        classes="denoised",
        crop=8,
        sigma=75.0,
        sigma_min=0.0,
    ),
    "many_levels": replace(CONFIG, sigma=75.0, sigma_min=0.0),
    "no_average": replace(CONFIG, ema=0.0),
}


def log_of(folder):
    """The lines of a log, without the seconds."""
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    seconds = [entry.pop("seconds") for entry in entries]
    assert seconds == sorted(seconds)
    return entries


def weights_of(folder):
    return load_tensors(folder / "weights.safetensors")[0]
