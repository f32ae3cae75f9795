"""The table of `benches/peers/run`.

    benches/peers/run [--skip peers|program|memory]...

`peers`: filter bank, training and prediction beside vigra and scikit-learn, one thread, processor time.
`program`: wall time, processor time and peak memory of `brushwood predict` as a whole process.
`memory`: peak memory of `brushwood predict --memory 32MB` on images of 320 MB; takes minutes.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/release/brushwood"
VIGRA_PYTHON = os.environ.get("VIGRA_PYTHON", "/usr/bin/python3")


def output(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def peers(folder):
    ours = json.loads(output(["cargo", "bench", "--quiet", "--bench", "ours", "--", folder]).splitlines()[-1])
    theirs = {}
    for peer, python in (("vigra", VIGRA_PYTHON), ("scikit-learn", sys.executable)):
        script = str(ROOT / "benches/peers/peer.py")
        try:
            theirs[peer] = json.loads(output([python, script, peer, folder, str(ours["channels"])]))
        except subprocess.CalledProcessError:
            print(f"{peer} can't be run by {python}; for vigra: apt-get install python3-vigra", file=sys.stderr)
    print(f"{'one thread':36}{'ours':>14}" + "".join(f"{peer:>16}{'ratio':>9}" for peer in theirs))

    def line(title, mine, pixels, of):
        show = lambda s: f"{1e3 * s:.1f} ms" if pixels is None else f"{pixels / s / 1e6:.2f} Mpx/s"
        text = f"{title:36}{show(mine):>14}"
        for times in theirs.values():
            their = of(times)
            text += f"{show(their):>16}{f'{their / mine:.1f} x':>9}" if their else f"{'-':>16}{'':9}"
        print(text)

    for name in ("2d", "3d"):
        for way in ("tiles", "stored"):
            title = f"filter bank {name.upper()}, {way}"
            line(title, ours[name][way], ours[name]["pixels"], lambda times: times.get(name))
    for work in ("train", "predict"):
        for name in ("clean", "three", "noisy"):
            title = f"{work}, {name} ({ours[name]['leaves']} leaves a tree)"
            pixels = ours["pixels"] if work == "predict" else None
            line(title, ours[name][work], pixels, lambda times: times[name][work])


# A process begins with the peak memory of the one that started it: that has to be a small one.
STARTER = """
import os, subprocess, sys, time
start = time.monotonic()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(status, time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
"""


def measured(arguments):
    """Wall seconds, processor seconds and peak memory (MB) of the program."""
    command = [sys.executable, "-S", "-c", STARTER, str(PROGRAM), *map(str, arguments)]
    status, *figures = map(float, output(command).split())
    assert status == 0, f"{arguments} failed"
    return tuple(figures)


def enlarged(name, shape, dtype):
    """The golden image mirrored until it fills `shape`."""
    with h5py.File(ROOT / f"tests/golden/{name}/{name}_raw.h5") as file:
        small = file["data"][...]
    for axis, length in enumerate(shape):
        pair = np.concatenate([small, np.flip(small, axis)], axis)
        repeat = [1] * len(shape)
        repeat[axis] = -(-length // pair.shape[axis])
        small = np.tile(pair, repeat).take(range(length), axis)
    return small.astype(dtype)


def predict(folder, name, image, *more):
    return measured(["predict", "--project", ROOT / f"tests/golden/{name}/{name}.ilp", "--overwrite",
                     "--output-filename-format", f"{folder}/{{nickname}}_{{result_type}}", *more, image])


def program(folder):
    print(f"\n{'predict, whole process, 2 threads':52}{'seconds':>9}{'processor':>11}{'MB':>6}   goal")
    for name, shape, dtype, goal in (
        ("gray", (1024, 1024), np.uint16, "0.4 s, 200 MB"),
        ("noisy", (1024, 1024), np.uint16, "0.4 s, 200 MB"),
        ("vol", (64, 256, 256), np.uint16, "2.5 s, 450 MB"),
    ):
        image = f"{folder}/{name}.npy"
        np.save(image, enlarged(name, shape, dtype))
        wall, processor, peak = zip(*(predict(folder, name, image, "--threads", "2") for _ in range(5)))
        size = "x".join(map(str, shape))
        print(f"{size + f' uint16, project of {name}':52}{min(wall):9.2f}{min(processor):11.2f}{max(peak):6.0f}   {goal}")


def memory(folder):
    """Images of ten times the memory allowed, read and written in ways that keep different things."""
    print(f"\n{'predict --memory 32MB, images of 320 MB':68}{'seconds':>9}{'MB':>6}")
    volume = enlarged("vol", (125, 800, 800), np.float32)
    np.save(f"{folder}/volume.npy", volume)
    with h5py.File(f"{folder}/volume.h5", "w") as file:
        file.create_dataset("data", data=volume, chunks=(32, 64, 64), compression="gzip", compression_opts=1)
    np.save(f"{folder}/plane.npy", enlarged("gray", (8000, 10000), np.float32))
    for name, image, threads, form, source in (
        ("vol", "volume.npy", 2, "numpy", "Probabilities"),
        ("vol", "volume.h5", 2, "compressed hdf5", "Probabilities"),
        ("vol", "volume.h5", 8, "multipage tiff", "Simple Segmentation"),
        ("gray", "plane.npy", 8, "compressed hdf5", "Probabilities"),
    ):
        seconds, _, peak = predict(folder, name, f"{folder}/{image}", "--memory", "32MB", "--threads", threads,
                                   "--output-format", form, "--export-source", source)
        print(f"{f'{image}, {threads} threads, {source} as {form}':68}{seconds:9.1f}{peak:6.0f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = {"peers": peers, "program": program, "memory": memory}
    parser.add_argument("--skip", action="append", default=[], choices=parts)
    skip = parser.parse_args().skip
    subprocess.run(["cargo", "build", "--release", "--quiet"], check=True, cwd=ROOT)
    with tempfile.TemporaryDirectory(prefix="brushwood_peers_") as folder:
        for name, part in parts.items():
            if name not in skip:
                part(folder)


main()
