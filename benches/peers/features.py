#!/usr/bin/env python3
"""The filter bank of vigra (Debian: python3-vigra) on the images of benches/features.rs, one thread.

Prints CPU time per image, and the ratio when given the seconds that `cargo bench --bench features`
measured for `compute`:

    /usr/bin/python3 benches/peers/features.py [SECONDS_2D SECONDS_3D]
"""

import sys
import time

import numpy
import vigra.filters as f

SCALES = [0.3, 0.7, 1.0, 1.6, 3.5, 5.0, 10.0]


def image(shape):
    z, y, x = numpy.meshgrid(*(numpy.arange(n, dtype="float32") for n in shape), indexing="ij")
    return numpy.squeeze(100 + 50 * numpy.sin(x * 0.1) + 30 * numpy.cos(y * 0.07 + z * 0.2)).astype("float32")


def bank(raw):
    for scale in SCALES:
        sigma = (scale * scale - 1) ** 0.5 if scale > 1 else scale
        t = min(scale, 1.0)
        p = f.gaussianSmoothing(raw, sigma, window_size=3.5)
        f.gaussianSmoothing(p, t, window_size=2.0)
        if scale < 0.7:
            continue
        f.laplacianOfGaussian(p, t, window_size=2.0)
        f.gaussianGradientMagnitude(p, t, window_size=2.0)
        f.gaussianSmoothing(p, t, window_size=2.0) - f.gaussianSmoothing(p, 0.66 * t, window_size=2.0)
        f.structureTensorEigenvalues(p, 0.5 * t, t, window_size=2.0)
        f.hessianOfGaussianEigenvalues(p, t, window_size=2.0)


def main():
    ours = [float(seconds) for seconds in sys.argv[1:]]
    for i, (name, shape) in enumerate([("2d 1024x1024", (1, 1024, 1024)), ("3d 64x128x128", (64, 128, 128))]):
        raw = image(shape)
        seconds = []
        for _ in range(2):
            start = time.process_time()
            bank(raw)
            seconds.append(time.process_time() - start)
        best = min(seconds)
        line = f"{name}: vigra {best:.2f} s, {raw.size / best / 1e6:.2f} Mpx/s"
        if i < len(ours):
            line += f"; brushwood {ours[i]:.3f} s, {raw.size / ours[i] / 1e6:.2f} Mpx/s, {best / ours[i]:.0f} x"
        print(line)


main()
