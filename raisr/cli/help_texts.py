"""What `--help` says beside the options."""

__all__ = ["DESCRIPTION", "EPILOGS", "EXIT_STATUS"]

DESCRIPTION = """\
Denoise, enlarge, clean and sharpen images with small learned filters, learn
filters from your own images, and look at what was learned."""

EXIT_STATUS = """\
exit status:
  0    everything was done
  1    some work failed: an image of a folder, a full disk
  2    wrong usage or bad input
  130  interrupted by Ctrl-C
  143  ended by SIGTERM"""

EPILOGS = {
    "raisr": """\
examples:
  raisr denoise noisy.png clean.png
  raisr upscale --factor 2 small.png large.png
  raisr deblock blocky.jpg clean.png
  raisr sharpen soft.jpg sharp.png
  raisr learn --clean photos --sigma 25 -o mine.safetensors
  raisr denoise --model mine.safetensors noisy.png clean.png
  raisr hash photo.jpg classes.png
  raisr info mine.safetensors
  raisr export mine.safetensors mine.h

Each command explains itself, for example: raisr denoise --help
""",
    "denoise": """\
PNG, JPEG, BMP, WebP and TIFF files are read, with integers of 1 to 32 bits or,
in a TIFF, floats; the result has the same depth, resolution, EXIF, XMP and
colour profile. Every page of a TIFF is denoised. Colours are denoised together,
further bands of a TIFF one by one. Transparency is copied. Some things change:
fewer than 8 bits a sample become 8, 9 to 15 become 16, palettes become colours,
CMYK becomes sRGB, and pictures are turned upright; JPEG is written at quality
95, WebP and TIFF without loss, TIFF without compression.

The noise level --sigma counts in the file's own values, where white is 255 in
an 8-bit file, 65535 in a 16-bit file and 1 in a float file: noise of 25 in an
8-bit file is 6425 in its 16-bit version. A percentage of white means the same
in every file: 10% is 25.5 in an 8-bit file. One level for each channel, in the
order of the file and without alpha, is written 5,5,25. Signed integers and
integers of 32 bits have no white: the span of their values counts as white
unless --white says better.

Without --sigma it is found what the noise is like: white; "photon", which grows
with the brightness; or that of a camera, which neighbouring pixels share
("mosaic" where missing colours were filled in by means). --noise overrules it;
photon=8.5,2 tells all: 8.5 values a photon, 2 in the dark. --verbose says on
standard error what was found and chosen.

The models small, base and finest are networks; of white noise each removes more
than the one before, and takes longer. They need PyTorch and take one level for
all channels. Noise of a camera is for a network of its own, whichever is named,
or for its mean with the filters; other noise is for the filters.

A folder is searched for images with all its subfolders, linked ones too, and
each result gets the same name below OUT. Results that are there already are
kept, so that an interrupted run goes on where it stopped. Files of other kinds
are named at the end.

A zarr, OME's too, and a TIFF with more than 256 MB of gray or RGB pixels, are
denoised tile by tile and need not fit in memory; the noise is looked for once
for all planes, of each channel (C). What is done so far waits beside OUT, in
OUT.part, and the same command goes on with it. Axes: Y and X, S for the colours
of a pixel, C for channels, any other letter for a stack.

A dash stands for standard input or output. A picture on standard output has
the format of the input.

A raw video (Y4M: gray, 4:2:0, 4:2:2, 4:4:4 or 4:1:1, of 8 to 16 bits) is read
from a .y4m file or a dash, and written to one, frame by frame: see the example
with ffmpeg. The first eight frames that have noise tell its level, in luma and
in each plane of chroma; --sigma 10,5,5 tells it, --sigma 10 for every plane.
Luma and chroma are each filtered like a gray image, and so are the two fields
of an interlaced frame.

examples:
  raisr denoise noisy.png clean.png                  the noise is estimated
  raisr denoise --sigma 25 --model best noisy.jpg clean.png
  raisr denoise --sigma 5% scans denoised            each image below scans
  raisr denoise --sigma 5,5,25 - -                   one level for each channel
  raisr denoise --noise photon --verbose cells.tif clean.tif
  ffmpeg -i in.mp4 -f yuv4mpegpipe - | raisr denoise - - | ffmpeg -i - out.mp4
  raisr denoise slide.zarr clean.zarr                larger than memory
""",
    "upscale": """\
Sides grow by the factor and are rounded. Files and folders are read and
written as by `raisr denoise`: see there. Brightness is enlarged by learned
filters, differences of colours by bicubic interpolation, and transparency and
the bands of a TIFF each by itself. What JPEG left is removed first, as by
`raisr deblock`, where the file is a JPEG, or --compressed says that it was
one. Pictures that were sharpened before are enlarged with their faults. Of a
video, luma is enlarged by the filters, chroma by bicubic interpolation that
keeps its place beside luma; one that is interlaced must be deinterlaced first.

examples:
  raisr upscale photo.png large.png
  raisr upscale --factor 3 --model best photo.jpg large.png
  raisr upscale --factor 1.5 photos larger           each image below photos
  ffmpeg -i in.mp4 -f yuv4mpegpipe - | raisr upscale - - | ffmpeg -i - out.mp4
""",
    "deblock": """\
Blocks and ringing that JPEG left are removed. How much is read from the tables
of a JPEG file, or seen in the pixels of a file of another kind, wherever its
blocks begin; what shows no traces of JPEG comes back as it is, and so does,
nearly, a JPEG of high quality. Files and folders are read and written as by
`raisr denoise`: see there. Write the result to a PNG or TIFF file: as a JPEG it
is compressed again, at quality 95.

examples:
  raisr deblock photo.jpg clean.png
  raisr deblock --model best photos cleaned          each image below photos
  raisr deblock --quality 30 scan.tif clean.tif      it was a JPEG of quality 30
""",
    "sharpen": """\
A mild blur is undone by learned filters. Edges get no halos: brightness stays
within that of the pixels around, or leaves it by a twentieth at most. The level
of the noise is estimated, and in flat areas it does not grow. Colours change by
as much as brightness does. A JPEG of low quality should be cleaned first, by
`raisr deblock`. Files and folders are read and written as by `raisr denoise`:
see there.

examples:
  raisr sharpen photo.jpg sharp.png
  raisr sharpen --amount 0.5 photos sharper          each image below photos
""",
    "learn": """\
Either noise is added to clean images (--sigma), or the filters are learned from
pairs: files of the same name below --clean and --noisy, where x.jpg and x.png
are the same name. Colour images are learned from by their luma; with --colour
a bank for images of three colours is learned. All files must have one kind of
values: 8-bit, 16-bit or float. --sigma counts in these values or in percent of
white. Filters are learned from all rotations and flips of the images, unless a
comparison on pixels that are held back shows that the task has a direction, as
motion blur has; --symmetric and --no-symmetric overrule it.

With --task upscale, filters that enlarge are learned from the luma of sharp
images, which are reduced first. Of eight images or more, every eighth is held
back to measure: the PSNR before is that of bicubic interpolation. Of very many
or very large images, only the middles are taken. With --noisy, they are learned
from pairs: small images, as they come, and clean ones that are --factor times
as large; the middles of both must coincide.

examples:
  raisr learn --clean photos --sigma 25 -o sigma25.safetensors
  raisr learn --clean sharp --noisy camera --stages 3 -o camera.safetensors
  raisr denoise --model camera.safetensors noisy.png clean.png
  raisr learn --task upscale --factor 3 --clean maps -o maps3.safetensors
  raisr upscale --model maps3.safetensors map.png large.png
  raisr learn --task upscale --clean large --noisy small -o x2.safetensors
""",
    "hash": """\
Hue is the orientation of the gradient, brightness its strength and saturation
its coherence: flat regions are dark, straight edges bright and colourful.

examples:
  raisr hash photo.jpg classes.png
  raisr hash --spec blade photo.jpg classes.png
""",
    "export": """\
Filters for gray images become one C99 header with their tables and a loop of
some hundred lines; the top of the file tells how to call it. Networks become an
ONNX file for images of any size: base and small, the names of weights, or a
file of weights that `python -m hybrid.train` wrote. That needs the extra
`export` of this package.

examples:
  raisr export fast_25 denoise_25.h
  raisr export mine.safetensors mine.h
  raisr export base base.onnx
""",
    "info": """\
examples:
  raisr info                                         every shipped model
  raisr info mine.safetensors
  raisr info --json mine.safetensors
  raisr info photo.jpg                               what noise it has
""",
}
