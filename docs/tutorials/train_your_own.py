"""
Train a network on your own noise, in a minute
==============================================

The shipped networks know white Gaussian noise and that of cameras. Some sensors add something
else: here each row is read with an error of its own, which leaves stripes. A network goes on from
the shipped weights with pairs of pictures that have this noise, and that have not.
"""

# %%
# Pairs of pictures
# -----------------
#
# Two folders, with the same names in both: a picture is noisy in one and clean in the other, for
# example the mean of many shots of a scene that stands still. Any format and size will do.

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from skimage import color, data

import hybrid
import raisr
from hybrid.training.config import TrainingConfig
from hybrid.training.loop import train
from raisr.io import write_image


def expose(clean, seed):
    """Return what the sensor makes of a scene, 8 bits."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 10, (len(clean), 1))
    return np.rint(clean + rows + rng.normal(0, 5, clean.shape)).clip(0, 255).astype(np.uint8)


for name in ("astronaut", "chelsea", "coffee", "rocket"):
    clean = np.rint(255 * color.rgb2gray(getattr(data, name)())).astype(np.uint8)
    for shot in range(3):
        for folder, picture in (("clean", clean), ("noisy", expose(clean, shot))):
            Path(folder).mkdir(exist_ok=True)
            write_image(f"{folder}/{name}{shot}.png", picture)

# %%
# Train
# -----
#
# A run is a file. ``noisy`` and ``images`` name the folders; with ``init`` it starts from shipped
# weights, so that little is left to learn. Forty seconds on one core do for this noise; a real one
# deserves ten minutes and more pictures.

Path("stripes.toml").write_text("""
model = "unet"
options = { blocks = [1, 2, 4] }
init = "unet_base"             # which has these options
images = ["clean"]
noisy = ["noisy"]
held_back = 1
batch = 8
crop = 64
steps = 100000
time_limit = 40                # seconds, after which it ends
learning_rate = 5e-4
warmup = 20
""")
weights = train(TrainingConfig.read("stripes.toml"), "stripes")

# %%
# On the command line that is ``python -m hybrid.train stripes.toml``. It can be stopped at any
# time; the same command goes on.
#
# Use it
# ------
#
# On a picture that it has not seen. Nothing is told: what learned filters find to remove tells how
# strong the noise is.

clean = data.camera()
noisy = expose(clean, seed=100)
outputs = {
    "noisy": noisy,
    "shipped network": hybrid.denoise(noisy),
    "trained here": hybrid.denoise(noisy, weights=weights),
}

figure, axes = plt.subplots(1, 3, figsize=(9, 3.4), layout="constrained")
for axis, (name, image) in zip(axes, outputs.items(), strict=True):
    axis.imshow(image[60:220, 140:300], cmap="gray", vmin=0, vmax=255)
    psnr = raisr.metrics.psnr(image, clean)
    axis.set(xticks=[], yticks=[], title=f"{name}\n{psnr:.2f} dB")
    print(f"{name}: {psnr:.2f} dB")

# %%
# Colours are trained in the same way, with ``init = "unet_small_colour"`` and the options of that
# network, ``options = { channels = 3, blocks = [1, 1, 2] }``.
