#!/usr/bin/env python3
"""Checks that all objects of one HDF5 file are in another with the same types, values and attributes.

    same_foreign.py BEFORE AFTER PREFIX...     (only objects whose path starts with one of the prefixes)
"""

import sys

import h5py
import numpy


def same(a, b):
    if isinstance(a, h5py.Empty):
        return isinstance(b, h5py.Empty) and a.dtype == b.dtype
    a, b = numpy.asarray(a), numpy.asarray(b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype == object:
        return all(same(x, y) if isinstance(x, numpy.ndarray) else x == y for x, y in zip(a.flat, b.flat))
    return a.tobytes() == b.tobytes()


def describe(obj):
    if not isinstance(obj, h5py.Dataset):
        return (type(obj).__name__,)
    creation = obj.id.get_create_plist()
    filters = [creation.get_filter(i)[0] for i in range(creation.get_nfilters())]
    return (obj.dtype, obj.shape, obj.maxshape, obj.chunks, filters)


def differences(before, after, *prefixes):
    problems = []
    with h5py.File(before) as old, h5py.File(after) as new:

        def visit(name, obj):
            if not name.startswith(prefixes):
                return
            if name not in new:
                problems.append(f"{name} is missing")
                return
            other = new[name]
            is_dataset = isinstance(obj, h5py.Dataset)
            if describe(obj) != describe(other) or is_dataset and obj.id.get_type() != other.id.get_type():
                problems.append(f"{name}: {describe(other)}, was {describe(obj)}")
            elif is_dataset and h5py.check_ref_dtype(obj.dtype):
                # An object may have several names.
                if any(old[r] != old[new[s].name] for r, s in zip(obj, other)):
                    problems.append(f"{name}: refers to other objects")
            elif is_dataset and not same(obj[()], other[()]):
                problems.append(f"{name}: other values")
            for key in obj.attrs:
                types = [x.attrs.get_id(key).get_type() if key in x.attrs else None for x in (obj, other)]
                if types[0] != types[1] or not same(obj.attrs[key], other.attrs[key]):
                    problems.append(f"{name}: attribute {key} differs")

        old.visititems(visit)
    return problems


def main(before, after, *prefixes):
    problems = differences(before, after, *prefixes)
    print("\n".join(problems) or "the same")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
