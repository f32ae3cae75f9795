"""One peer's side of `benches/peers/run`, run by that peer's interpreter: the times as JSON.

    python3 peer.py vigra|scikit-learn FOLDER CHANNELS

FOLDER holds what `ours` wrote. Times are the processor's, one thread, the best of two.
"""

import json
import sys
import time

import numpy as np

SCALES = [0.3, 0.7, 1.0, 1.6, 3.5, 5.0, 10.0]


def timed(work, times=2):
    best = None
    for _ in range(times):
        start = time.process_time()
        result = work()
        seconds = time.process_time() - start
        best = (seconds, result) if best is None or seconds < best[0] else best
    return best


def waves(shape):
    z, y, x = np.meshgrid(*(np.arange(n, dtype="float32") for n in shape), indexing="ij")
    return np.squeeze(100 + 50 * np.sin(x * 0.1) + 30 * np.cos(y * 0.07 + z * 0.2)).astype("float32")


def vigra_bank(raw):
    import vigra.filters as f

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


def vigra_forest(rows, labels, features):
    import vigra

    def train():
        forest = vigra.learning.RandomForest(100)
        forest.learnRF(rows, labels.astype(np.uint32)[:, None])
        return forest

    return train, lambda forest: forest.predictProbabilities(features)


def sklearn_forest(rows, labels, features):
    from sklearn.ensemble import RandomForestClassifier

    train = lambda: RandomForestClassifier(100, n_jobs=1).fit(rows, labels)
    return train, lambda forest: forest.predict_proba(features)


def main():
    peer, folder, channels = sys.argv[1], sys.argv[2], int(sys.argv[3])
    read = lambda name: np.fromfile(f"{folder}/forest_{name}.f32", np.float32).reshape(-1, channels)
    features, rows = read("features"), read("rows")
    times = {}
    if peer == "vigra":
        for name, shape in (("2d", (1, 1024, 1024)), ("3d", (64, 128, 128))):
            raw = waves(shape)
            times[name] = timed(lambda: vigra_bank(raw))[0]
    for name in ("clean", "three", "noisy"):
        labels = np.fromfile(f"{folder}/forest_labels_{name}.u8", np.uint8)
        train, predict = (vigra_forest if peer == "vigra" else sklearn_forest)(rows, labels, features)
        training, forest = timed(train)
        times[name] = {"train": training, "predict": timed(lambda: predict(forest))[0]}
    print(json.dumps(times))


main()
