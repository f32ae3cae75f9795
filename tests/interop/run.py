#!/usr/bin/env python3
"""Compares what brushwood reads and writes with h5py, tifffile, numpy, zarr and Pillow, and with h5dump.

    tests/interop/run               installs what this needs, builds the program and runs it
    tests/interop/run.py            takes the Python, the packages and the program that are there

Exit status 1 when anything differs.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DTYPES = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float32", "float64"]


def main():
    if not shutil.which("h5dump"):
        sys.exit("h5dump is missing; it comes with hdf5-tools")
    with tempfile.TemporaryDirectory() as folder:
        checks = Checks(Path(folder))
        reading(checks)
        writing(checks)
        writing_beside(checks)
        checks.finish()


class Checks:
    """Jobs for the program, and what to expect of each."""

    def __init__(self, folder):
        self.folder = folder
        self.jobs = []
        self.verify = []
        self.count = 0

    def path(self, name):
        self.count += 1
        path = self.folder / f"{self.count:04d}" / name
        path.parent.mkdir()
        return path

    def read(self, label, location, array, axes, sizes=None, given=None, **options):
        """`array` with `axes` is what should be read; `axes` are checked without axes of size 1."""
        import numpy as np

        to = self.path("read.npy")

        def verify(result):
            if "error" in result:
                return result["error"]
            got = np.load(to)
            expected = canonical(array, axes)
            if got.shape != expected.shape or got.dtype.name != expected.dtype.name.replace("bool", "uint8"):
                return f"{got.shape} {got.dtype} read, {expected.shape} {expected.dtype} expected"
            if not np.array_equal(got, expected, equal_nan=expected.dtype.kind == "f"):
                return f"values differ, by at most {np.abs(got.astype(float) - expected.astype(float)).max()}"
            wide = [k for k, n in zip(axes, array.shape) if n > 1]
            found = [k for k in result["axes"] if result["shape"]["tzyxc".index(k)] > 1]
            if wide != found:
                return f"axes {result['axes']} read, {axes} expected"
            for key, (size, unit) in (sizes or {}).items():
                stored = result["pixel_size"]["tzyxc".index(key)]
                if stored is None or abs(stored[0] - size) > 1e-6 * size or stored[1] != unit:
                    return f"pixel size along {key}: {stored} read, {size} {unit} expected"
            return None

        if given:
            options["axes"] = given
        self.jobs.append({"read": str(location), "to": str(to), **options})
        self.verify.append((f"read {label}", verify))

    def refuse(self, label, location, words, **options):
        def verify(result):
            error = result.get("error", "was read")
            return None if words in error else f"'{words}' expected: {error}"

        self.jobs.append({"read": str(location), "to": str(self.path("x.npy")), **options})
        self.verify.append((f"refuse {label}", verify))

    def write(self, label, array, axes, path, format, order, check, **options):
        import numpy as np

        source = self.path("source.npy")
        np.save(source, array)

        def verify(result):
            return result.get("error") or check(path)

        job = {"write": str(source), "axes": axes, "to": str(path), "format": format, "order": order}
        self.jobs.append({**job, **options})
        self.verify.append((f"write {label}", verify))

    def finish(self):
        jobs = self.folder / "jobs.json"
        jobs.write_text(json.dumps(self.jobs))
        program = ROOT / "target" / "debug" / "examples" / "interop"
        run = subprocess.run([program, jobs], capture_output=True, text=True)
        results = [json.loads(line) for line in run.stdout.splitlines()]
        if run.returncode or len(results) != len(self.jobs):
            sys.exit(f"the program stopped after {len(results)} of {len(self.jobs)} jobs: {run.stderr}")
        failed = 0
        for (label, verify), result in zip(self.verify, results):
            try:
                problem = verify(result)
            except Exception as e:
                problem = f"{type(e).__name__}: {e}"
            if problem:
                failed += 1
                print(f"{label}: {problem}")
        print(f"{len(results) - failed} of {len(results)} checks passed")
        sys.exit(1 if failed else 0)


def canonical(array, axes):
    """`array` as tzyxc."""
    missing = [k for k in "tzyxc" if k not in axes]
    array = array.reshape(array.shape + (1,) * len(missing))
    keys = list(axes) + missing
    return array.transpose([keys.index(k) for k in "tzyxc"])


def sample(shape, dtype, seed=0):
    import numpy as np

    random = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return random.normal(size=shape).astype(dtype)
    if np.dtype(dtype).kind == "b":
        return random.random(shape) < 0.5
    info = np.iinfo(dtype)
    return random.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def smooth(shape, dtype="uint8"):
    import numpy as np

    grid = np.indices(shape).sum(axis=0)
    return (grid * 3 % 251).astype(dtype)


def reading(checks):
    reading_npy(checks)
    reading_npz(checks)
    reading_hdf5(checks)
    reading_tiff(checks)
    reading_pictures(checks)
    reading_openexr(checks)


def reading_npy(checks):
    import numpy as np

    for dtype in DTYPES + ["bool"]:
        for order in "<>":
            for layout in "CF":
                array = np.asarray(sample((5, 6, 7), dtype), order=layout)
                path = checks.path("a.npy")
                np.save(path, array.astype(array.dtype.newbyteorder(order), order=layout))
                checks.read(f"npy {order}{dtype} {layout}", path, array, "zyx")
    for shape, axes in [((5, 6), "yx"), ((5, 6, 3), "yxc"), ((2, 5, 6, 3), "zyxc"), ((2, 3, 5, 6, 3), "tzyxc")]:
        path = checks.path("a.npy")
        array = sample(shape, "uint8")
        np.save(path, array)
        checks.read(f"npy {shape}", path, array, axes)
    checks.read("npy given axes", path, array, "xyczt", given="xyczt")
    path = checks.path("c.npy")
    np.save(path, np.zeros((4, 4), "complex64"))
    checks.refuse("npy complex", path, "is not supported")
    path = checks.path("s.npy")
    np.save(path, np.zeros((4, 4), [("a", "i4")]))
    checks.refuse("npy records", path, "is not supported")


def reading_npz(checks):
    import numpy as np

    for dtype in DTYPES:
        for save in [np.savez, np.savez_compressed]:
            volume, plane = sample((4, 5, 6), dtype), sample((7, 6), dtype, 1)
            path = checks.path("a.npz")
            save(path, volume=volume, plane=np.asfortranarray(plane), line=volume[0, 0])
            checks.read(f"npz {save.__name__} {dtype}", f"{path}/volume", volume, "zyx")
            checks.read(f"npz {save.__name__} {dtype} fortran", f"{path}/plane", plane, "yx")
            path = checks.path("b.npz")
            save(path, volume.astype(volume.dtype.newbyteorder(">")))
            checks.read(f"npz {save.__name__} {dtype} alone, big-endian", path, volume, "zyx")
    path = checks.path("two.npz")
    np.savez(path, a=plane, b=plane)
    checks.refuse("npz two arrays", path, "holds 2 datasets: 'a', 'b'; name one, such as")


def reading_hdf5(checks):
    import h5py
    import numpy as np

    def tags(axes, **sizes):
        flags = {"c": 1, "t": 8}
        return json.dumps(
            {
                "axes": [
                    {"key": k, "typeFlags": flags.get(k, 2), "resolution": sizes.get(k, 0), "description": ""}
                    for k in axes
                ]
            }
        )

    storages = {
        "contiguous": {},
        "chunked": {"chunks": (3, 4, 5)},
        "gzip": {"chunks": (3, 4, 5), "compression": "gzip"},
        "lzf": {"chunks": (3, 4, 5), "compression": "lzf"},
        "gzip shuffle checksum": {
            "chunks": (8, 9, 10),
            "compression": "gzip",
            "shuffle": True,
            "fletcher32": True,
        },
        "lzf shuffle": {"chunks": (2, 9, 3), "compression": "lzf", "shuffle": True},
        "checksum": {"chunks": (3, 4, 5), "fletcher32": True},
        "growing": {"chunks": (3, 4, 5), "maxshape": (None, 10, 11)},
        "growing twice": {"chunks": (3, 4, 5), "maxshape": (None, None, 11), "compression": "gzip"},
        "one chunk": {"chunks": (9, 10, 11)},
    }
    for version in ["earliest", ("v110", "v110"), "latest"]:
        for name, storage in storages.items():
            for dtype in ["uint8", "uint16", "int64", "float32", ">f8", ">u2"]:
                array = smooth((9, 10, 11), dtype)
                path = checks.path("a.h5")
                with h5py.File(path, "w", libver=version) as file:
                    file.create_dataset("volume/data", data=array, **storage)
                checks.read(f"hdf5 {version} {name} {dtype}", path, array.astype(array.dtype.newbyteorder("=")), "zyx")
    for dtype in DTYPES + ["bool"]:
        array = sample((4, 9, 10), dtype)
        path = checks.path("a.h5")
        with h5py.File(path, "w") as file:
            file.create_dataset("d", data=array).attrs["axistags"] = tags("cyx", x=0.5)
            file["d"].attrs["axis_units"] = json.dumps({"x": "um"})
        checks.read(f"hdf5 {dtype}", f"{path}/d", array, "cyx", {"x": (0.5, "um")})
    # Chunks that were never written hold the fill value.
    path = checks.path("fill.h5")
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("d", (20, 20), "int16", chunks=(6, 7), fillvalue=-5, compression="gzip")
        dataset[6:12, 7:14] = 9
        array = dataset[:]
    checks.read("hdf5 fill value", path, array, "yx")
    path = checks.path("never.h5")
    with h5py.File(path, "w") as file:
        file.create_dataset("d", (20, 20), "float32", fillvalue=2.5)
    checks.read("hdf5 never written", path, np.full((20, 20), 2.5, "float32"), "yx")
    path = checks.path("compact.h5")
    with h5py.File(path, "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple((5, 6))
        dataset = h5py.h5d.create(file.id, b"d", h5py.h5t.NATIVE_UINT16, space, plist)
        array = smooth((5, 6), "uint16")
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, array)
    checks.read("hdf5 compact", path, array, "yx")
    path = checks.path("user.h5")
    with h5py.File(path, "w", userblock_size=1024) as file:
        file["d"] = array
        file["e"] = array
        file["line"] = array[0]
        file["g/words"] = "text"
    checks.read("hdf5 user block", f"{path}/e", array, "yx")
    checks.refuse("hdf5 two datasets", path, "holds 2 datasets: 'd', 'e'; name one, such as")
    checks.refuse("hdf5 no such dataset", f"{path}/g/x", "has no dataset 'g/x'; it has 'd', 'e'")
    checks.refuse("hdf5 a group", f"{path}/g", "has no dataset 'g'")
    path = checks.path("so.h5")
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=smooth((20, 20), "int32"), chunks=(7, 7), scaleoffset=0)
    checks.read("hdf5 scale-offset", path, smooth((20, 20), "int32"), "yx")
    path = checks.path("complex.h5")
    with h5py.File(path, "w") as file:
        file["d"] = np.zeros((4, 4), "complex64")
    checks.refuse("hdf5 complex", f"{path}/d", "is not supported")
    checks.refuse("hdf5 without images", path, "holds no dataset with 2 to 5 dimensions")


def reading_tiff(checks):
    import numpy as np
    import tifffile

    def save(label, array, axes, expect=None, sizes=None, **options):
        path = checks.path("a.tif")
        tifffile.imwrite(path, array, **options)
        checks.read(f"tiff {label}", path, tifffile.imread(path) if expect is None else expect, axes, sizes)
        return path

    layouts = {
        "one strip": {},
        "strips": {"rowsperstrip": 7},
        "tiles": {"tile": (16, 32)},
        "big": {"bigtiff": True},
        "big-endian": {"byteorder": ">"},
        "big-endian tiles": {"byteorder": ">", "tile": (32, 16), "bigtiff": True},
    }
    for dtype in DTYPES:
        for name, layout in layouts.items():
            save(f"{dtype} {name}", sample((45, 50), dtype), "yx", **layout)
    for compression in ["lzw", "deflate", "packbits", "zstd"]:
        for dtype in ["uint8", "uint16", "float32", "float64"]:
            for name, layout in layouts.items():
                for predictor in [False, True]:
                    label = f"{compression} {dtype} {name} predictor {predictor}"
                    if predictor and compression == "packbits":
                        continue
                    save(label, smooth((45, 50), dtype), "yx", compression=compression, predictor=predictor, **layout)
    for samples in range(2, 8):
        for planar in ["contig", "separate"]:
            for compression in [None, "deflate"]:
                shape = (45, 50, samples) if planar == "contig" else (samples, 45, 50)
                photometric = "rgb" if samples in (3, 4) else "minisblack"
                axes = "yxc" if planar == "contig" else "cyx"
                save(
                    f"{samples} samples {planar} {compression}",
                    sample(shape, "uint16"),
                    axes,
                    planarconfig=planar,
                    photometric=photometric,
                    compression=compression,
                    rowsperstrip=8,
                    metadata=None,
                )
    for colours in [{"photometric": "rgb"}, {"photometric": "minisblack"}]:
        array = smooth((64, 48, 3) if colours["photometric"] == "rgb" else (64, 48))
        axes = "yxc" if array.ndim == 3 else "yx"
        for tile in [None, (16, 32)]:
            path = checks.path("jpeg.tif")
            tifffile.imwrite(path, array, compression="jpeg", compressionargs={"level": 95}, tile=tile, **colours)
            close(checks, f"tiff jpeg {colours} {tile}", path, tifffile.imread(path), axes, 3)
    path = checks.path("jpeg.tif")
    tifffile.imwrite(
        path, smooth((64, 48, 3)), photometric="rgb", compression="jpeg", compressionargs={"outcolorspace": "rgb"}
    )
    close(checks, "tiff jpeg stored as rgb", path, tifffile.imread(path), "yxc", 3)
    palette = np.arange(3 * 256, dtype="uint16").reshape(3, 256)
    path = checks.path("palette.tif")
    tifffile.imwrite(path, smooth((45, 50)), photometric="palette", colormap=palette)
    checks.refuse("tiff palette", path, "a palette image (its samples are places in a table of colours) is not supported")
    # ImageJ keeps the table that an image is shown by; the samples are what was measured.
    colours = smooth((3, 45, 50))
    save("imagej colour table", colours, "zyx", imagej=True, colormap=palette, metadata={"axes": "ZYX"})
    save("white is zero", smooth((45, 50)), "yx", expect=smooth((45, 50)), photometric="miniswhite")
    save("bits", sample((45, 50), "bool"), "yx", expect=None)
    # Stacks.
    save("pages without metadata", smooth((4, 45, 50)), "tyx", metadata=None, photometric="minisblack")
    save("tifffile stack", smooth((6, 45, 50)), "zyx", photometric="minisblack")
    save("tifffile stack, truncated", smooth((6, 45, 50)), "zyx", photometric="minisblack", truncate=True)
    save("tifffile axes", smooth((2, 3, 4, 45, 50)), "tczyx", metadata={"axes": "TCZYX"}, photometric="minisblack")
    save("500 pages", smooth((500, 8, 9)), "tyx", metadata=None, photometric="minisblack", compression="deflate")
    for axes in ["ZYX", "CYX", "TYX", "TZYX", "TZCYX", "ZCYX", "TZCYX"]:
        extent = {"T": 2, "Z": 3, "C": 4, "Y": 12, "X": 14}
        for dtype in ["uint8", "uint16", "float32"]:
            array = smooth([extent[k] for k in axes], dtype)
            spacing = {"spacing": 0.75, "unit": "um", "finterval": 2.5}
            sizes = {"x": (0.25, "um"), "y": (0.5, "um")}
            if "Z" in axes:
                sizes["z"] = (0.75, "um")
            path = checks.path("ij.tif")
            tifffile.imwrite(path, array, imagej=True, resolution=(4, 2), metadata={"axes": axes, **spacing})
            checks.read(f"imagej {axes} {dtype}", path, array, axes.lower(), sizes)
        array = smooth([extent[k] for k in axes], "uint16")
        save(f"imagej {axes} big-endian", array, axes.lower(), imagej=True, byteorder=">", metadata={"axes": axes})
        save(f"imagej {axes} truncated", array, axes.lower(), imagej=True, truncate=True, metadata={"axes": axes})
        path = checks.path("a.ome.tif")
        physical = {"PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.5}
        tifffile.imwrite(path, array, ome=True, metadata={"axes": axes, **physical}, compression="lzw")
        checks.read(f"ome {axes}", path, array, axes.lower(), {"x": (0.25, "nm"), "y": (0.5, "µm")})
    for axes in ["CZTYX", "ZCTYX", "TCZYX"]:
        extent = {"T": 2, "Z": 3, "C": 4, "Y": 12, "X": 14}
        array = smooth([extent[k] for k in axes], "uint16")
        save(f"ome {axes}", array, axes.lower(), ome=True, metadata={"axes": axes})
    save("ome rgb stack", smooth((3, 12, 14, 3)), "zyxc", ome=True, photometric="rgb", metadata={"axes": "ZYXS"})
    save("imagej rgb stack", smooth((3, 12, 14, 3)), "zyxc", imagej=True, photometric="rgb", metadata={"axes": "ZYXS"})
    path = checks.path("cm.tif")
    tifffile.imwrite(path, smooth((12, 14)), resolution=(20000, 10000), resolutionunit="centimeter", metadata=None)
    checks.read("tiff per centimetre", path, smooth((12, 14)), "yx", {"x": (0.5, "µm"), "y": (1.0, "µm")})
    path = checks.path("series.tif")
    with tifffile.TiffWriter(path) as file:
        file.write(smooth((12, 14)))
        file.write(smooth((20, 14)))
    checks.refuse("tiff two series", path, "a TIFF file of 2 image series is not supported")
    path = checks.path("volume.tif")
    tifffile.imwrite(path, smooth((32, 32, 32)), tile=(16, 16, 16))
    checks.refuse("tiff volume tiles", path, "is not supported")
    for kind in ["lerc", "jpeg2000", "lzma"]:
        path = checks.path("a.tif")
        tifffile.imwrite(path, smooth((45, 50)), compression=kind)
        checks.refuse(f"tiff {kind}", path, "is not supported")
    path = checks.path("half.tif")
    tifffile.imwrite(path, smooth((45, 50), "float16"))
    checks.refuse("tiff float16", path, "is not supported")


def close(checks, label, path, array, axes, tolerance):
    """As `read`, for lossy formats whose decoders differ in rounding."""
    import numpy as np

    to = checks.path("read.npy")

    def verify(result):
        if "error" in result:
            return result["error"]
        difference = np.abs(np.load(to).astype(int) - canonical(array, axes).astype(int)).max()
        return None if difference <= tolerance else f"values differ by {difference}"

    checks.jobs.append({"read": str(path), "to": str(to)})
    checks.verify.append((f"read {label}", verify))


def reading_pictures(checks):
    import numpy as np
    from PIL import Image

    def save(label, image, array, name="a.png"):
        path = checks.path(name)
        image.save(path)
        checks.read(label, path, array if array.ndim == 3 else array[..., None], "yxc")

    gray, rgb = smooth((20, 30)), smooth((20, 30, 3))
    save("png gray", Image.fromarray(gray), gray)
    save("png gray 16", Image.fromarray(gray.astype("uint16") * 200), gray.astype("uint16") * 200)
    save("png rgb", Image.fromarray(rgb), rgb)
    rgba = np.dstack([rgb, gray])
    save("png rgba", Image.fromarray(rgba), rgba)
    save("png gray alpha", Image.fromarray(rgba[..., :2], "LA"), rgba[..., :2])
    palette = Image.fromarray(rgb).quantize(16)
    save("png palette", palette, np.asarray(palette.convert("RGB")))
    rgba_palette = Image.fromarray(rgba, "RGBA").quantize(16)
    save("png palette with transparency", rgba_palette, np.asarray(rgba_palette.convert("RGBA")))
    bits = Image.fromarray(gray > 100)
    save("png bits", bits, (gray > 100).astype("uint8") * 255)
    save("bmp gray", Image.fromarray(gray), gray, "a.bmp")
    save("bmp rgb", Image.fromarray(rgb), rgb, "a.bmp")
    save("bmp bits", bits, (gray > 100).astype("uint8") * 255, "a.bmp")
    save("pgm", Image.fromarray(gray), gray, "a.pgm")
    save("ppm", Image.fromarray(rgb), rgb, "a.ppm")
    # Pillow draws bits that are set black; here they are 255, as in ilastik.
    save("pbm", bits, (gray <= 100).astype("uint8") * 255, "a.pbm")
    save("gif gray", Image.fromarray(gray), gray, "a.gif")
    save("gif bits", bits, (gray > 100).astype("uint8") * 255, "a.gif")
    save("gif palette", palette, np.asarray(palette.convert("RGB")), "a.gif")
    wide = sample((200, 300, 3), "uint8") // 64 * 64
    save("gif wide", Image.fromarray(wide).quantize(64, dither=Image.Dither.NONE), wide, "a.gif")
    for dtype in DTYPES:
        array = sample((5, 6, 7), dtype)
        path = checks.path(f"a-5-6-7-{dtype}.raw")
        array.tofile(path)
        checks.read(f"raw {dtype}", path, array, "zyx")
    save("bmp palette", palette, np.asarray(palette.convert("RGB")), "a.bmp")
    for array, name in [(gray, "gray"), (rgb, "rgb")]:
        path = checks.path("a.jpg")
        Image.fromarray(array).save(path, quality=95)
        decoded = np.asarray(Image.open(path))
        close(checks, f"jpeg {name}", path, decoded if decoded.ndim == 3 else decoded[..., None], "yxc", 3)
        path = checks.path("a.jpg")
        Image.fromarray(array).save(path, quality=95, progressive=True, subsampling=0)
        decoded = np.asarray(Image.open(path))
        label = f"jpeg {name} progressive"
        close(checks, label, path, decoded if decoded.ndim == 3 else decoded[..., None], "yxc", 3)
    path = checks.path("cmyk.jpg")
    Image.fromarray(rgb).convert("CMYK").save(path)
    checks.refuse("jpeg cmyk", path, "a JPEG picture of four colours (CMYK) is not supported; convert it to RGB")
    folder = checks.path("z0.png").parent
    for z in range(4):
        Image.fromarray(gray + z).save(folder / f"z{z}.png")
    stack = np.stack([gray + z for z in range(4)])[..., None]
    checks.read("stack of png", f"{folder}/*.png", stack, "zyxc")
    checks.read("stack along t", f"{folder}/*.png", stack, "tyxc", stack_along="t")
    joined = ":".join(str(folder / f"z{z}.png") for z in [2, 0])
    checks.read("list of png", joined, stack[[2, 0]], "zyxc")
    checks.read("stack along c", f"{folder}/*.png", stack[..., 0], "cyx", stack_along="c", given="cyx")


def reading_openexr(checks):
    import numpy as np
    import OpenEXR

    names = ["NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24"]
    tiles = OpenEXR.TileDescription()
    tiles.xSize, tiles.ySize = 32, 16
    layouts = {"lines": {"type": OpenEXR.scanlineimage}, "tiles": {"type": OpenEXR.tiledimage, "tiles": tiles}}
    for name in names:
        compression = getattr(OpenEXR, f"{name}_COMPRESSION")
        for dtype in ["float16", "float32", "uint32"]:
            for values in ["noise", "smooth", "constant"]:
                if name == "PXR24" and dtype == "float32":
                    continue  # It keeps 24 bits of them.
                shape = (70, 91, 4)
                array = {
                    "noise": lambda: sample(shape, "uint32" if dtype == "uint32" else "float32"),
                    "smooth": lambda: smooth(shape),
                    "constant": lambda: np.full(shape, 7),
                }[values]().astype(dtype)
                for layout, header in layouts.items():
                    for channels in ["Y", "RGB", "RGBA"]:
                        planes = {key: np.ascontiguousarray(array[..., i]) for i, key in enumerate(channels)}
                        path = checks.path("a.exr")
                        with OpenEXR.File({**header, "compression": compression}, planes) as file:
                            file.write(str(path))
                        expected = array[..., : len(channels)]
                        expected = expected if dtype == "uint32" else expected.astype("float32")
                        checks.read(f"exr {name} {dtype} {values} {layout} {channels}", path, expected, "yxc")
    path = checks.path("dwaa.exr")
    with OpenEXR.File({"compression": OpenEXR.DWAA_COMPRESSION, **layouts["lines"]}, {"Y": smooth((70, 90), "float32")}) as file:
        file.write(str(path))
    checks.refuse("exr dwaa", path, "is not supported")


def writing(checks):
    import h5py
    import numpy as np
    import tifffile
    import zarr
    from PIL import Image

    extent = {"t": 2, "z": 5, "y": 70, "x": 90, "c": 3}

    def equal(got, expected):
        if got.shape != expected.shape or got.dtype != expected.dtype:
            return f"{got.shape} {got.dtype} found, {expected.shape} {expected.dtype} expected"
        return None if np.array_equal(got, expected) else "values differ"

    def reordered(array, axes, order):
        return array.transpose([axes.index(k) for k in order])

    def dumped(path, expected):
        """Compares with the samples that h5dump finds."""
        samples = path.with_suffix(".bin")
        command = ["h5dump", "-d", "/volume/exported", "-b", "LE", "-o", samples, path]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            return run.stderr
        found = np.fromfile(samples, expected.dtype.newbyteorder("<"))
        return None if np.array_equal(found, expected.ravel()) else "h5dump finds other samples"

    sizes = [[2.5, "s"], [0.75, "µm"], [0.5, "µm"], [0.25, "µm"], None]
    for format in ["hdf5", "compressed hdf5"]:
        for dtype in DTYPES:
            for order in ["tzyxc", "zyxc", "yx", "cyx", "xyzct", "yxc"]:
                axes = "".join(k for k in "tzyxc" if k in order)
                array = sample([extent[k] for k in axes], dtype)

                def check(path, array=array, axes=axes, order=order):
                    with h5py.File(path) as file:
                        dataset = file["volume/exported"]
                        tags = json.loads(dataset.attrs["axistags"])["axes"]
                        if "".join(tag["key"] for tag in tags) != order:
                            return f"axistags {tags}"
                        if list(dataset.attrs["drange"]) != [0, 1] or not isinstance(dataset.attrs["axistags"], str):
                            return f"attributes {dict(dataset.attrs)}"
                        if [d.label for d in dataset.dims] != list(order):
                            return f"dimension labels {[d.label for d in dataset.dims]}"
                        problem = equal(dataset[:], reordered(array, axes, order))
                    return problem or dumped(path, reordered(array, axes, order))

                label = f"{format} {dtype} {order}"
                options = {"internal": "volume/exported", "data_range": [0, 1], "pixel_size": sizes}
                checks.write(label, array, axes, checks.path("a.h5"), format, order, check, **options)
    big = smooth((3, 300, 1100, 2), "float32")
    checks.write(
        "compressed hdf5 in many chunks",
        big,
        "zyxc",
        checks.path("a.h5"),
        "compressed hdf5",
        "zyxc",
        lambda path: equal(h5py.File(path)["exported_data"][:], big),
    )
    def n5(path, expected, order):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zarr says that version 3 has no N5.
            dataset = zarr.open(zarr.N5Store(path), mode="r")["volume/exported"]
        if dataset.attrs["axes"] != order[::-1] or json.loads(dataset.attrs["axistags"])["axes"][0]["key"] != order[0]:
            return f"attributes {dict(dataset.attrs)}"
        return equal(dataset[:], expected)

    def ome_zarr(path, expected, levels):
        image = zarr.open(path, mode="r")
        (described,) = image.attrs["multiscales"]
        if "".join(axis["name"] for axis in described["axes"]) != "tczyx" or described["version"] != "0.4":
            return f"described as {described}"
        scales = [dataset["coordinateTransformations"][0] for dataset in described["datasets"]]
        if scales[0] != {"type": "scale", "scale": [2.5, 1.0, 0.75, 0.5, 0.25]}:
            return f"scaled by {scales[0]}"
        arrays = [image[dataset["path"]][:] for dataset in described["datasets"]]
        if len(arrays) != levels:
            return f"{len(arrays)} levels"
        problem = equal(arrays[0], expected)
        for above, below in zip(arrays, arrays[1:]):
            rounded = halved(above) if above.dtype.kind == "f" else np.rint(halved(above))
            if not np.allclose(below, rounded, rtol=1e-6):
                return "a level is not the mean of the one before"
        return problem

    def halved(array):
        array = array.astype(float)
        for axis in range(2, 5):
            count = array.shape[axis] // 2
            if count:
                even, odd = (np.take(array, range(i, 2 * count, 2), axis) for i in range(2))
                array = (even + odd) / 2
        return array

    for dtype in DTYPES:
        for order in ["tzyxc", "zyx", "yx", "cxyz"]:
            axes = "".join(k for k in "tzyxc" if k in order)
            array = sample([extent[k] for k in axes], dtype)
            for format in ["n5", "compressed n5"]:
                expected = reordered(array, axes, order)
                check = lambda path, expected=expected, order=order: n5(path, expected, order)
                options = {"internal": "volume/exported", "data_range": [0, 1], "pixel_size": sizes}
                checks.write(f"{format} {dtype} {order}", array, axes, checks.path("a.n5"), format, order, check, **options)
            for format in ["single-scale OME-Zarr", "multi-scale OME-Zarr"]:
                expected = canonical(array, axes).transpose([0, 4, 1, 2, 3])
                check = lambda path, expected=expected: ome_zarr(path, expected, 1)
                label, path = f"{format} {dtype} {order}", checks.path("a.zarr")
                checks.write(label, array, axes, path, format, order, check, pixel_size=sizes)
    for dtype, levels in [("uint8", 2), ("int16", 3), ("float32", 3)]:
        large = sample((2, 60, 301, 330), dtype)
        check = lambda path, large=large, levels=levels: ome_zarr(path, large[None], levels)
        label, path = f"multi-scale OME-Zarr of levels, {dtype}", checks.path("a.zarr")
        checks.write(label, large, "czyx", path, "multi-scale OME-Zarr", "czyx", check, pixel_size=sizes)
    checks.write("compressed n5 in many chunks", big, "zyxc", checks.path("a.n5"), "compressed n5", "zyxc",
        lambda path: n5(path, big, "zyxc"), internal="volume/exported")
    for dtype in DTYPES:
        for order in ["tzyxc", "yx", "cxyz", "tyxc"]:
            axes = "".join(k for k in "tzyxc" if k in order)
            array = sample([extent[k] for k in axes], dtype)
            expected = reordered(array, axes, order)
            check = lambda path, expected=expected: equal(np.load(path), expected)
            checks.write(f"numpy {dtype} {order}", array, axes, checks.path("a.npy"), "numpy", order, check)

        def pages(path, array, axes):
            with tifffile.TiffFile(path) as file:
                series = file.series
                if len(series) != 1:
                    return f"{len(series)} series"
                got = series[0].asarray()
                found = series[0].axes.lower().replace("s", "c")
                order = "".join(k for k in found if k in axes)
                expected = reordered(array, axes, order)
                if [n for k, n in zip(found, got.shape) if k not in axes and n > 1]:
                    return f"axes {found}"
                return equal(got.reshape(expected.shape), expected)

        for axes in ["yx", "yxc", "zyx", "tyx", "tzyxc", "zyxc"]:
            array = sample([extent[k] for k in axes], dtype)
            check = lambda path, array=array, axes=axes: pages(path, array, axes)
            for format in ["tiff", "multipage tiff"]:
                label = f"{format} {dtype} {axes}"
                path = checks.path("a.tiff")
                checks.write(label, array, axes, path, format, axes, check, pixel_size=sizes)
                if format == "multipage tiff" and dtype not in ("uint64", "int64"):
                    units = {"x": (0.25, "µm"), "y": (0.5, "µm")}
                    order = "".join(k for k in "tzcyx" if k in axes)
                    checks.read(f"back {label}", path, reordered(array, axes, order), order, units)
    two = sample((70, 90, 2), "float32")
    checks.write(
        "tiff of two channels", two, "yxc", checks.path("a.tiff"), "tiff", "yxc", lambda p: equal(tifffile.imread(p), two)
    )
    pictures = {"png": ["uint8", "uint16"], "bmp": ["uint8"], "ras": ["uint8"]}
    maps = {name: ["uint8", "uint16"] for name in ["pnm", "ppm", "pgm", "pbm"]}
    for format, dtypes in {**pictures, **maps}.items():
        for dtype in dtypes:
            for axes in ["yx", "yxc"]:
                if axes == "yxc" and (dtype == "uint16" or format in ("pgm", "pbm")):
                    continue  # Pillow reads 16-bit colours as 8-bit.
                for width in [90, 91]:
                    array = sample([{**extent, "x": width}[k] for k in axes], dtype)
                    check = lambda path, array=array: equal(np.asarray(Image.open(path)).astype(array.dtype), array)
                    path = checks.path(f"a.{format}")
                    checks.write(f"{format} {dtype} {axes}", array, axes, path, format, axes, check)
    few, many = sample((70, 90, 3), "uint8") // 64 * 64, smooth((70, 90, 3))
    for array, axes, tolerance in [(sample((70, 90), "uint8"), "yx", 0), (few, "yxc", 0), (many, "yxc", 24)]:

        def colours(path, array=array, tolerance=tolerance):
            with Image.open(path) as picture:
                if picture.n_frames != 1:
                    return f"{picture.n_frames} frames"
                got = np.asarray(picture.convert("L" if array.ndim == 2 else "RGB"))
            difference = np.abs(got.astype(int) - array).max()
            return None if difference <= tolerance else f"differs by {difference}"

        checks.write(f"gif {axes}", array, axes, checks.path("a.gif"), "gif", axes, colours)
    lights = np.abs(sample((70, 90, 3), "float32")) + 0.01

    def radiance(path):
        with open(path, "rb") as file:
            if file.readline() != b"#?RADIANCE\n":
                return "no Radiance file"
            while file.readline().strip():
                pass
            if file.readline() != b"-Y 70 +X 90\n":
                return "another size"
            got = np.stack([scanline(file, 90) for _ in range(70)])
        exponent = np.ldexp(1.0, got[..., 3:].astype(int) - 128 - 8)
        difference = (np.abs((got[..., :3] + 0.5) * exponent - lights) / exponent).max()
        return None if difference <= 0.51 else f"differs by {difference} of the last bit"

    def scanline(file, width):
        """Red, green, blue and exponent of a row, each run-length encoded by itself."""
        if file.read(4) != bytes([2, 2, 0, width]):
            raise ValueError("no run-length encoded row")
        planes = []
        for _ in range(4):
            plane = b""
            while len(plane) < width:
                (count,) = file.read(1)
                plane += file.read(1) * (count - 128) if count > 128 else file.read(count)
            planes.append(np.frombuffer(plane, "uint8"))
        return np.stack(planes, axis=-1)

    checks.write("hdr", lights, "yxc", checks.path("a.hdr"), "hdr", "yxc", radiance)
    gray = smooth((70, 90))

    def lossy(path):
        difference = np.abs(np.asarray(Image.open(path)).astype(int) - gray).max()
        return None if difference < 40 else f"differs by {difference}"

    checks.write("jpeg", gray, "yx", checks.path("a.jpg"), "jpg", "yx", lossy)
    volume = sample((12, 70, 90), "uint8")

    def slices(path):
        files = sorted(path.parent.iterdir())
        if [f.name for f in files] != [f"s_{i:02d}.png" for i in range(12)]:
            return str(files)
        return equal(np.stack([np.asarray(Image.open(f)) for f in files]), volume)

    path = checks.path("s_{slice_index}.png")
    checks.write("png sequence", volume, "zyx", path, "png sequence", "zyx", slices)
    series = sample((3, 5, 70, 90), "uint16")

    def stacks(path):
        files = sorted(path.parent.iterdir())
        return equal(np.stack([tifffile.imread(f) for f in files]), series)

    path = checks.path("s_{slice_index:04d}.tiff")
    checks.write("multipage tiff sequence", series, "tzyx", path, "multipage tiff sequence", "tzyx", stacks)


def crowded(path, libver):
    """An HDF5 file with an object of every kind."""
    import h5py
    import numpy as np

    with h5py.File(path, "w", libver=libver) as file:
        file.attrs["title"] = "größe"
        group = file.create_group("group")
        gzip = group.create_dataset("gzip", data=sample((100, 120), "uint8"), chunks=(32, 32), compression="gzip")
        gzip.attrs["numbers"] = np.arange(5)
        lzf = {"chunks": (16, 16), "compression": "lzf", "shuffle": True}
        group.create_dataset("lzf", data=sample((50, 60), "float64"), **lzf)
        group.create_dataset("sum", data=sample((50, 60), "float64"), chunks=(16, 16), fletcher32=True)
        group.create_dataset("scaled", data=sample((64, 64), "int32"), chunks=(16, 16), scaleoffset=0)
        growing = group.create_dataset("growing", data=np.arange(20), maxshape=(None,), chunks=(7,))
        growing.resize((50,))
        group.create_dataset("growing 2D", data=sample((4, 5), "uint8"), maxshape=(None, None), chunks=(2, 2))
        records = [("a", "i4"), ("b", "f8"), ("c", "S2")]
        file["records"] = np.array([(1, 2.5, b"ab"), (3, 4.5, b"cd")], dtype=records)
        file.create_dataset("texts", data=["a", "wörld", "x" * 1000], dtype=h5py.string_dtype())
        lists = file.create_dataset("lists", (3,), dtype=h5py.vlen_dtype(np.int32))
        lists[0], lists[2] = [1, 2, 3], np.arange(100)
        file["number"], file["empty"] = 3.25, h5py.Empty("f")
        file["truths"], file["big endian"] = np.array([True, False]), np.arange(5, dtype=">i4")
        colours = h5py.enum_dtype({"red": 0, "green": 1}, basetype="u1")
        file.create_dataset("colours", data=np.array([0, 1], dtype="u1").astype(colours))
        file["soft"], file["hard"], file["type"] = h5py.SoftLink("/group/gzip"), file["records"], np.dtype("f8")
        file["references"] = np.array([file["records"].ref, group.ref], dtype=h5py.ref_dtype)
        many = file.create_group("many")
        for i in range(60):
            many.create_dataset(f"d{i}", data=np.arange(i + 1))
            many.attrs[f"a{i}"] = i


def writing_beside(checks):
    """Other datasets of a file stay as they are when one is added or replaced."""
    import h5py
    import numpy as np
    from same_foreign import differences

    image = smooth((300, 400), "float32")
    for libver in ["earliest", "v108", "v110", "latest"]:
        before, path = checks.path("before.h5"), checks.path("a.h5")
        crowded(before, libver if libver in ("earliest", "latest") else (libver, libver))
        shutil.copy(before, path)
        for internal in ["group/added", "added", "group/added"]:

            def check(path, before=before, internal=internal):
                with h5py.File(path) as file:
                    if not np.array_equal(file[internal][:], image):
                        return "values differ"
                return "; ".join(differences(before, path, "")) or None

            label = f"{internal} into a file of version {libver}"
            checks.write(label, image, "yx", path, "compressed hdf5", "yx", check, internal=internal)


if __name__ == "__main__":
    main()
