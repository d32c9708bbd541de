"""
Train a denoiser on your own images, in a minute
================================================

The shipped models are made for white Gaussian noise. The noise of a camera is not white:
demosaicking and scaling spread it over neighbouring pixels. With pairs of noisy and clean images
you can learn filters for the noise that you have. Here such a camera is simulated, so that
nothing has to be fetched.
"""

# %%
# Pairs of images
# ---------------
#
# Of your own camera you would take the same scene many times: one picture is noisy, the mean of
# all of them is clean. Here the noise is white first, then smoothed over 3 x 3 pixels, as
# demosaicking does.

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import uniform_filter
from skimage import color, data

import raisr


def photograph(clean, seed):
    """Return the picture that the simulated camera takes of a scene."""
    noise = np.random.default_rng(seed).normal(0, 60, clean.shape)
    return (clean + uniform_filter(noise, 3)).astype(np.float32)


scenes = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
clean_images = [np.float32(255 * color.rgb2gray(scene)) for scene in scenes]
pairs = [(photograph(clean, seed), clean) for seed, clean in enumerate(clean_images)]

# %%
# Learn
# -----
#
# One call. Images may be of different sizes; ``data_range`` is the value of white. The classes
# are those of BLADE: 16 orientations, 5 strengths, 3 coherences, with bins that these images
# fill evenly. Each class gets the filter of 11 x 11 pixels that is best for its pixels in the
# sense of least squares.

bank = raisr.learn_filters(pairs, size=11, data_range=255)
bank.metadata["noise"] = "the camera of the tutorial"
bank.save("camera.safetensors")
print(bank)

# %%
# Use it
# ------
#
# On an image that it has not seen. The shipped model, told the right standard deviation, expects
# white noise and leaves much of this noise where it is.

clean = data.camera()
noisy = photograph(clean, seed=100)
bank = raisr.FilterBank.load("camera.safetensors")
outputs = {
    "noisy": noisy,
    "shipped model": raisr.denoise(noisy, sigma=20, data_range=255, model="best"),
    "learned here": bank.apply(noisy, data_range=255),
}


def psnr(image):
    """Return the peak signal-to-noise ratio to the clean image, dB."""
    return 10 * np.log10(255**2 / np.mean((image - clean) ** 2))


figure, axes = plt.subplots(1, 3, figsize=(9, 3.4), layout="constrained")
for axis, (name, image) in zip(axes, outputs.items(), strict=True):
    axis.imshow(image[60:220, 140:300], cmap="gray", vmin=0, vmax=255)
    axis.set(xticks=[], yticks=[], title=f"{name}\n{psnr(image):.2f} dB")

# %%
# More, if you need it
# --------------------
#
# ``stages=3`` learns a cascade: each stage classes and filters the output of the one before.
# ``size`` and ``spec`` set the filters and the classes. Learning sees one pair at a time, so
# ``pairs`` may be an object that reads files as it is gone through, however many there are.

cascade = raisr.learn_filters(pairs, size=9, stages=3, data_range=255)
print(f"{psnr(cascade.apply(noisy, data_range=255)):.2f} dB")

# %%
# Colour images and integers work as in `raisr.denoise`, which takes a bank as its model:

denoised = raisr.denoise(data.chelsea(), model=bank, channel_axis=-1)
print(denoised.shape, denoised.dtype)

# %%
# The same on the command line
# ----------------------------
#
# .. code-block:: console
#
#    $ raisr learn --clean clean --noisy noisy -o mine.safetensors
#    $ raisr denoise --model mine.safetensors photo.png denoised.png
#    $ raisr info mine.safetensors
#
# ``clean`` and ``noisy`` are folders; images of a pair have the same name. Without noisy images,
# ``--sigma 25`` adds white noise to the clean ones.
#
# Next: what the filters say, in :ref:`sphx_glr_generated_tutorials_read_a_filter_bank.py`.
