"""Each way in which a bad model could get out ends with its exit code, a remedy, and no release."""

from __future__ import annotations

import base64
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lextune import pipeline, registry
from lextune import release as releasing
from lextune.cli import main
from lextune.evaluation import metrics
from lextune.evidence import ledger
from lextune.evidence.envelope import sign
from lextune.evidence.keys import Signer, load_or_create_key
from lextune.evidence.statements import make_statement
from lextune.policy.packs import load_pack
from lextune.records import Measurement, Subject
from packs import control_data, pack_data

if TYPE_CHECKING:
    from workshop import Workshop

PACK = pack_data(
    control_data(
        id="rule",
        requires=[
            {
                "measurement": "accuracy",
                "bound": "interval",
                "operator": ">=",
                "value": 0.5,
                "minimum_n": 100,
            }
        ],
    ),
    id="test",
    facts=[
        {
            "id": "scores_citizens",
            "type": "bool",
            "question": {"en": "Does it score citizens?", "zh": "是否对公民评分？"},
        }
    ],
)


def pack_file(path: Path, change: Callable[[dict[str, Any]], None] = lambda _: None) -> Path:
    """The pack above, changed, as a file."""
    pack = json.loads(json.dumps(PACK))
    change(pack)
    path.write_text(yaml.safe_dump(pack, allow_unicode=True), encoding="utf-8")
    return path


class Runner:
    """Runs a config, and looks at what is left."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.out = folder / "run"
        self.config = folder / "config.json"
        self.capsys = capsys
        self.text = ""

    def __call__(self, config: dict[str, Any], *more: str) -> int:
        self.config.write_text(json.dumps(config))
        code = main(["run", str(self.config), "--out", str(self.out), *more])
        captured = self.capsys.readouterr()
        self.text = captured.out + captured.err
        return code

    def refused(self, *words: str) -> None:
        """A remedy is told, each word is said, and no release is left."""
        assert "remedy" in self.text.lower()
        for word in words:
            assert word in self.text
        assert not list(self.out.glob("release/*"))
        assert not list(self.out.glob("release/.*"))


@pytest.fixture
def runner(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(tmp_path, capsys)


def test_the_same_config_is_released_when_nothing_is_wrong(
    workshop: Workshop, runner: Runner
) -> None:
    assert runner(workshop.config()) == 0
    assert (runner.out / "release" / "tiny-1.2.3" / "model.safetensors").is_file()


def test_nan_loss(workshop: Workshop, runner: Runner) -> None:
    assert runner(workshop.config(train={"learning_rate": 1e30})) == 4
    runner.refused("training stopped at step", "learning rate")


def ask_for_what_nobody_measures(pack: dict[str, Any]) -> None:
    """Turns the pack's rule to a metric that no room computes."""
    pack["controls"][0]["requires"][0]["measurement"] = "figure_of_nobody"


def test_a_metric_that_was_never_computed(
    workshop: Workshop, runner: Runner, tmp_path: Path
) -> None:
    pack = pack_file(tmp_path / "test.yaml", ask_for_what_nobody_measures)
    assert runner(workshop.config(policy={"packs": ["house", str(pack)]})) == 4
    runner.refused("figure_of_nobody was not measured")


