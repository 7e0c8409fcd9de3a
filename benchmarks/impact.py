"""How long `lextune policy impact` takes over 10,000 stored dossiers, and whether it finds exactly those that are affected.

    python benchmarks/impact.py [--dossiers 10000] [--processes 2] [--work FOLDER]

Each dossier is that of the golden run in tests/evidence with drawn facts, test rows and figures, decided under the
packs named by --packs and signed anew: real statements, ledger, checkpoint and packs, without a model's weights, which
impact never reads. The new pack asks for 500 test rows where `house` asks for 200. It goes through twice: every
signature checked, and again with the digests that were kept.
"""

from __future__ import annotations

import argparse
import collections
import copy
import datetime
import multiprocessing
import os
import random
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import describe

from lextune.evidence.envelope import sign
from lextune.evidence.keys import Signer, load_or_create_key, load_trust
from lextune.evidence.ledger import Checkpoint, Entry, leaf_hash, root_hash, sign_checkpoint
from lextune.evidence.statements import make_statement, room_of
from lextune.evidence.stored import read_stored, verified_statements
from lextune.files import sha256
from lextune.impact import Question, decide_again, find_dossiers
from lextune.listener import Listener
from lextune.policy.packs import load_pack, pack_ids, parse_pack
from lextune.records import Statement, Subject
from lextune.release import decide_dossier, parse_config_record

GOLDEN = Path(__file__).resolve().parents[1] / "tests/evidence/golden_runs/v1"
DAY = datetime.date(2026, 11, 25)
#: What a European and a Chinese user would choose; those that are shipped are taken.
PACKS = "house,licences,eu_ai_act,gdpr,cn_pipl"
_STATE: dict[str, Any] = {}


def new_house() -> bytes:
    """The pack `house` with more test rows, as a file's bytes."""
    text = load_pack("house").text.decode()
    old = 'measurement: test_rows, bound: interval, operator: ">=", value: 200, minimum_n: 200'
    assert old in text
    return text.replace(old, old.replace("200", "500"), 1).encode()


def _begin(home: str, packs: list[str]) -> None:
    os.environ["LEXTUNE_HOME"] = home
    trust = load_trust(GOLDEN / "trust.json")
    signer = load_or_create_key()
    files = Path(home).with_name("packs")
    _STATE.update(
        files=files,
        statements=[one for _, one in verified_statements(read_stored(GOLDEN / "release"), trust)],
        signer=signer,
        trust=load_trust(),
        packs=[load_pack(name) for name in packs],
    )


def _drawn(statement: Statement, rows: int, draw: random.Random) -> dict[str, Any]:
    predicate = copy.deepcopy(dict(statement.predicate))
    for one in predicate["measurements"]:
        if one["name"] == "test_rows":
            one.update(value=rows, n=rows, interval={**one["interval"], "low": rows, "high": rows})
        elif one["interval"] is not None and one["interval"]["method"] != "exact":
            ends = one["interval"]["low"], one["interval"]["high"]
            one["value"] = min(max(one["value"] * draw.uniform(0.99, 1.01), ends[0]), ends[1])
    return predicate


def write_dossier(job: tuple[Path, int]) -> tuple[str, int, str]:
    """Write one; gives its folder, its test rows and its outcome."""
    folder, seed = job
    draw = random.Random(seed)
    rows, name = draw.randrange(200, 1000), f"model-{seed}"
    places = draw.sample(["EU", "CN", "US", "UK", "OTHER"], draw.randint(1, 2))
    use = {"purpose": "benchmark", "commercial": draw.random() < 0.5, "places": places}
    packs = {pack.id: pack for pack in _STATE["packs"]}
    signer: Signer = _STATE["signer"]
    (folder / "dossier/statements").mkdir(parents=True)
    (folder / "dossier/packs").mkdir()
    for name in packs:  # the same file in all of them, so that the disk holds it once
        os.link(_STATE["files"] / f"{name}.yaml", folder / f"dossier/packs/{name}.yaml")
    entries, so_far, outcome = [], [], ""
    for statement in _STATE["statements"]:
        room = room_of(statement)
        predicate = _drawn(statement, rows, draw) | {"run": name}
        subject = list(statement.subject)
        if room == "config":
            record = predicate["record"]
            record["use"], record["policy"]["packs"] = use, list(packs)
            record["policy"]["as_of"] = str(DAY)
            config = parse_config_record(record)
            subject = [
                Subject(name=f"dossier/packs/{one.id}.yaml", digest={"sha256": one.digest})
                for one in packs.values()
            ]
        if room == "decide":
            verdict = decide_dossier(so_far, config, list(packs.values()), _STATE["trust"])
            predicate["record"]["verdict"], outcome = (
                verdict.model_dump(mode="json"),
                verdict.outcome,
            )
        made = make_statement(str(room), subject, predicate)
        data = sign(made, signer)
        audit = predicate["record"].get("audit", "")
        detail = f"-{audit.replace('_', '-')}" if audit else ""
        file = f"{len(entries) + 1:04d}-{room}{detail}.dsse.json"
        (folder / "dossier/statements" / file).write_bytes(data)
        entries.append(Entry(len(entries), leaf_hash(data), file))
        so_far.append((sha256(data), made))
    (folder / "dossier/ledger.jsonl").write_bytes(b"".join(one.line() for one in entries))
    root = root_hash([one.leaf for one in entries])
    checkpoint = sign_checkpoint(Checkpoint(name, len(entries), root), signer)
    (folder / "dossier/checkpoint.dsse.json").write_bytes(checkpoint)
    return str(folder), rows, outcome


