#!/usr/bin/env python3
"""Holds exported models to the program on real films: PyTorch runs the TorchScript file, ONNX Runtime the ONNX file, `osteon predict` the model.

Films are made ready by Pillow and NumPy alone, as the metadata in the files say. Three comparisons with what `osteon predict` says:
  same pixels   of the film that Pillow fitted, as a PNG of the network's size: the networks alone. Must agree to --tolerance.
  own resizing  of the whole film, decoded by Pillow, as a PNG: plus the two resizers.
  own decoder   of the film's own file: plus the two decoders.
Ends with exit code 1 where the first fails, or where all films have nearly one score, which would show nothing. Needs numpy, Pillow, and torch and
onnxruntime for what is given. `--json` prints one JSON object.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageOps

ENDINGS = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"}


def films_of(folder, count):
    """So many files, evenly spread over the folder in sorted order: of both classes."""
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS)
    if len(files) < count:
        sys.exit(f"error: {folder} holds {len(files)} films, not {count}")
    return [files[i * len(files) // count] for i in range(count)]


def decoded(path):
    """The film in 8-bit gray, the right way up."""
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode.startswith(("I", "F")):
        deep = np.asarray(image, dtype=np.float64)
        low, high = deep.min(), deep.max()
        return Image.fromarray(np.floor((deep - low) * 255 / max(high - low, 1e-9) + 0.5).astype(np.uint8))
    return image.convert("L")


def resized(film, to, box=None):
    """First down the film, then across, to 8 bits each time: Pillow alone does it the other way round, and rounds other pixels by one level."""
    left, top, right, bottom = box or (0, 0, *film.size)
    down = film.resize((film.width, to[1]), Image.Resampling.BILINEAR, box=(0, top, film.width, bottom))
    return down.resize(to, Image.Resampling.BILINEAR, box=(left, 0, right, to[1]))


def fitted(film, pre):
    """The film in the network's square: `fit`, `filter`, `order`."""
    side, (w, h) = pre["size"], film.size
    if pre["fit"] == "stretch":
        return resized(film, (side, side))
    longest = pre["fit"] == "letterbox"
    scale = side / (max(w, h) if longest else min(w, h))
    to = [int(np.floor(length * scale + 0.5)) for length in (w, h)]
    if pre["fit"] == "crop":
        keep = [length * side / max(t, side) for length, t in zip((w, h), to)]
        left, top = (w - keep[0]) / 2, (h - keep[1]) / 2
        return resized(film, (side, side), (left, top, left + keep[0], top + keep[1]))
    to = [min(max(t, 1), side) for t in to]
    square = Image.new("L", (side, side))
    square.paste(resized(film, to), ((side - to[0]) // 2, (side - to[1]) // 2))
    return square


def normalised(square, pre):
    gray = np.asarray(square, dtype=np.float32)
    return ((gray / np.float32(255) - np.float32(pre["mean"])) / np.float32(pre["std"]))[None, None]


def torchscript(path):
    """What the file says of itself, and a function from N×1×H×W to its outputs."""
    import torch

    about = {"osteon.json": ""}
    module = torch.jit.load(path, map_location="cpu", _extra_files=about)
    module.eval()

    def run(films):
        with torch.no_grad():
            x = torch.from_numpy(films)
            out = {"score": module(x), "logit": module.logit(x)}
            if hasattr(module, "map_logits"):
                out["map"] = module.map_logits(x)
        return {name: value.numpy() for name, value in out.items()}

    return json.loads(about["osteon.json"]), run, f"PyTorch {torch.__version__}"


def onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(films):
        return dict(zip(names, session.run(names, {"images": films})))

    about = session.get_modelmeta().custom_metadata_map["osteon"]
    return json.loads(about), run, f"ONNX Runtime {onnxruntime.__version__}"


def predicted(osteon, model, files):
    """Scores by `osteon predict --json`, in the files' order."""
    call = [osteon, "predict", "--json", "--device", "cpu"]
    call += ["--model", model] if model else []
    done = subprocess.run(call + [str(f) for f in files], stdout=subprocess.PIPE, text=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    for answer in answers:
        if "score" not in answer:
            sys.exit(f"error: osteon predict could not read {answer['path']}: {answer['error']}")
    if len(answers) != len(files):
        sys.exit(f"error: osteon predict answered {len(answers)} of {len(files)} films")
    return np.array([answer["score"] for answer in answers])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osteon", required=True, help="the program")
    parser.add_argument("--model", help="the model file that was exported [default: the model that ships]")
    parser.add_argument("--torchscript", help="its TorchScript file")
    parser.add_argument("--onnx", help="its ONNX file")
    parser.add_argument("--films", required=True, type=pathlib.Path, help="folder of films")
    parser.add_argument("--count", type=int, default=20, help="how many of them")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="on scores, for the same pixels")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    a = parser.parse_args()

    engines = [read(path) for read, path in ((torchscript, a.torchscript), (onnx, a.onnx)) if path]
    if not engines:
        parser.error("give --torchscript, --onnx, or both")
    abouts = [about for about, _, _ in engines]
    pre = abouts[0]["export"]["preprocess"]
    for about in abouts[1:]:
        # Both files say the same but for their format.
        if {**about, "export": 0} != {**abouts[0], "export": 0} or about["export"]["preprocess"] != pre:
            sys.exit("error: the two files say different things of one model")

    files = films_of(a.films, a.count)
    whole = [decoded(f) for f in files]
    squares = [fitted(film, pre) for film in whole]
    batch = np.concatenate([normalised(square, pre) for square in squares])
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)

        def saved(kind, images):
            places = [scratch / f"{kind}-{i:04}.png" for i in range(len(images))]
            for place, image in zip(places, images):
                image.save(place)
            return places

        ours = {
            "same pixels": predicted(a.osteon, a.model, saved("square", squares)),
            "own resizing": predicted(a.osteon, a.model, saved("whole", whole)),
            "own decoder": predicted(a.osteon, a.model, files),
        }
    report = {"films": len(files), "tolerance": a.tolerance, "weights_sha256": abouts[0]["weights_sha256"], "size": pre["size"], "engines": []}
    reference = ours["same pixels"]
    report["scores"] = {"lowest": float(reference.min()), "highest": float(reference.max()), "spread": float(reference.std())}
    fine = bool(reference.max() - reference.min() > 3 * a.tolerance)
    outputs = []
    for about, run, name in engines:
        # One by one, in threes, and all at once: the batch may be of any size.
        scores = {}
        for step in (1, 3, len(files)):
            parts = [run(batch[i : i + step]) for i in range(0, len(files), step)]
            assert all(part["score"].dtype == np.float32 for part in parts)
            scores[step] = np.concatenate([part["score"] for part in parts]).astype(np.float64)
        outputs.append(parts[0])
        apart = {what: float(max(np.abs(s - theirs).max() for s in scores.values())) for what, theirs in ours.items()}
        report["engines"].append({"name": name, "format": about["export"]["format"], "outputs": sorted(parts[0]), "largest_difference": apart})
        fine &= apart["same pixels"] <= a.tolerance
    if len(outputs) == 2:
        between = {k: float(np.abs(outputs[0][k].astype(np.float64) - outputs[1][k]).max()) for k in outputs[0]}
        report["between_the_two"] = between
        fine &= sorted(outputs[0]) == sorted(outputs[1]) and between["score"] <= a.tolerance
    report["passed"] = fine
    if a.json:
        print(json.dumps(report))
    else:
        print(f"{len(files)} films of {a.films}, {pre['size']} px; scores from {reference.min():.4f} to {reference.max():.4f}")
        print(f"largest difference of a score from osteon predict's, batches of 1, 3 and {len(files)}:")
        print(f"{'':28}{'same pixels':>14}{'own resizing':>14}{'own decoder':>14}")
        for engine in report["engines"]:
            d = engine["largest_difference"]
            print(f"{engine['name']:28}" + "".join(f"{d[k]:14.1e}" for k in ("same pixels", "own resizing", "own decoder")))
        for name, value in report.get("between_the_two", {}).items():
            print(f"between the two, {name}: {value:.1e}")
        print("passed" if fine else f"FAILED: same pixels must agree to {a.tolerance}, and scores must differ from film to film")
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
