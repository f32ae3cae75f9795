"""scikit-learn's figure for tests/forest_accuracy.rs: mean intersection over union of the nuclei over ten
seeds, on the features and rows that the test computes.

    python3 benches/peers/forest_accuracy.py [--test PROGRAM]

Needs scikit-learn and pillow. PROGRAM is the built test; without it, cargo builds and runs it.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image
from sklearn.ensemble import RandomForestClassifier

root = pathlib.Path(__file__).resolve().parents[2]
folder = tempfile.mkdtemp(prefix="forest_accuracy_")
test = [sys.argv[sys.argv.index("--test") + 1]] if "--test" in sys.argv else ["cargo", "test", "--test", "forest_accuracy"]
subprocess.run(test, cwd=root, env={**os.environ, "FOREST_ACCURACY_DUMP": folder}, check=False)

labels = np.asarray(Image.open(root / "sample_data/nuclei_labels.png")).ravel()
truth = np.asarray(Image.open(root / "sample_data/nuclei_truth.png")).ravel() == 2
features = np.fromfile(f"{folder}/forest_accuracy_features.f32", np.float32).reshape(labels.size, -1)
rows = np.fromfile(f"{folder}/forest_accuracy_rows.f32", np.float32).reshape((labels > 0).sum(), -1)
overlaps = []
for seed in range(10):
    forest = RandomForestClassifier(100, random_state=seed).fit(rows, labels[labels > 0])
    p = forest.predict_proba(features)
    found = p[:, 1] > p[:, 0]
    overlaps.append((found & truth).sum() / (found | truth).sum())
print(f"scikit-learn: {np.mean(overlaps):.4f}, from {min(overlaps):.4f} to {max(overlaps):.4f}")
