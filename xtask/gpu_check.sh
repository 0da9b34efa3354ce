#!/usr/bin/env bash
# Checks a built `osteon` on a machine with a CUDA card and PyTorch's libraries: no cargo, no Rust, no network. See docs/GPU.md.
#
#   OSTEON=./osteon xtask/gpu_check.sh
#
# OSTEON   the program [target/release/osteon, target/debug/osteon, or the one on PATH]
# PYTHON   a Python 3; with torch in it, its libraries are used and its speed is measured beside [python3]
# TORCH    folder with lib/libtorch_cpu.so, if not PYTHON's own torch; "built-in" for what the program finds by itself
# DEVICE   cuda, cuda:N, or cpu to try the script itself [cuda]
# PEER     train_torch.py of the side-by-side [../shared/peers/train_torch.py, where it is there]
# TESTS    the test program of `train` (`cargo test -p train --lib --no-run` names it): its pixel-by-pixel checks run on DEVICE, too
# WORK     folder for films and runs; kept if given [a temporary one]
# IMAGES, SIDE, SECONDS_EACH   films (600), their side in the checks (96), seconds of the peer's measurement (10)
#
# Prints a table in Markdown on stdout and what goes on to stderr. Exit code: 0 all checks passed, 1 one failed, 2 it could not begin.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd) || exit 2

PYTHON=${PYTHON:-python3}
DEVICE=${DEVICE:-cuda}
PEER=${PEER:-$root/../shared/peers/train_torch.py}
IMAGES=${IMAGES:-600}
SIDE=${SIDE:-96}
SECONDS_EACH=${SECONDS_EACH:-10}

say() { printf '%s\n' "$*" >&2; }
cannot() { say "cannot begin: $*"; exit 2; }

if [ -z "${OSTEON:-}" ]; then
    for found in "$root/target/release/osteon" "$root/target/debug/osteon" "$(command -v osteon || true)"; do
        [ -x "$found" ] && OSTEON=$found && break
    done
fi
[ -n "${OSTEON:-}" ] && [ -x "$OSTEON" ] || cannot "no program: set OSTEON"
OSTEON=$(realpath "$OSTEON")
"$PYTHON" -c '' 2>/dev/null || cannot "no Python 3 at '$PYTHON': set PYTHON"

if [ -n "${WORK:-}" ]; then
    mkdir -p "$WORK" || cannot "cannot make $WORK"
    WORK=$(realpath "$WORK")
    # Films may be kept from before; runs are made anew.
    for run in curve straight broken amp light speed; do rm -rf "${WORK:?}/$run"*; done
else
    WORK=$(mktemp -d) || cannot "no temporary folder"
    trap 'rm -rf "$WORK"' EXIT
fi

# --- Which libtorch ---------------------------------------------------------------------------------------------------------------

has_torch=$("$PYTHON" -c 'import torch; print(torch.__version__)' 2>/dev/null || true)
if [ -z "${TORCH:-}" ]; then
    TORCH=built-in
    [ -n "$has_torch" ] && TORCH=$("$PYTHON" -c 'import torch; print(torch.__path__[0])')
fi
libraries=()
if [ "$TORCH" != built-in ]; then
    [ -e "$TORCH/lib/libtorch_cpu.so" ] || cannot "$TORCH holds no lib/libtorch_cpu.so"
    libraries+=("LD_LIBRARY_PATH=$TORCH/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}")
    # A program linked where there was no CUDA names no CUDA library: without this, CUDA is silently "not available".
    [ -e "$TORCH/lib/libtorch_cuda.so" ] && libraries+=("LD_PRELOAD=$TORCH/lib/libtorch_cuda.so")
fi
osteon() { env "${libraries[@]}" "$OSTEON" "$@"; }

version=$(osteon --version 2>&1) || cannot "the program does not start: $version"

# --- The table --------------------------------------------------------------------------------------------------------------------

rows=()
failed=0
row() { # check, outcome, what was seen
    rows+=("| $1 | $2 | $3 |")
    [ "$2" = FAILED ] && failed=1
    say "$2: $1: $3"
}
passed() { row "$1" passed "$2"; }
failed() { row "$1" FAILED "$2"; }
skipped() { row "$1" skipped "$2"; }
measured() { row "$1" measured "$2"; }