class Bar(Listener):
    """Says how far it is, ten times."""

    def bar(self, label: str, total: int, done: int = 0) -> Any:
        """A line at each tenth."""
        state = {"done": 0}

        def advance(count: int) -> None:
            before, state["done"] = state["done"], state["done"] + count
            if before * 10 // total != state["done"] * 10 // total:
                print(f"  {state['done']} of {total}", flush=True)

        return advance


def _peak() -> float:
    """Of this process and of the largest of its children, in MB."""
    return sum(
        resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ) / 1000  # fmt: skip


def main() -> None:
    """Make, decide twice, compare with what is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dossiers", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--packs", default=PACKS)
    parser.add_argument("--work", type=Path, default=None)
    given = parser.parse_args()
    shipped = pack_ids()
    packs = [name for name in given.packs.split(",") if name in shipped]
    print(describe("cryptography", "pydantic", "rfc8785"))
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        home = str(work / "home")
        os.environ["LEXTUNE_HOME"] = home
        load_or_create_key()
        (work / "packs").mkdir()
        for name in packs:
            (work / f"packs/{name}.yaml").write_bytes(load_pack(name).text)
        start = time.perf_counter()
        jobs = [(work / f"releases/{seed:06d}", seed) for seed in range(given.dossiers)]
        context = multiprocessing.get_context("spawn")
        with context.Pool(given.processes, _begin, (home, packs)) as pool:
            made = pool.map(write_dossier, jobs, chunksize=16)
        size = sum(one.stat().st_size for one in Path(made[0][0]).rglob("*") if one.is_file())
        controls = sum(len(load_pack(name).controls) for name in packs)
        print(
            f"{len(made)} dossiers made in {time.perf_counter() - start:.0f} s; one has {size / 1000:.0f} kB, "
            f"packs {', '.join(packs)} with {controls} controls; "
            f"outcomes {dict(collections.Counter(outcome for *_, outcome in made))}"
        )
        house = parse_pack(new_house(), "house.yaml")
        question = Question((house,), DAY, Path(home) / "trust.json")
        start = time.perf_counter()
        folders = find_dossiers(work / "releases")
        print(f"found {len(folders)} in {time.perf_counter() - start:.1f} s")
        for label in ("every signature checked", "digests known"):
            start = time.perf_counter()
            found = decide_again(folders, question, Bar(), given.processes).dossiers
            seconds = time.perf_counter() - start
            few = {Path(folder).resolve() for folder, rows, _ in made if rows < 500}
            named = {
                one.folder.resolve() for one in found
                if any(change.control == "house/enough_test_rows" for change in one.changes)
            }  # fmt: skip
            unread = sum(one.effect == "unread" for one in found)
            print(
                f"{label}: {seconds:.1f} s on {given.processes} processes, {1000 * seconds / len(found):.2f} ms each, "
                f"peak {_peak():.0f} MB\n"
                f"  effects {dict(collections.Counter(one.effect for one in found))}\n"
                f"  affected {len(named)}, truly {len(few)}, wrongly named {len(named - few)}, "
                f"missed {len(few - named)}, unread {unread}"
            )


if __name__ == "__main__":
    main()
