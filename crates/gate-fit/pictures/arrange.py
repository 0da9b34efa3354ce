#!/usr/bin/env python3
"""Arranges the pictures that the gate is fitted and measured on, as docs/GATE.md lists them.

    arrange.py XRAYS PACKAGES OUT

XRAYS is the folder of radiographs with its manifests; PACKAGES has a folder for each Debian package (`dpkg-deb -x PACKAGE.deb PACKAGES/PACKAGE`) and
for the unpacked wheels `nilearn`, `pydicom-data`, `scikit-image`. OUT/fit and OUT/measure get `CLASS/SOURCE/FILE.jpg`, no side above 640 pixels.
Needs numpy and Pillow. Only the numbers that are fitted on these pictures go into the repository.
"""

import csv
import gzip
import io
import re
import sys
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

ImageFile.LOAD_TRUNCATED_IMAGES = False
Image.MAX_IMAGE_PIXELS = None
SIDE = 640

# Clusters of the Kaggle set, looked at one by one: radiographs of spines, and slices of CT and MR scans.
SPINES = {52, 55, 59, 60, 79, 87, 103, 111, 119, 127, 154, 235, 4449}
SLICES = {62, 93, 97, 123, 135, 217, 250, 277, 5126, 5151}


def save(image, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    if image.mode in ("RGBA", "LA", "P", "PA"):
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(ground, image).convert("RGB")
    elif image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) / 256).astype(np.uint8))
    elif image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    image.thumbnail((SIDE, SIDE))
    image.save(path, quality=95)