table() {
    local card library=$TORCH
    [ "$TORCH" = built-in ] || library="PyTorch ${has_torch:-as given}"
    card=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -n 1)
    printf '%s; libtorch: %s; device: %s%s\n\n' "$version" "$library" "$DEVICE" "${card:+ ($card)}"
    printf '| check | outcome | seen |\n|---|---|---|\n'
    printf '%s\n' "${rows[@]}"
}

# The last line of what a command said, for a cell of the table.
last_line() { tail -n 1 "$1" | tr '|' '/' | cut -c 1-200; }

# --- Runs -------------------------------------------------------------------------------------------------------------------------

cat > "$WORK/check.toml" <<TOML
[preprocess]
size = $SIDE
[model.residual]
dropout = 0.0
[optimizer]
lr = 3e-4
[schedule]
name = "constant"
warmup_epochs = 0.0
[train]
epochs = 1
batch_size = 16
patience = 0
log_every = 1
[compute]
plan = "fixed"
precision = "fp32"
memory_format = "contiguous"
deterministic = true
device_augment = "off"
TOML

cat > "$WORK/seed.toml" <<'TOML'
[preprocess]
size = 150
fit = "stretch"
[augment]
shift = 0.0
zoom = 0.0
shear = 0.0
brightness = 0.0
contrast = 0.0
[model]
name = "seed_cnn"
[optimizer]
name = "adam"
lr = 1e-3
weight_decay = 0.0
[schedule]
name = "constant"
warmup_epochs = 0.0
[train]
epochs = 8
batch_size = 32
patience = 0
log_every = 1000000
TOML

cat > "$WORK/compare.py" <<'PY'
"""compare.py steps A B FROM    the loss of each step after FROM: how many, the first one's and the greatest relative difference
   compare.py epochs A B FROM   the mean training loss of each epoch after FROM: likewise
   compare.py speed A           the median images a second of all epochs but the first"""
import json, math, statistics, sys

def lines(run, kind):
    with open(f"{run}/metrics.jsonl") as file:
        return [line for line in map(json.loads, file) if line["kind"] == kind]

def losses(run, kind, start):
    key = {"step": ("step", "loss"), "epoch": ("epoch", "train_loss")}[kind]
    return {line[key[0]]: line[key[1]] for line in lines(run, kind) if line[key[0]] > start}

what, run = sys.argv[1:3]
if what == "speed":
    print(f"{statistics.median(line['images_per_second'] for line in lines(run, 'epoch')[1:]):.0f}")
else:
    a, b = (losses(r, what[:-1], int(sys.argv[4])) for r in (run, sys.argv[3]))
    if not a or a.keys() != b.keys():
        sys.exit(f"{len(a)} and {len(b)} {what} to compare")
    if not all(map(math.isfinite, [*a.values(), *b.values()])):
        sys.exit("a loss is not finite")
    apart = [abs(a[n] - b[n]) / max(abs(a[n]), 1e-3) for n in sorted(a)]
    print(len(apart), f"{apart[0]:.1e}", f"{max(apart):.1e}")
PY
compare() { "$PYTHON" "$WORK/compare.py" "$@" 2>&1; }
below() { "$PYTHON" -c 'import sys; sys.exit(not float(sys.argv[1]) <= float(sys.argv[2]))' "$1" "$2"; }

train() { # run, then flags: trains into WORK/run, and says on failure why
    local run=$1
    shift
    say "osteon train … $*"
    osteon train --run "$WORK/$run" "$@" > "$WORK/$run.out" 2> "$WORK/$run.err"
}

# Goes on from the run `curve`, whose weights are of the CPU's generator: devices draw different ones from the same seed.
go_on() { # run, device, then flags
    local run=$1 device=$2
    shift 2
    cp -r "$WORK/curve" "$WORK/$run"
    train "$run" --resume --force --device "$device" --set train.epochs=3 "$@"
}