def test_an_evaluation_that_crashed(
    workshop: Workshop, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setitem(metrics.metrics._items, "roc_auc", crash)
    assert runner(workshop.config()) == 4
    runner.refused("the evaluation crashed: ZeroDivisionError", "did not complete")


def test_a_missing_test_part(workshop: Workshop, runner: Runner, tmp_path: Path) -> None:
    assert runner(workshop.config(data={"test": str(tmp_path / "nowhere.csv")})) == 2
    runner.refused("nowhere.csv")


def test_a_test_part_that_is_too_small(workshop: Workshop, runner: Runner) -> None:
    small = {"split": {"test": 0.1, "validation": 0.15, "seed": 42}}
    assert runner(workshop.config(data=small)) == 4
    runner.refused("test_rows", "120")


def test_an_unknown_key(workshop: Workshop, runner: Runner) -> None:
    assert runner(workshop.config(train={"lerning_rate": 1e-3})) == 2
    runner.refused("unknown key 'train.lerning_rate'", "did you mean 'learning_rate'?")


@pytest.mark.parametrize("threshold", [".nan", ".inf", "-.inf", "'0.5'", "true"])
def test_a_threshold_that_is_no_finite_number(
    workshop: Workshop, runner: Runner, tmp_path: Path, threshold: str
) -> None:
    pack = pack_file(tmp_path / "test.yaml")
    pack.write_text(pack.read_text().replace("value: 0.5", f"value: {threshold}"))
    assert runner(workshop.config(policy={"packs": ["house", str(pack)]})) == 2
    runner.refused("test.yaml:")


@pytest.mark.parametrize(
    ("place", "wrong", "right"),
    [
        ("effect", "requires", "require"),
        ("operator", "=>", ">="),
        ("fact", "score_citizens", "scores_citizens"),
    ],
)
def test_a_misspelt_word_in_a_pack(
    workshop: Workshop, runner: Runner, tmp_path: Path, place: str, wrong: str, right: str
) -> None:
    def misspell(pack: dict[str, Any]) -> None:
        control = pack["controls"][0]
        if place == "effect":
            control["effect"] = wrong
        elif place == "operator":
            control["requires"][0]["operator"] = wrong
        else:
            control["applies"] = {"fact": wrong, "is": True}

    pack = pack_file(tmp_path / "test.yaml", misspell)
    assert runner(workshop.config(policy={"packs": [str(pack)]})) == 2
    runner.refused("test.yaml:", wrong, right)


def test_a_misspelt_declared_fact(workshop: Workshop, runner: Runner) -> None:
    assert runner(workshop.config(use={"comercial": False})) == 2
    runner.refused("comercial", "did you mean 'commercial'?")


@pytest.mark.parametrize("text", ["controls: [", "[]", "", "\x00", "id: test\nid: test\n"])
def test_a_pack_that_does_not_parse(
    workshop: Workshop, runner: Runner, tmp_path: Path, text: str
) -> None:
    pack = tmp_path / "test.yaml"
    pack.write_text(text)
    assert runner(workshop.config(policy={"packs": ["house", str(pack)]})) == 2
    runner.refused("test.yaml")


@pytest.mark.parametrize(("licence", "code"), [(None, 4), ("unknown", 4), ("none", 3)])
def test_an_unknown_licence_under_commercial_use(
    workshop: Workshop, runner: Runner, licence: str | None, code: int
) -> None:
    config = workshop.config(data={"licence": licence}, use={"commercial": True})
    assert runner(config) == code
    runner.refused("licences/data_commercial", "Refused before training")
    assert not (runner.out / "model").exists()


def test_what_no_training_can_mend_is_refused_before_training_and_recorded(
    workshop: Workshop, runner: Runner
) -> None:
    config = workshop.config(data={"licence": "none"}, use={"commercial": True})
    assert runner(config, "--json") == 3
    answer = json.loads(runner.text[: runner.text.rindex("\n}") + 2])
    assert answer["metrics"] == {}
    assert answer["train_samples_per_second"] is None
    assert answer["verdict"]["outcome"] == "fail"
    names = [path.name for path in sorted((runner.out / "dossier" / "statements").iterdir())]
    assert names == [
        "0001-config.dsse.json",
        "0002-select.dsse.json",
        "0003-prepare.dsse.json",
        "0004-decide.dsse.json",
    ]
    assert main(["runs", "show", answer["run"], "--json"]) == 0
    row = json.loads(runner.capsys.readouterr().out)
    assert row["status"] == "refused"


def test_a_fact_that_a_control_prohibits_and_no_waiver_lifts(
    workshop: Workshop, runner: Runner, tmp_path: Path
) -> None:
    def prohibit(pack: dict[str, Any]) -> None:
        control = pack["controls"][0]
        control["applies"] = {"fact": "scores_citizens", "is": True}
        control["effect"] = "prohibit"
        del control["requires"]

    pack = pack_file(tmp_path / "test.yaml", prohibit)
    config = workshop.config(policy={"packs": ["house", str(pack)]}, use={"scores_citizens": True})
    assert runner(config) == 3
    runner.refused("test/rule (block): fail")

    waiver = tmp_path / "waiver.json"
    arguments = ["approve", "test/rule", "--pack", str(pack), "--reason", "we want to",
                 "--person", "Head of sales", "--expires", "2999-01-01", "-o", str(waiver)]  # fmt: skip
    assert main(arguments) == 2
    assert not waiver.exists()

    # The verb refuses to sign it; a waiver that somebody signs without the verb lifts nothing either.
    record = {
        "pack": "test",
        "control": "rule",
        "reason": "x",
        "person": "y",
        "expires": "2999-01-01",
    }
    subject = Subject(name="test/rule", digest={"sha256": load_pack(str(pack)).digest})
    waiver.write_bytes(
        sign(make_statement("waiver", [subject], {"record": record}), load_or_create_key())
    )
    shutil.rmtree(runner.out)
    config["policy"]["waivers"] = [str(waiver)]
    assert runner(config) == 2
    runner.refused("no waiver lifts")


def test_a_signed_waiver_lifts_what_may_be_lifted_and_shows_as_waived(
    workshop: Workshop, runner: Runner, tmp_path: Path
) -> None:
    waiver = tmp_path / "waiver.json"
    arguments = ["approve", "house/enough_test_rows", "--reason", "a pilot", "--person", "the risk owner",
                 "--expires", "2999-01-01", "-o", str(waiver)]  # fmt: skip
    assert main(arguments) == 0
    small = {"split": {"test": 0.1, "validation": 0.15, "seed": 42}}
    policy = {
        "packs": ["licences", str(pack_file(tmp_path / "test.yaml"))],
        "waivers": [str(waiver)],
    }
    assert runner(workshop.config(data=small, policy=policy)) == 2  # it names a pack not chosen
    runner.refused("house/enough_test_rows")
    policy["packs"] = ["house", "licences"]
    assert runner(workshop.config(data=small, policy=policy)) == 4
    assert re.search(r"house/enough_test_rows\s+blocks\s+waived", runner.text)
    runner.refused("house/above_majority")  # whose own minimum of rows nobody waived


def test_a_waiver_signed_for_another_pack_of_the_same_id(
    workshop: Workshop, runner: Runner, tmp_path: Path
) -> None:
    mild = pack_file(tmp_path / "mild.yaml")
    waiver = tmp_path / "waiver.json"
    arguments = ["approve", "test/rule", "--pack", str(mild), "--reason", "a pilot", "--person", "x",
                 "--expires", "2999-01-01", "-o", str(waiver)]  # fmt: skip
    assert main(arguments) == 0
    strict = pack_file(tmp_path / "strict.yaml", ask_for_what_nobody_measures)
    policy = {"packs": ["house", str(strict)], "waivers": [str(waiver)]}
    assert runner(workshop.config(policy=policy)) == 5
    runner.refused("signed for another version of the pack", "approve it again")


@pytest.mark.parametrize("name", ["config.yaml", "data_report.json", "verdict.json", "note.txt"])
def test_a_file_of_the_dossier_swapped_before_signing(
    workshop: Workshop, runner: Runner, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    sign_release = releasing.sign_release

    def swap(folder: Path, *more: Any) -> Any:
        (folder / "dossier" / name).write_bytes(b"{}")
        return sign_release(folder, *more)

    monkeypatch.setattr(releasing, "sign_release", swap)
    assert runner(workshop.config()) == 5
    runner.refused(f"dossier/{name}")


def test_weights_swapped_after_evaluation_and_before_signing(
    workshop: Workshop, runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = releasing.decide_dossier
    weights = runner.out / "model" / "model.safetensors"
    swapped: list[bytes] = []

    def swap(*arguments: Any) -> Any:
        if not swapped:  # it is decided several times
            data = bytearray(weights.read_bytes())
            data[-1] ^= 1
            swapped.append(bytes(data))
        weights.write_bytes(swapped[0])
        return decide(*arguments)

    monkeypatch.setattr(releasing, "decide_dossier", swap)
    assert runner(workshop.config()) == 5
    runner.refused("model.safetensors")


def test_weights_swapped_between_training_and_evaluation(
    workshop: Workshop, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = pipeline.read_model_folder

    def swap(folder: Path, digests: Any) -> Any:
        (folder / "model.safetensors").write_bytes(b"other")
        return read(folder, digests)

    monkeypatch.setattr(pipeline, "read_model_folder", swap)
    assert runner(workshop.config()) == 5
    runner.refused("model.safetensors")


def _edit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _link(path: Path) -> None:
    elsewhere = path.parent.parent / f"elsewhere-{path.name}"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


SPOILS: dict[str, Callable[[Path], object]] = {
    "edited": _edit,
    "removed": Path.unlink,
    "renamed": lambda path: path.rename(path.with_name("renamed")),
    "replaced by a link": _link,
    "added beside": lambda path: (path.parent / ".gitattributes").write_text("*"),
}


@pytest.mark.parametrize("spoil", list(SPOILS))
@pytest.mark.parametrize(
    "name",
    [
        "model.safetensors",
        "config.json",
        "README.md",
        "lextune.json",
        "dossier/verdict.json",
        "dossier/packs/house.yaml",
        "dossier/predictions/test.parquet",
        "dossier/statements/0001-config.dsse.json",
        "dossier/ledger.jsonl",
        "dossier/checkpoint.dsse.json",
    ],
)
def test_a_file_of_the_release_that_is_not_what_was_signed(
    release: Path, capsys: pytest.CaptureFixture[str], name: str, spoil: str
) -> None:
    assert main(["verify", str(release)]) == 0
    SPOILS[spoil](release / name)
    assert main(["verify", str(release)]) == 5
    told = capsys.readouterr().err
    assert "remedy" in told
    if spoil == "added beside":
        assert ".gitattributes" in told
    assert main(["verify", str(release), "--json"]) == 5
    answer = json.loads(capsys.readouterr().out)
    assert answer["verified"] is False
    assert answer["problems"]


@pytest.mark.parametrize("verb", ["predict", "serve", "evaluate"])
def test_what_does_not_verify_is_not_used(release: Path, tmp_path: Path, verb: str) -> None:
    _edit(release / "model.safetensors")
    rows = tmp_path / "rows.csv"
    rows.write_text("text,label\nfine,positive\n")
    more = {"predict": [str(rows)], "serve": ["--port", "0"], "evaluate": ["--data", str(rows)]}
    assert main([verb, str(release), *more[verb]]) == 5


def test_a_statement_that_was_edited_and_given_a_new_digest(release: Path) -> None:
    path = release / "dossier" / "statements" / "0005-evaluate.dsse.json"
    envelope = json.loads(path.read_bytes())
    payload = json.loads(base64.b64decode(envelope["payload"]))
    payload["predicate"]["measurements"][0]["value"] = 0.999
    envelope["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    path.write_text(json.dumps(envelope))
    assert main(["verify", str(release)]) == 5


def test_a_statement_removed_from_the_end_of_the_ledger(release: Path) -> None:
    lines = (release / "dossier" / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    last = json.loads(lines[-1])["statement"]
    (release / "dossier" / "ledger.jsonl").write_bytes(b"".join(lines[:-1]))
    (release / "dossier" / "statements" / last).unlink()
    assert main(["verify", str(release)]) == 5


def test_a_ledger_that_was_rewritten_and_chained_again_with_another_key(
    release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dossier = release / "dossier"
    other = Signer(Ed25519PrivateKey.generate())
    entries, leaves = [], []
    for index, path in enumerate(sorted((dossier / "statements").iterdir())):
        envelope = json.loads(path.read_bytes())
        payload = json.loads(base64.b64decode(envelope["payload"]))
        from lextune.records import Statement

        data = sign(Statement.model_validate(payload), other)
        path.write_bytes(data)
        leaves.append(ledger.leaf_hash(data))
        entries.append(ledger.Entry(index, leaves[-1], path.name))
    (dossier / "ledger.jsonl").write_bytes(b"".join(entry.line() for entry in entries))
    run = json.loads(base64.b64decode(json.loads(
        (dossier / "checkpoint.dsse.json").read_bytes())["payload"]))["origin"]  # fmt: skip
    checkpoint = ledger.Checkpoint(run, len(leaves), ledger.root_hash(leaves))
    (dossier / "checkpoint.dsse.json").write_bytes(ledger.sign_checkpoint(checkpoint, other))
    assert main(["verify", str(release)]) == 5
    assert other.keyid[:12] in capsys.readouterr().err


def test_a_trust_file_without_the_signer(
    release: Path, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = tmp_path / "stranger"
    load_or_create_key(stranger)
    assert main(["verify", str(release), "--trust", str(stranger / "trust.json")]) == 5
    assert "remedy" in capsys.readouterr().err
    assert main(["verify", str(release), "--trust", str(tmp_path / "none.json")]) == 5
    assert main(["verify", str(release), "--trust", str(home / "trust.json")]) == 0


def test_a_verdict_that_does_not_follow_from_its_evidence(
    workshop: Workshop, runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = releasing.decide_dossier
    seen: list[Any] = []

    def lie(*arguments: Any) -> Any:
        verdict = decide(*arguments)
        seen.append(verdict)
        # the first call is the run's decision; later ones are verification's own
        return verdict.model_copy(update={"outcome": "pass"}) if len(seen) == 1 else verdict

    monkeypatch.setattr(releasing, "decide_dossier", lie)
    pack = pack_file(tmp_path / "test.yaml", ask_for_what_nobody_measures)
    assert runner(workshop.config(policy={"packs": ["house", str(pack)]})) == 5
    runner.refused("the verdict computed again differs")


def test_a_broken_plugin(
    workshop: Workshop, runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_audit.py").write_text("import a_module_that_nobody_has\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = importlib.metadata.EntryPoint("extra", "broken_audit", "lextune.audit")

    def points(*, group: str) -> list[importlib.metadata.EntryPoint]:
        return [entry] if group == entry.group else []

    monkeypatch.setattr(registry.importlib.metadata, "entry_points", points)
    from lextune.audits.base import audits

    monkeypatch.setattr(audits, "_loaded", False)
    assert runner(workshop.config()) == 2
    runner.refused("broken_audit" if "broken_audit" in runner.text else "extra", "does not load")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_during_checkpointing_and_the_way_on(
    workshop: Workshop, runner: Runner, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode != 0:
        pytest.skip("this machine lets nobody mount")
    try:
        runner.out = disk / "run"
        config = workshop.config(train={"save_steps": 5})
        assert runner(config) == 2
        runner.refused("no space left", "--resume")
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        assert runner(config, "--resume") == 0
        whole = (runner.out / "release" / "tiny-1.2.3" / "model.safetensors").read_bytes()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
    runner.out = tmp_path / "unbroken"
    assert runner(config) == 0
    assert (runner.out / "release" / "tiny-1.2.3" / "model.safetensors").read_bytes() == whole


def test_leaked_test_rows_are_refused_and_under_a_waiver_measured_without(
    workshop: Workshop, runner: Runner, tmp_path: Path
) -> None:
    head, *rows = workshop.data.read_text().splitlines()
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("\n".join([head, *rows[:900]]) + "\n")
    leaked = [rows[0], "  " + rows[1].replace("the", "THE")]
    test.write_text("\n".join([head, *rows[900:], *leaked]) + "\n")
    data = {"train": str(train), "test": str(test)}
    assert runner(workshop.config(data=data)) == 3
    runner.refused("house/no_leakage", "leaked_test_rows is 2")
    report = (runner.out / "dossier" / "data_report.json").read_text()
    assert "test.csv:302" in report
    assert "test.csv:303" in report
    waiver = tmp_path / "waiver.json"
    arguments = ["approve", "house/no_leakage", "--reason", "a pilot", "--person", "x",
                 "--expires", "2999-01-01", "-o", str(waiver)]  # fmt: skip
    assert main(arguments) == 0
    shutil.rmtree(runner.out)
    assert runner(workshop.config(data=data, policy={"waivers": [str(waiver)]})) == 0
    card = (runner.out / "release" / "tiny-1.2.3" / "README.md").read_text().replace("\\", "")
    (line,) = [one for one in card.splitlines() if one.startswith("| accuracy_without_leaked_rows")]
    assert "| 300 |" in line


def test_a_class_missing_from_test_is_undefined_and_moves_no_other(
    workshop: Workshop, runner: Runner, tmp_path: Path
) -> None:
    head, *rows = workshop.data.read_text().splitlines()
    other = [f"cinema cinema cinema {n},neutral,north" for n in range(200)]
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("\n".join([head, *rows[:900], *other]) + "\n")
    test.write_text("\n".join([head, *rows[900:]]) + "\n")
    config = workshop.config(data={"train": str(train), "test": str(test)})
    config["task"] = "text_classification"
    assert runner(config, "--json") == 0
    found = json.loads(runner.text[: runner.text.rindex("\n}") + 2])["metrics"]
    assert (found["recall.neutral"]["value"], found["recall.neutral"]["n"]) == (None, 0)
    assert found["recall.positive"]["value"] > 0.9


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_a_metric_that_is_no_number(
    workshop: Workshop, runner: Runner, monkeypatch: pytest.MonkeyPatch, value: float | None
) -> None:
    def broken(*_: Any) -> list[Measurement]:
        return [Measurement(name="accuracy", value=value, n=300, unit="proportion")]

    monkeypatch.setitem(metrics.metrics._items, "accuracy", broken)
    assert runner(workshop.config()) == 4
    runner.refused("house/evaluation_complete", "accuracy")


def test_a_metric_that_gave_nothing(
    workshop: Workshop, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(metrics.metrics._items, "accuracy", lambda *_: [])
    assert runner(workshop.config()) == 4
    runner.refused("house/evaluation_complete", "accuracy")
