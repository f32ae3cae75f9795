"""Training and prediction beside vigra and scikit-learn, on the same arrays, one thread, as ratios.

    python3 benches/peers/forest.py [--ours PROGRAM]

Needs vigra (Debian's python3-vigra) and scikit-learn; either may live in another interpreter, named by
VIGRA_PYTHON (default /usr/bin/python3) and SKLEARN_PYTHON (default the one running this). PROGRAM is a
built `forest_ours`; without it, cargo builds it.
"""

import json
import os
import subprocess
import sys
import tempfile

PEER = r'''
import json, sys, time
import numpy as np
folder, peer, channels = sys.argv[1], sys.argv[2], int(sys.argv[3])
read = lambda name: np.fromfile(f"{folder}/forest_{name}.f32", np.float32).reshape(-1, channels)
features, rows = read("features"), read("rows")

def timed(work, times):
    best = None
    for _ in range(times):
        start = time.process_time()
        result = work()
        seconds = time.process_time() - start
        best = (seconds, result) if best is None or seconds < best[0] else best
    return best

times = {}
for name in ("clean", "noisy"):
    labels = np.fromfile(f"{folder}/forest_labels_{name}.u8", np.uint8)
    if peer == "vigra":
        import vigra
        def train():
            forest = vigra.learning.RandomForest(100)
            forest.learnRF(rows, labels.astype(np.uint32)[:, None])
            return forest
        predict = lambda forest: forest.predictProbabilities(features)
    else:
        from sklearn.ensemble import RandomForestClassifier
        train = lambda: RandomForestClassifier(100, n_jobs=1).fit(rows, labels)
        predict = lambda forest: forest.predict_proba(features)
    training, forest = timed(train, 2)
    prediction, _ = timed(lambda: predict(forest), 2)
    times[name] = {"train": training, "predict": prediction}
print(json.dumps(times))
'''


def run(command):
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])


def main():
    folder = tempfile.mkdtemp(prefix="forest_peers_")
    if "--ours" in sys.argv:
        ours = [sys.argv[sys.argv.index("--ours") + 1], folder]
    else:
        ours = ["cargo", "bench", "--quiet", "--bench", "forest_ours", "--", folder]
    ours = run(ours)
    interpreters = {
        "vigra": os.environ.get("VIGRA_PYTHON", "/usr/bin/python3"),
        "scikit-learn": os.environ.get("SKLEARN_PYTHON", sys.executable),
    }
    print(f"{'':34}{'ours':>12}" + "".join(f"{peer:>24}" for peer in interpreters))
    peers = {
        peer: run([python, "-c", PEER, folder, peer, str(ours["channels"])])
        for peer, python in interpreters.items()
    }
    for name in ("clean", "noisy"):
        for work in ("train", "predict"):
            mine = ours[name][work]
            title = f"{work}, {name} ({ours[name]['leaves']} leaves)"
            rate = f"{1e3 * mine:.1f} ms" if work == "train" else f"{ours['pixels'] / mine / 1e6:.2f} Mpx/s"
            line = f"{title:34}{rate:>12}"
            for times in peers.values():
                theirs = times[name][work]
                rate = f"{1e3 * theirs:.0f} ms" if work == "train" else f"{ours['pixels'] / theirs / 1e6:.3f} Mpx/s"
                line += f"{rate:>15}{f'{theirs / mine:.1f} x':>9}"
            print(line)


main()
