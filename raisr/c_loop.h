/* Learned filters chosen by local gradients: the loop that applies them, in C99.

   MIT License

   Copyright (c) 2026 The RAISR/CSConv contributors

   Permission is hereby granted, free of charge, to any person obtaining a copy
   of this software and associated documentation files (the "Software"), to deal
   in the Software without restriction, including without limitation the rights
   to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
   copies of the Software, and to permit persons to whom the Software is
   furnished to do so, subject to the following conditions:

   The above copyright notice and this permission notice shall be included in all
   copies or substantial portions of the Software.

   THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
   IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
   FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
   AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
   LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
   OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
   SOFTWARE.

   Compile with -std=c99 or -ffp-contract=off, and with fused multiply-add where the processor has
   it (-mfma or -march=native): without, fmaf is a function, exact but slow. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int planes, size, window, period, classes;   /* classes: of one place in a block */
    int orientations, strengths, coherences;     /* edges; orientations: of the first half turn */
    int steps[3];                                /* of the class, for an edge of each kind */
    float presmooth;
    const float *taps, *directions, *strength_edges, *coherence_edges;
    const float *filters, *bias;                 /* distinct filters; of each class */
    const unsigned short *filter, *order;        /* of each class: its filter, the order of taps */
    const unsigned short (*orders)[225];
} raisr_stage;

/* Pixel that lies at i when an image goes on mirrored about its outermost pixels. */
static long raisr_mirrored(long i, long length)
{
    if (0 <= i && i < length) return i;
    if (length == 1) return 0;
    i = labs(i) % (2 * length - 2);
    return i < length ? i : 2 * length - 2 - i;
}

#define RAISR_AT(image, y, x) image[raisr_mirrored(y, height) * width + raisr_mirrored(x, width)]

/* Smooth by [w, 1 - 2 w, w] along columns, then along rows. */
static float raisr_smoothed(const float *image, long height, long width, float w, long y, long x)
{
    float centre = 1.0f - (w + w), line[3];
    for (int i = 0; i < 3; i++) {
        float ends = RAISR_AT(image, y - 1, x + i - 1) + RAISR_AT(image, y + 1, x + i - 1);
        line[i] = centre * RAISR_AT(image, y, x + i - 1) + w * ends;
    }
    return centre * line[1] + w * (line[0] + line[2]);
}

/* Weighted sum from the middle outwards; weights are symmetric. */
static float raisr_sum(const float *weights, const float *values, int half)
{
    float total = weights[half] * values[half];
    for (int d = 1; d <= half; d++)
        total = fmaf(weights[half - d], values[half - d] + values[half + d], total);
    return total;
}

/* Class of a pixel, by its structure tensor. */
static int raisr_class(const raisr_stage *s, const float *image, long height, long width, long y,
                       long x)
{
    float columns[3][31], products[3][31], tensor[3];
    int half = s->window / 2, found = 0;
    for (int i = 0; i < s->window; i++) {
        for (int j = 0; j < s->window; j++) {
            long v = y + i - half, u = x + j - half;
            float r = RAISR_AT(image, v + 1, u) - RAISR_AT(image, v - 1, u);
            float c = RAISR_AT(image, v, u + 1) - RAISR_AT(image, v, u - 1);
            products[0][j] = r * r, products[1][j] = r * c, products[2][j] = c * c;
        }
        for (int k = 0; k < 3; k++) columns[k][i] = raisr_sum(s->taps, products[k], half);
    }
    for (int k = 0; k < 3; k++) tensor[k] = raisr_sum(s->taps, columns[k], half);
    float trace = tensor[0] + tensor[2], d = tensor[0] - tensor[2], b = tensor[1] + tensor[1];
    float squared = d * d + b * b;
    if (b < 0 || (b == 0 && d < 0)) {
        d = -d, b = -b;
        found += (s->orientations + 1) * s->steps[0];
    }
    for (int i = 0; i < s->orientations; i++)
        found += s->steps[0] * (squared > 0
            && b * s->directions[2 * i] >= d * s->directions[2 * i + 1]);
    for (int i = 0; i < s->strengths; i++) {
        float gap = s->strength_edges[i] - trace;
        found += s->steps[1] * (gap <= 0 || squared >= gap * gap);
    }
    for (int i = 0; i < s->coherences; i++)
        found += s->steps[2] * (squared > 0 && squared >= s->coherence_edges[i] * (trace * trace));
    return found + s->classes * (int)(y % s->period * s->period + x % s->period);
}

/* Filter a pixel: rows are summed column by column, and these in pairs that lie half as far apart
   each time, as the vector code of the library does. */
static float raisr_filtered(const raisr_stage *s, int class, const float *const *planes,
                            long height, long width, long y, long x)
{
    float sums[16] = {0};
    int size = s->size, area = size * size;
    const float *filter = s->filters + (long)s->filter[class] * s->planes * area;
    const unsigned short *order = s->orders[s->order[class]];
    for (int p = 0; p < s->planes; p++)
        for (int i = 0; i < area; i++) {
            float level = RAISR_AT(planes[p], y + i / size - size / 2, x + i % size - size / 2);
            sums[i % size] = fmaf(level, filter[p * area + order[i]], sums[i % size]);
        }
    sums[0] += s->bias[class];
    for (int lanes = size > 8 ? 8 : 4; lanes; lanes /= 2)
        for (int i = 0; i < lanes; i++) sums[i] += sums[i + lanes];
    return sums[0];
}

/* Run all stages on gray levels, 0 black, 255 white. Return 0, or 1 without memory for it. */
static int raisr_run(const raisr_stage *stages, int count, const float *image, long height,
                     long width, float *out)
{
    long pixels = height * width;
    size_t bytes = (size_t)pixels * sizeof(float);
    float *before = malloc(bytes), *hashed = malloc(bytes);
    const float *planes[2] = {image, before};
    int failed = !before || !hashed;
    for (int k = 0; !failed && k < count; k++) {
        const raisr_stage *s = stages + k;
        const float *guide = memcpy(before, k ? out : image, bytes);
        for (long i = 0; i < pixels; i++)
            hashed[i] = s->presmooth == 0 ? guide[i] : raisr_smoothed(
                guide, height, width, s->presmooth, i / width, i % width);
        for (long i = 0; i < pixels; i++) {
            int class = raisr_class(s, hashed, height, width, i / width, i % width);
            out[i] = raisr_filtered(s, class, planes, height, width, i / width, i % width);
        }
    }
    free(before);
    free(hashed);
    return failed;
}
