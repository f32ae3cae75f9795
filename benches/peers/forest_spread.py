#!/usr/bin/env python3
"""How much VIGRA's own forests differ from ilastik's stored ones and from each other, on the golden rows.

    /usr/bin/python3 benches/peers/forest_spread.py        (Debian: python3-vigra)

ilastik trains with VIGRA's forest and without a seed, so these are the figures that a forest of the same
law can be held to; tests/golden_forest.rs states them. Twelve forests of 100 trees for each folder: mean
|dP| against ilastik's probabilities (mean, least, most), and between pairs of the twelve. `noisy` is left
out, as its folder holds the features of an eighth of its rows.
"""

import itertools
import pathlib

import numpy as np
import vigra

FORESTS = 12
GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "tests/golden"


def main():
    print(f"{'folder':8}{'rows':>6}   to ilastik: mean (least to most)     between pairs: mean (least to most)")
    for name in ("gray", "rgb", "vol", "mixed", "time"):
        features = np.load(GOLDEN / name / "features.npz")["features"]
        features = features.reshape(-1, features.shape[-1])
        labels = np.load(GOLDEN / name / "labels.npy").ravel()
        stored = np.load(GOLDEN / name / "probabilities.npy").reshape(labels.size, -1)
        rows, of_rows = features[labels > 0], labels[labels > 0].astype(np.uint32)[:, None]
        found = []
        for _ in range(FORESTS):
            forest = vigra.learning.RandomForest(100)
            forest.learnRF(rows, of_rows)
            found.append(np.asarray(forest.predictProbabilities(features)))
        to_stored = [np.abs(p - stored).mean() for p in found]
        pairs = [np.abs(p - q).mean() for p, q in itertools.combinations(found, 2)]
        show = lambda d: f"{np.mean(d):.4f} ({min(d):.4f} to {max(d):.4f})"
        print(f"{name:8}{len(rows):6}   {show(to_stored):36} {show(pairs)}", flush=True)


main()