def copy(files, folder, every=1, most=None, least=96):
    """Every n-th of these files that reads and is not tiny, at most so many, spread evenly."""
    files = sorted(files)[::every]
    if most and len(files) > most:
        files = [files[i * len(files) // most] for i in range(most)]
    for number, file in enumerate(files):
        try:
            image = Image.open(file)
            image.load()
        except Exception:  # What Pillow does not read is no picture here.
            continue
        if min(image.size) >= least:
            save(image, folder / f"{number:04}.jpg")


def pictures(folder, *patterns):
    return [f for p in patterns for f in folder.rglob(p) if f.is_file()]


def kaggle(xrays, out):
    best = {}
    with open(xrays / "manifests/kaggle.csv", newline="") as text:
        for row in csv.DictReader(text):
            path = xrays / "kaggle" / row["split"] / row["class"] / row["file"]
            key = (row["rotated_copy"] != "0", row["cluster_rep"] != "1", row["split"], row["file"])
            cluster = int(row["cluster"])
            if path.exists() and (cluster not in best or key < best[cluster][0]):
                best[cluster] = (key, path, row["class"])
    for cluster, (_, path, label) in sorted(best.items()):
        if cluster in SPINES:
            folder = "outside/kaggle-spines"
        elif cluster in SLICES:
            folder = "cross_section/kaggle-slices"
        else:
            folder = "radiograph/kaggle"
        save(Image.open(path), out / folder / f"{cluster:04}-{label[0]}.jpg")


def gray(values, low, high):
    scaled = (np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(scaled)


def slices(volume, spacing, window, folder, start):
    """Slices of a volume in its three directions, in square pixels."""
    for axis in range(3):
        count = volume.shape[axis]
        rest = [i for i in range(3) if i != axis]
        for number in np.linspace(0.15 * count, 0.85 * count, 14).astype(int):
            plane = np.take(volume, number, axis)
            low, high = window
            image = gray(plane, low, high)
            width = round(image.width * spacing[rest[1]] * 2)
            height = round(image.height * spacing[rest[0]] * 2)
            image = image.resize((width, height), Image.Resampling.BICUBIC)
            save(image, folder / f"{start}-{axis}-{number:03}.jpg")


def nifti(path):
    data = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(data, "<i2", 8, 40)[1:4]
    kind = {2: "<u1", 4: "<i2", 16: "<f4", 512: "<u2", 256: "<i1", 8: "<i4", 64: "<f8"}[int(np.frombuffer(data, "<i2", 1, 70)[0])]
    spacing = np.frombuffer(data, "<f4", 8, 76)[1:4]
    offset = int(np.frombuffer(data, "<f4", 1, 108)[0])
    volume = np.frombuffer(data, kind, int(np.prod(shape)), offset).reshape(shape[::-1]).astype(np.float32)
    # Head up.
    return volume[::-1], spacing[::-1]


def head(packages):
    """The CT of a head, in Hounsfield units: from above downwards, from the face backwards, across."""
    file = next(packages.glob("invesalius-examples/**/Cranium.inv3"))
    with tarfile.open(file) as archive:
        member = next(m for m in archive.getmembers() if m.name.endswith("matrix.dat"))
        volume = np.frombuffer(archive.extractfile(member).read(), "<i2").reshape(108, 256, 256)
    return volume[::-1].astype(np.float32), (1.5, 0.957, 0.957)


def skulls(volume, spacing, folder):
    """Radiographs as they would be of this head: attenuation summed along rays, from all sides."""
    weak = np.clip(volume + 1000, 0, None) / 1000 * 0.02
    bone = np.clip(volume - 200, 0, None) / 1000 * 0.05
    matter = (weak + bone).astype(np.float32)
    matter[volume < -500] = 0
    number = 0
    for turn in range(0, 180, 6):
        turned = matter
        if turn:
            layers = [np.asarray(Image.fromarray(layer).rotate(turn, Image.Resampling.BILINEAR)) for layer in matter]
            turned = np.stack(layers)
        sums = turned.sum(axis=1)
        sums = sums / sums.max()
        for gamma in (0.8, 1.3):
            image = gray(sums**gamma, np.quantile(sums**gamma, 0.05), 1.0)
            image = image.resize((512, round(108 * spacing[0] / spacing[1] * 2)), Image.Resampling.BICUBIC)
            save(image, folder / f"{number:03}.jpg")
            number += 1


def carved(files, folder):
    """JPEG, PNG and WebP pictures that lie whole in other files."""
    number = 0
    for file in sorted(files):
        data = file.read_bytes()
        for found in re.finditer(rb"\xff\xd8\xff[\xe0\xe1\xdb\xee]|\x89PNG\r\n\x1a\n|RIFF.{4}WEBP", data, re.DOTALL):
            try:
                image = Image.open(io.BytesIO(data[found.start() :]))
                image.load()
            except Exception:  # Signatures are found where no picture is, too.
                continue
            if min(image.size) >= 96:
                # Every other one: they come in pairs that are much alike.
                if number % 2 == 0:
                    save(image, folder / f"{number:04}.jpg")
                number += 1


def main():
    xrays, packages, out = map(Path, sys.argv[1:])
    fit, measure = out / "fit", out / "measure"
    everything = ("*.jpg", "*.jpeg", "*.JPG", "*.png", "*.webp")

    kaggle(xrays, fit)
    copy(pictures(xrays / "fracatlas/val", "*.jpg"), measure / "radiograph/fracatlas-val")
    copy(pictures(xrays / "other/xrays/knee_gornale", "*"), fit / "radiograph/knee-gornale")
    copy(pictures(xrays / "edge_cases/png_16bit_grazpedwri", "*.png"), fit / "radiograph/grazpedwri")
    copy(pictures(xrays / "other/xrays/chest_nih", "*"), fit / "outside/chest-nih")
    volume, spacing = head(packages)
    skulls(volume, spacing, fit / "outside/projected-skull")
    for number, window in enumerate([(-200, 400), (-500, 1500)]):
        slices(volume, spacing, window, fit / "cross_section/invesalius-head", number)
    for file in sorted(packages.glob("mricron-data/**/ch2.nii.gz")) + sorted(packages.glob("nilearn/**/*_t1_*.nii.gz")):
        volume, spacing = nifti(file)
        window = (np.quantile(volume, 0.05), np.quantile(volume, 0.995))
        slices(volume, np.abs(spacing), window, fit / "cross_section/mr-templates", file.name[:4])

    copy(pictures(xrays / "other/not_xrays/photo_hands", "*"), fit / "other/photo-hands")
    for name, most in [
        ("mate-backgrounds", None),
        ("gnome-backgrounds", None),
        ("plasma-workspace-wallpapers", None),
        ("ukui-wallpapers", None),
        ("sway-backgrounds", None),
        ("tuxpaint-stamps-default", 500),
        ("gimp-help-en", 500),
        ("openclipart-png", 400),
        ("digikam-data", 100),
    ]:
        copy(pictures(packages / name, *everything), fit / "other" / name, most=most)
    carved(pictures(packages / "gcompris-qt-data", "*.rcc"), fit / "other/gcompris")

    for name in ("lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04", "palapeli-data"):
        copy(pictures(packages / name, *everything), measure / "other/wallpapers-and-puzzles" / name)
    copy(pictures(packages / "opencv-doc/usr/share/doc/opencv-doc/examples", *everything), measure / "other/opencv-doc-data")
    copy(pictures(packages / "scikit-image", *everything), measure / "other/scikit-image")
    with open(xrays / "other/manifest.csv", newline="") as text:
        for row in csv.DictReader(text):
            if "/open_tests/" in row["path"]:
                what = row["what"].split(": ")[1]
                folder = "cross_section" if what in ("CT", "MR", "PT") else "other"
                path = xrays / "other" / row["path"]
                save(Image.open(path), fit / folder / "open-tests" / (path.stem + ".jpg"))


if __name__ == "__main__":
    main()