# What two runs that went on from `curve` differ by, held to tolerances: check, run, run, first step's, any step's
alike() {
    local check=$1 a=$2 b=$3 first=$4 most=$5 seen
    if ! seen=$(compare steps "$WORK/$a" "$WORK/$b" "$start"); then
        failed "$check" "$seen"
        return
    fi
    read -r count at_first at_most <<< "$seen"
    local said="$count steps; relative difference of the loss: first $at_first (allowed $first), greatest $at_most (allowed $most)"
    if below "$at_first" "$first" && below "$at_most" "$most"; then passed "$check" "$said"; else failed "$check" "$said"; fi
}

# --- 1. Films, and the device -----------------------------------------------------------------------------------------------------

if [ ! -d "$WORK/films" ]; then
    say "making $IMAGES synthetic films"
    osteon data synth "$WORK/films" --images "$IMAGES" --seed 7 > /dev/null 2> "$WORK/synth.err" || cannot "$(last_line "$WORK/synth.err")"
fi

common=(--config "$WORK/check.toml" --data "$WORK/films")
if train curve "${common[@]}" --device cpu; then
    start=$(compare epochs "$WORK/curve" "$WORK/curve" 0 > /dev/null && tail -n 1 "$WORK/curve/metrics.jsonl" |
        "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["step"])')
else
    cannot "training on the CPU fails: $(last_line "$WORK/curve.err")"
fi

if train straight "${common[@]}" --device "$DEVICE" --set train.epochs=4; then
    passed "device seen" "$(grep -h '^ *model:' "$WORK/straight.err" | head -n 1 | sed 's/^ *model: //')"
else
    failed "device seen" "$(last_line "$WORK/straight.err")"
    table
    exit 1
fi

# --- 2. The loss curve ------------------------------------------------------------------------------------------------------------

# TF32 off, on both sides of the comparison: with it a convolution is off by 1e-3.
export NVIDIA_TF32_OVERRIDE=0
if go_on curve_cpu cpu && go_on curve_device "$DEVICE"; then
    alike "loss curve as on the CPU, fp32" curve_cpu curve_device 1e-4 2e-2
else
    failed "loss curve as on the CPU, fp32" "$(last_line "$WORK/curve_cpu.err") $([ -e "$WORK/curve_device.err" ] && last_line "$WORK/curve_device.err")"
fi
unset NVIDIA_TF32_OVERRIDE

# --- 3. Killed and resumed --------------------------------------------------------------------------------------------------------

check="killed (kill -9) and resumed, deterministic"
say "osteon train …, to be killed"
# Not by the function: that would be a shell in between, and the shell would be what is killed.
env "${libraries[@]}" "$OSTEON" train --run "$WORK/broken" "${common[@]}" --device "$DEVICE" --set train.epochs=4 --set train.checkpoint_steps=3 \
    > "$WORK/broken.out" 2> "$WORK/broken.err" &
victim=$!
while kill -0 "$victim" 2> /dev/null; do
    # Two files: the first alone may still be under its temporary name.
    [ "$(find "$WORK/broken/checkpoints" -type f 2> /dev/null | wc -l)" -ge 2 ] && break
    sleep 0.05
done
if kill -9 "$victim" 2> /dev/null; then
    wait "$victim" 2> /dev/null
    if train broken --resume --device "$DEVICE"; then
        went_on=$(grep -ho 'going on after step [0-9]*' "$WORK/broken.err" | head -n 1)
        start_was=$start
        start=0
        alike "$check (${went_on:-from the start})" straight broken 0 0
        start=$start_was
    else
        failed "$check" "$(last_line "$WORK/broken.err")"
    fi
else
    wait "$victim" 2> /dev/null
    failed "$check" "the run had ended before it could be killed: $(last_line "$WORK/broken.err")"
fi

# --- 4. Mixed precision -----------------------------------------------------------------------------------------------------------

for precision in bf16 fp16; do
    check="AMP, $precision"
    if [ "$precision" = fp16 ] && [ "${DEVICE%%:*}" != cuda ]; then
        skipped "$check" "CUDA only"
    elif go_on "amp_$precision" "$DEVICE" --set compute.precision=$precision --set compute.memory_format=channels_last; then
        if ! seen=$(compare epochs "$WORK/curve_device" "$WORK/amp_$precision" 1); then
            failed "$check" "$seen"
            continue
        fi
        read -r count _ most <<< "$seen"
        said="$count epochs; greatest relative difference of the mean loss from fp32 $most (allowed 0.1)"
        if below "$most" 0.1; then passed "$check" "$said"; else failed "$check" "$said"; fi
    else
        failed "$check" "$(last_line "$WORK/amp_$precision.err")"
    fi
done

# --- 5. Augmentation on the device ------------------------------------------------------------------------------------------------

everything=(--set augment.gamma=0.2 --set augment.noise=5 --set augment.erase=0.5 --set augment.mixup=0.3 --set augment.cutmix=1)
check="augmentation on the device as on the CPU"
if go_on light_host "$DEVICE" "${everything[@]}" --set compute.device_augment=off &&
    go_on light_device "$DEVICE" "${everything[@]}" --set compute.device_augment=on; then
    if [ "$(compare steps "$WORK/light_host" "$WORK/light_device" "$start" | cut -d ' ' -f 3)" = 0.0e+00 ]; then
        # Two ways to the same films never agree to the bit: this was the loader's both times.
        said="the same losses to the bit: films were not made on the device"
        if [ "${DEVICE%%:*}" = cuda ]; then failed "$check" "$said"; else skipped "$check" "$said"; fi
    else
        # Of the pixels, half a percent differ by one level of 255: the first loss says it, later ones what grows of it.
        alike "$check" light_host light_device 5e-3 5e-2
    fi
else
    failed "$check" "$(last_line "$WORK/light_host.err") $([ -e "$WORK/light_device.err" ] && last_line "$WORK/light_device.err")"
fi
check="augmentation on the device, pixel by pixel"
if [ -z "${TESTS:-}" ]; then
    skipped "$check" "TESTS names no test program"
elif env "${libraries[@]}" OSTEON_TEST_DEVICE="$DEVICE" "$TESTS" device_films > "$WORK/tests.out" 2>&1; then
    passed "$check" "$(grep -h '^test result' "$WORK/tests.out" | sed 's/; finished.*//')"
else
    failed "$check" "$(grep -h 'panicked\|Apart' "$WORK/tests.out" | head -n 1 | tr '|' '/')"
fi

# --- 6. Images a second, beside PyTorch -------------------------------------------------------------------------------------------

threads=$(nproc)
seed=(--config "$WORK/seed.toml" --data "$WORK/films" --device "$DEVICE")
for precision in fp32 bf16; do
    check="img/s, the seed's CNN at 150 px, batch 32, $precision"
    format=contiguous flags=()
    [ "$precision" = bf16 ] && format=channels_last flags=(--bf16 --channels-last)
    if ! train "speed_$precision" "${seed[@]}" --set compute.precision=$precision --set compute.memory_format=$format; then
        failed "$check" "$(last_line "$WORK/speed_$precision.err")"
        continue
    fi
    ours=$(compare speed "$WORK/speed_$precision")
    said="osteon, films and augmentation included: $ours"
    if [ -n "$has_torch" ] && [ -e "$PEER" ]; then
        for extra in "" --compile; do
            if "$PYTHON" "$PEER" --device "$DEVICE" --threads "$threads" --seconds "$SECONDS_EACH" "${flags[@]}" $extra \
                > "$WORK/peer.json" 2> "$WORK/peer.err"; then
                theirs=$("$PYTHON" -c 'import json, sys; print(json.loads(open(sys.argv[1]).readlines()[-1])["img_per_s"])' "$WORK/peer.json")
                ratio=$("$PYTHON" -c 'import sys; print(f"{float(sys.argv[1]) / float(sys.argv[2]):.2f}")' "$ours" "$theirs")
                said+="; PyTorch${extra:+ compiled}, the step alone: $theirs (ratio $ratio)"
            else
                said+="; PyTorch${extra:+ compiled}: $(last_line "$WORK/peer.err")"
            fi
        done
    else
        said+="; no PyTorch or no train_torch.py to measure beside"
    fi
    measured "$check" "$said"
done

table
exit "$failed"
