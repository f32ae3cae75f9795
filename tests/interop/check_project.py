#!/usr/bin/env python3
"""Compares a project that brushwood wrote with one that ilastik wrote, as h5py sees them.

    check_project.py OURS.ilp ILASTIKS.ilp [FEATURES.npz PROBABILITIES.npy]

Every object of ilastik's must be in ours with the same kind, type class, number of dimensions and
attributes (trees, blocks and forests may differ in number). With features and probabilities, the forest in
ours is walked by the few lines below, which share nothing with brushwood, and must give ilastik's
probabilities. Ends with status 1 and a list when something differs. Needs h5py and numpy.
"""

import re
import shutil
import sys
import tempfile

import h5py
import numpy


def kind(obj):
    if isinstance(obj, h5py.Group):
        return "group"
    text = h5py.check_string_dtype(obj.dtype)
    what = "text" if text else "bool" if obj.dtype == bool else obj.dtype.str
    return f"{what} {len(obj.shape)}d"


def objects(file):
    found = {}

    def visit(name, obj):
        name = re.sub(r"Forest\d+", "Forest", re.sub(r"Tree_\d+", "Tree", re.sub(r"block\d+", "block", name)))
        found[name] = (kind(obj), sorted(obj.attrs))

    file.visititems(visit)
    return found


def compare(ours, theirs):
    ours, theirs = objects(ours), objects(theirs)
    problems = [f"{name} is missing" for name in theirs if name not in ours]
    problems += [
        f"{name}: {ours[name]}, ilastik writes {theirs[name]}"
        for name in theirs
        if name in ours and ours[name] != theirs[name]
    ]
    problems += [f"{name} is unknown" for name in ours if name not in theirs and not name.startswith("brushwood")]
    return problems


def walk(tree, features):
    topology, parameters = tree["topology"][()], tree["parameters"][()]
    node = numpy.full(len(features), 2)
    rows = numpy.arange(len(features))
    while (inner := topology[node] == 0).any():
        at = node[inner]
        threshold = parameters[topology[at + 1] + 1]
        below = features[rows[inner], topology[at + 4]] < threshold
        node[inner] = numpy.where(below, topology[at + 2], topology[at + 3])
    first = topology[node + 1] + 1
    return parameters[first[:, None] + numpy.arange(topology[1])]


def predict(file, features):
    total, count = 0.0, 0
    forests = file["PixelClassification/ClassifierForests"]
    for forest in (forests[name] for name in sorted(forests) if name.startswith("Forest")):
        assert forest.attrs["vigra_random_forest_version"] == 0.1
        trees = [name for name in forest if not name.startswith("_")]
        assert forest["_options/tree_count_"][0] == len(trees)
        for name in trees:
            total, count = total + walk(forest[name], features), count + 1
    return total / count


def main(ours, theirs, features=None, probabilities=None):
    with h5py.File(ours) as file, h5py.File(theirs) as other:
        problems = compare(file, other)
        if features:
            table = numpy.load(features)["features"]
            expected = numpy.load(probabilities)
            found = predict(file, table.reshape(-1, table.shape[-1])).reshape(expected.shape)
            error = float(abs(found - expected).max())
            print(f"largest difference of a probability: {error:.1e}")
            if not error < 1e-6:
                problems.append(f"probabilities differ by {error}")
    # ilastik opens projects for writing and replaces objects in place.
    with tempfile.NamedTemporaryFile(suffix=".ilp") as copy:
        shutil.copyfile(ours, copy.name)
        with h5py.File(copy.name, "r+") as file:
            for name in ("LabelSets", "ClassifierForests", "LabelNames"):
                group = file["PixelClassification"]
                if name in group:
                    group.copy(name, name + "_copy")
                    del group[name]
                    group.move(name + "_copy", name)
            for number in range(40):
                file["PixelClassification/LabelSets"].create_group(f"labels{number + 500:03}")
        with h5py.File(copy.name) as file:
            file.visititems(lambda name, obj: obj[()] if isinstance(obj, h5py.Dataset) else None)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
