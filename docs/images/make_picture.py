"""The README's picture: test films of the quickstart with their scores, right answers and wrong ones. Needs Pillow.

    cargo xtask quickstart
    cargo run -p cli -- predict --json --model runs/quickstart data/sample/test > predictions.jsonl
    python3 docs/images/make_picture.py predictions.jsonl docs/images/quickstart.png
"""
import json
import pathlib
import sys

from PIL import Image, ImageDraw, ImageFont

COLUMNS, SIDE, GAP, CAPTION = 6, 220, 12, 58
BACK, INK, QUIET, RIGHT, WRONG = "#14171c", "#e8eaed", "#9aa0a6", "#7cc4a0", "#f0a35e"


def choose(films):
    """Every 7th film by name, and of the wrong answers the two furthest from the threshold: no more flattering than the set."""
    wrong = [f for f in films if f["truth"] != f["decision"]]
    wrong.sort(key=lambda f: f["score"] if f["truth"] == "not_fractured" else 1 - f["score"], reverse=True)
    right = [f for f in films if f["truth"] == f["decision"]]
    step = max(1, len(right) // (2 * COLUMNS - 2))
    return right[::step][: 2 * COLUMNS - len(wrong[:2])] + wrong[:2]


def main(predictions, out):
    films = [json.loads(line) for line in pathlib.Path(predictions).read_text().splitlines()]
    for film in films:
        film["truth"] = "not_fractured" if pathlib.Path(film["path"]).parent.name.startswith("not") else "fractured"
    films = sorted(choose(films), key=lambda f: f["score"])
    rows = -(-len(films) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (SIDE + GAP) + GAP, rows * (SIDE + CAPTION + GAP) + GAP), BACK)
    draw = ImageDraw.Draw(sheet)
    bold, plain = ImageFont.load_default(19), ImageFont.load_default(15)
    for i, film in enumerate(films):
        x, y = GAP + (i % COLUMNS) * (SIDE + GAP), GAP + (i // COLUMNS) * (SIDE + CAPTION + GAP)
        picture = Image.open(film["path"])
        picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        sheet.paste(picture, (x + (SIDE - picture.width) // 2, y + (SIDE - picture.height) // 2))
        right = film["truth"] == film["decision"]
        bar = y + SIDE + 8
        draw.rectangle((x, bar, x + SIDE, bar + 5), fill="#2b3038")
        draw.rectangle((x, bar, x + SIDE * film["score"], bar + 5), fill=RIGHT if right else WRONG)
        draw.text((x, bar + 12), f"{film['score']:.2f}", fill=INK, font=bold)
        word = film["decision"].replace("_", " ")
        note = word if right else f"{word}: wrong"
        draw.text((x + SIDE, bar + 15), note, fill=QUIET if right else WRONG, font=plain, anchor="ra")
    sheet.quantize(128, dither=Image.Dither.NONE).save(out, optimize=True)


main(*sys.argv[1:])
