"""
Read a filter bank
==================

A filter bank is a table: look up the class of a pixel, take the filter of that class, multiply it
with the neighbourhood of the pixel. Every entry can be looked at.
"""

# %%
# The smallest bank of interest
# -----------------------------
#
# The classes of the paper, 8 orientations x 3 strengths x 3 coherences, and filters of 7 x 7
# pixels, learned from three photographs with noise of sigma 25.

import matplotlib.pyplot as plt
import numpy as np
from skimage import color, data

import raisr
from raisr.plotting import class_map_picture

scenes = [data.astronaut(), data.coffee(), data.rocket()]
clean_images = [np.float32(255 * color.rgb2gray(scene)) for scene in scenes]
pairs = [
    (raisr.noise.add_gaussian_noise(clean, 25, seed), clean)
    for seed, clean in enumerate(clean_images)
]
bank = raisr.learn_filters(pairs, "csconv", size=7, data_range=255)
print(bank)

# %%
# All of it at once
# -----------------
#
# Columns are orientations, rows are strength and coherence. Red taps are positive, blue ones
# negative, on a scale that is logarithmic beyond the middle.
#
# - **Above, weak gradients:** the area is flat, and the filter is a broad average: it takes
#   away all the noise it can.
# - **Below, strong gradients:** an edge, and the filter is narrow: averaging across it would
#   blur it.
# - **Coherent rows** (the last of each three): one clear direction, and the filter is long
#   along the edge, at a right angle to the gradient.

figure = plt.figure(bank.plot())  # pyplot shows it, from matplotlib 3.11 on

# %%
# The classes of an image
# -----------------------
#
# Hue is the orientation, brightness the strength, saturation the coherence.

clean = data.camera()
noisy = raisr.noise.add_gaussian_noise(clean, 25, seed=100)
spec = bank.stages[0].spec
classes = raisr.hash_image(noisy, spec, data_range=255)

part = np.s_[60:260, 120:320]
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
panels = {
    "noisy": noisy[part],
    "classes": class_map_picture(classes[part], spec),
    "filtered": bank.apply(noisy, data_range=255)[part],
}
for axis, (name, image) in zip(axes, panels.items(), strict=True):
    axis.imshow(image, cmap="gray", vmin=0, vmax=255)
    axis.set(xticks=[], yticks=[], title=name)

# %%
# One filter
# ----------
#
# From a pixel to its filter: the class map has the index, and the bank the filter and a bias (in
# gray levels). The sum of the taps tells what becomes of a constant area: close to 1 keeps its
# brightness, and the bias makes up for the rest. The sum of their squares tells how much of the
# variance of white noise is left.

row, column = 100, 200
index = classes[row, column]
stage = bank.stages[0]
taps = stage.filters[index, 0]
print(f"class {index}: sum {taps.sum():.3f}, bias {stage.bias[index]:.2f}")
print(f"variance of the noise that is left: {np.square(taps).sum():.1%}")

# %%
# The filters, applied by hand
# ----------------------------
#
# Nothing is hidden: the output of a pixel is this product.

neighbourhood = noisy[row - 3 : row + 4, column - 3 : column + 4]
by_hand = (taps * neighbourhood).sum() + stage.bias[index]
by_bank = bank.apply(noisy, data_range=255)[row, column]
print(f"by hand {by_hand:.3f}, by the bank {by_bank:.3f}")
assert abs(by_hand - by_bank) < 0.01

# %%
# How strongly each class smooths
# -------------------------------
#
# The noise that is left in flat, middling and strong areas, for all filters: each point is a
# class.

left = np.square(stage.filters).sum(axis=(1, 2, 3)).reshape(spec.shape)
styles = {"o": "#0072B2", "s": "#E69F00", "^": "#009E73"}
figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
for coherence, (marker, colour) in enumerate(styles.items()):
    values = left[:, :, coherence]
    places = np.arange(3) + 0.2 * (coherence - 1) + np.linspace(-0.06, 0.06, 8)[:, None]
    axis.plot(places.ravel(), values.ravel(), marker, color=colour, label=f"coherence {coherence}")
axis.set(xticks=range(3), xlabel="strength bin", ylabel="variance left", yscale="log")
legend = axis.legend()

# %%
# What else a bank knows
# ----------------------
#
# `FilterBank.info` has the definition of the classes and how the bank was learned:
# ``thin_classes`` counts the classes that too few pixels fell into.

print(bank.metadata)

# %%
# The same for any file, and a picture of the classes of an image, on the command line:
#
# .. code-block:: console
#
#    $ raisr info mine.safetensors
#    $ raisr hash photo.png classes.png
