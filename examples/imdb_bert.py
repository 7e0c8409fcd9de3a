"""The classic tutorial, line for line: fine-tune BERT on IMDb, test it, deploy it only if it meets the mark.

    python examples/imdb_bert.py --data aclImdb --out runs/imdb-bert

docs/tutorial.md explains each step. `--model` takes a folder where no hub is reachable.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import lextune
from lextune.errors import LextuneError
from lextune.listener import Listener

HERE = Path(__file__).parent


class Printer(Listener):
    """Says what goes on."""

    def stage(self, room: str) -> None:
        """A room begins."""
        print(f"[{room}]")

    def tell(self, text: str) -> None:
        """A sentence about what is done just now."""
        print(f"  {text}")


def main() -> int:
    """Run the tutorial; ends with 0 only if the model was released."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("aclImdb"), help="as unpacked")
    parser.add_argument("--model", default="bert-base-uncased", help="hub id or folder")
    parser.add_argument("--out", type=Path, default=Path("runs/imdb-bert"))
    parser.add_argument("--set", action="append", default=[], metavar="A.B=C", dest="overrides")
    options = parser.parse_args()

    # 1. The pretrained model, the reviews, the 80/20 split with seed 42, and the hyperparameters.
    config = {
        "task": "sentiment",
        "model": {"source": options.model},
        "data": {
            "train": str(options.data / "train"),
            "test": str(options.data / "test"),
            "split": {"validation": 0.2, "seed": 42},
            "leakage": "drop_from_train",
        },
        "train": {
            "max_length": 512,
            "batch_size": 32,
            "learning_rate": 2e-5,
            "epochs": 3,
            "seed": 42,
        },
        # 2. What it is for, and the mark: without these nobody can say whether it may be deployed.
        "use": {"purpose": "follow the tutorial", "commercial": False, "places": ["EU"]},
        "policy": {"packs": ["house", "licences", str(HERE / "packs" / "accuracy_mark.yaml")]},
        "release": {"name": "imdb-bert", "version": "1.0.0"},
    }

    # 3. Tokenise, train with AdamW, keep the best epoch, test, audit, decide, sign.
    try:
        run = lextune.run(config, out=options.out, overrides=options.overrides, listener=Printer())
    except LextuneError as error:
        print(error)
        return int(error.exit_code)

    # 4. Accuracy on the test part, with its interval; none where the run was refused before training.
    if accuracy := run.metrics.get("accuracy"):
        print(f"accuracy {accuracy['value']:.4f} ({accuracy['low']:.4f}-{accuracy['high']:.4f})")

    # 5. Deploy only if it meets the mark.
    if run.release is None:
        for control in run.blocked:
            print(f"not deployed: {control.control}: {' '.join(control.reasons)}")
        return 3 if run.verdict.outcome == "fail" else 4
    model = lextune.load_release(run.release)
    for text in ("A film I will not forget.", "I want those two hours back."):
        found = model.predict([text])[0]
        print(f"{found.label} ({found.score:.3f}): {text}")
    print(f"deployed from {run.release}: lextune serve {run.release}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
