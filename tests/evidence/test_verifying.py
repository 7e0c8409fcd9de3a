from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lextune.errors import ExitCode, VerificationError
from lextune.evidence.canonical import canonical
from lextune.evidence.dossier import Dossier
from lextune.evidence.envelope import sign
from lextune.evidence.keys import Signer, Trust, add_trusted_key, load_trust
from lextune.evidence.ledger import (
    Checkpoint,
    Entry,
    leaf_hash,
    parse_ledger,
    root_hash,
    sign_checkpoint,
)
from lextune.evidence.statements import make_statement
from lextune.evidence.verifying import Evidence, read_verified, verify_folder
from lextune.files import digest_file
from lextune.records import Statement, Subject

_STATEMENTS = Path("dossier/statements")
_RELEASE = _STATEMENTS / "0008-release.dsse.json"


def _facts(evidence: Evidence) -> str:
    return "\n".join(str(problem) for problem in evidence.problems)


def test_a_good_release_verifies(release: Path, trust: Trust) -> None:
    evidence = verify_folder(release, trust)
    assert _facts(evidence) == ""
    assert evidence.verified
    assert evidence.run == "run-a"
    assert evidence.signers == ("the maker",)
    assert len(evidence.statements) == 8
    assert evidence.documents["dossier/packs/house.yaml"] == b"id: house\n"
    assert evidence.files["config.json"].size == len((release / "config.json").read_bytes())
    assert "dossier/predictions/test.parquet" in evidence.files


def test_a_release_that_was_moved_or_is_reached_by_a_link_still_verifies(
    release: Path, trust: Trust
) -> None:
    moved = release.rename(release.with_name("elsewhere"))
    latest = release.with_name("latest")
    latest.symlink_to(moved)
    assert verify_folder(latest, trust).verified


def _edit(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)

    return change


def _add(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_bytes(b"x")

    return change


def _link_same_bytes(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder.parent / "weights")
    (folder / "model.safetensors").symlink_to(folder.parent / "weights")


def _link_folder(folder: Path) -> None:
    (folder / "dossier/packs").rename(folder.parent / "packs")
    (folder / "dossier/packs").symlink_to(folder.parent / "packs")


def _link_statement(folder: Path) -> None:
    (folder / _RELEASE).rename(folder.parent / "s")
    (folder / _RELEASE).symlink_to(folder.parent / "s")


def _socket(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)  # the path of a socket may have 107 bytes only
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind("s")
    finally:
        os.chdir(here)


def _replace_by_folder(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()


def _swap_two(folder: Path) -> None:
    (folder / "config.json").rename(folder / "x")
    (folder / "tokenizer.json").rename(folder / "config.json")
    (folder / "x").rename(folder / "tokenizer.json")


def _cut_ledger(folder: Path) -> None:
    path = folder / "dossier/ledger.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def _remove_last_statement(folder: Path) -> None:
    _cut_ledger(folder)
    (folder / _RELEASE).unlink()


def _remove_middle_line(folder: Path) -> None:
    path = folder / "dossier/ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3] + lines[4:]))


def _swap_lines(folder: Path) -> None:
    path = folder / "dossier/ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[1], lines[0], *lines[2:]]))


def _empty_ledger(folder: Path) -> None:
    (folder / "dossier/ledger.jsonl").write_bytes(b"")


def _strip_signature(folder: Path) -> None:
    path = folder / _STATEMENTS / "0005-evaluate.dsse.json"
    path.write_bytes(canonical({**json.loads(path.read_text()), "signatures": []}))


def _better_metric(folder: Path) -> None:
    path = folder / _STATEMENTS / "0005-evaluate.dsse.json"
    content = json.loads(path.read_text())
    payload = base64.b64decode(content["payload"]).replace(b'"value":0.9', b'"value":0.99')
    content["payload"] = base64.b64encode(payload).decode()
    path.write_bytes(canonical(content))


def _repeat_key(folder: Path) -> None:
    path = folder / _STATEMENTS / "0005-evaluate.dsse.json"
    path.write_bytes(path.read_bytes().replace(b"{", b'{"payload":"",', 1))


def _remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (_edit("model.safetensors"), "'model.safetensors' was changed"),
        (_edit("README.md"), "'README.md' was changed"),
        (_edit("dossier/packs/house.yaml"), "'dossier/packs/house.yaml' was changed"),
        (_edit("dossier/predictions/test.parquet"), "test.parquet' was changed"),
        (_edit("dossier/verdict.json"), "'dossier/verdict.json' was changed"),
        (_remove("config.json"), "'config.json' is missing"),
        (_remove("dossier/predictions/test.parquet"), "test.parquet' is missing"),
        (_add(".gitattributes"), "'.gitattributes' was added"),
        (_add("dossier/packs/mine.yaml"), "'dossier/packs/mine.yaml' was added"),
        (_add("sub/dir/x"), "'sub/dir/x' was added"),
        (lambda f: (f / "config.json").rename(f / "Config.json"), "renamed to 'Config.json'"),
        (lambda f: (f / "README.md").rename(f / "dossier/README.md"), "renamed to 'dossier/README"),
        (_swap_two, "'tokenizer.json' was changed"),
        (_link_same_bytes, "'model.safetensors' is a symbolic link"),
        (_link_folder, "'dossier/packs' is a symbolic link"),
        (_link_statement, "0008-release.dsse.json' is a symbolic link"),
        (lambda f: os.mkfifo(f / "pipe"), "'pipe' is a named pipe"),
        (_socket, "'s' is a socket"),
        (_replace_by_folder, "'config.json' is missing"),
        (lambda f: (f / "empty").mkdir(), "'empty' is an empty folder"),
        (lambda f: (f / os.fsdecode(b"\xff")).write_bytes(b""), "a name that is not UTF-8"),
        (_remove_last_statement, "the ledger has 7 lines, its signed checkpoint says 8"),
        (_remove_last_statement, "no statement of the room 'release'"),
        (_cut_ledger, "'0008-release.dsse.json' is not in the ledger"),
        (_remove_middle_line, "line 4 of the ledger is not valid"),
        (_swap_lines, "line 1 of the ledger is not valid"),
        (_empty_ledger, "the ledger has 0 lines"),
        (_remove("dossier/ledger.jsonl"), "there is no ledger"),
        (_remove("dossier/checkpoint.dsse.json"), "there is no signed checkpoint"),
        (_remove("dossier/statements/0007-decide.dsse.json"), "0007-decide.dsse.json is missing"),
        (_add("dossier/statements/0009-decide.dsse.json"), "'0009-decide.dsse.json' is not in the"),
        (_add("dossier/statements/note.txt"), "'note.txt' is not in the ledger"),
        (_strip_signature, "0005-evaluate.dsse.json: the envelope carries no signature"),
        (_better_metric, "0005-evaluate.dsse.json: the signature of 'the maker'"),
        (_better_metric, "the statement 0005-evaluate.dsse.json was changed"),
        (_repeat_key, "0005-evaluate.dsse.json: the envelope holds the key 'payload' twice"),
        (lambda f: shutil.rmtree(f / "dossier"), "holds no dossier"),
        (shutil.rmtree, "there is no folder"),
    ],
)
def test_every_tampering_is_named(
    release: Path, trust: Trust, change: Callable[[Path], Any], fact: str
) -> None:
    change(release)
    evidence, kept = read_verified(release, trust)
    assert fact in _facts(evidence)
    assert kept == {}
    assert all(problem.remedy for problem in evidence.problems)
    with pytest.raises(VerificationError) as caught:
        evidence.require()
    assert caught.value.exit_code is ExitCode.UNVERIFIED


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_cannot_be_read_is_a_problem(release: Path, trust: Trust) -> None:
    (release / "dossier/packs").chmod(0)
    try:
        assert "'dossier/packs' cannot be read" in _facts(verify_folder(release, trust))
    finally:
        (release / "dossier/packs").chmod(0o700)


def test_all_problems_are_reported_at_once(release: Path, trust: Trust) -> None:
    for change in (_edit("README.md"), _add("x"), _remove("tokenizer.json"), _better_metric):
        change(release)
    shown = _facts(verify_folder(release, trust))
    for fact in (
        "'README.md' was changed",
        "'x' was added",
        "'tokenizer.json' is missing",
        "0005-",
    ):
        assert fact in shown


def test_an_unknown_signer_is_named_once_for_all_statements(
    release: Path, tmp_path: Path, stranger: Signer
) -> None:
    add_trusted_key(tmp_path / "other.json", stranger.public_pem, "somebody else")
    evidence = verify_folder(release, load_trust(tmp_path / "other.json"))
    assert len(evidence.problems) == 1
    assert "unknown signer" in evidence.problems[0].fact
    assert evidence.problems[0].where.endswith("and 6 more")
    assert (evidence.statements, evidence.signers) == ((), ())


def _rebuild(
    release: Path, signer: Signer, statements: list[tuple[str, Statement | bytes]]
) -> None:
    """Sign and chain everything anew, as a forger with a key would."""
    shutil.rmtree(release / _STATEMENTS)
    (release / _STATEMENTS).mkdir()
    entries = []
    for name, content in statements:
        data = content if isinstance(content, bytes) else sign(content, signer)
        (release / _STATEMENTS / name).write_bytes(data)
        entries.append(Entry(len(entries), leaf_hash(data), name))
    (release / "dossier/ledger.jsonl").write_bytes(b"".join(one.line() for one in entries))
    root = root_hash([one.leaf for one in entries])
    checkpoint = sign_checkpoint(Checkpoint("run-a", len(entries), root), signer)
    (release / "dossier/checkpoint.dsse.json").write_bytes(checkpoint)


def _content(release: Path, trust: Trust) -> list[tuple[str, Statement | bytes]]:
    names = sorted(path.name for path in (release / _STATEMENTS).iterdir())
    evidence = verify_folder(release, trust)
    return [(name, one) for name, (_, one) in zip(names, evidence.statements, strict=True)]


def _resign(release: Path, signer: Signer, content: list[tuple[str, Statement | bytes]]) -> None:
    """Sign the whole dossier anew, with a release statement that is right for the new files."""
    _rebuild(release, signer, content[:-1])
    listed = [
        digest_file(path, path.relative_to(release).as_posix())
        for path in sorted(release.rglob("*"))
        if path.is_file() and path.name not in ("ledger.jsonl", "checkpoint.dsse.json")
    ]
    files = [one.model_dump(mode="json") for one in listed]
    statement = make_statement("release", listed, {"run": "run-a", "files": files})
    names = {name: (release / _STATEMENTS / name).read_bytes() for name, _ in content[:-1]}
    _rebuild(release, signer, [*names.items(), (content[-1][0], statement)])


def test_the_helpers_of_the_forger_make_releases_that_verify(
    release: Path, trust: Trust, signer: Signer
) -> None:
    _resign(release, signer, _content(release, trust))
    assert _facts(verify_folder(release, trust)) == ""


def test_a_ledger_re_chained_with_another_key_is_refused(
    release: Path, trust: Trust, stranger: Signer
) -> None:
    _resign(release, stranger, _content(release, trust))
    evidence = verify_folder(release, trust)
    assert f"unknown signer: the trust file does not name the key {stranger.keyid}" in _facts(
        evidence
    )
    assert evidence.statements == ()


def test_only_the_checkpoint_signed_by_another_trusted_key_is_refused(
    release: Path, signer: Signer, stranger: Signer
) -> None:
    path = release / "dossier/checkpoint.dsse.json"
    entries, _ = parse_ledger((release / "dossier/ledger.jsonl").read_bytes())
    root = root_hash([entry.leaf for entry in entries])
    path.write_bytes(sign_checkpoint(Checkpoint("run-a", 8, root), stranger))
    shown = _facts(verify_folder(release, Trust.of(signer, stranger)))
    assert "signed by different keys" in shown


@pytest.mark.parametrize("taken", ["0005-evaluate", "0007-decide", "0008-release"])
def test_an_envelope_of_another_release_is_refused(
    release: Path, make_release: Callable[..., Path], trust: Trust, taken: str
) -> None:
    other = make_release("other", "run-b")
    assert verify_folder(other, trust).verified
    name = f"{taken}.dsse.json"
    shutil.copy(other / _STATEMENTS / name, release / _STATEMENTS / name)
    shown = _facts(verify_folder(release, trust))
    assert f"the statement {name} was changed" in shown
    assert f"{name}: the statement belongs to the run 'run-b', not to 'run-a'" in shown


def test_an_envelope_of_another_release_is_refused_even_when_chained_in(
    release: Path, make_release: Callable[..., Path], trust: Trust, signer: Signer
) -> None:
    other = make_release("other", "run-b")
    content = _content(release, trust)
    name = "0005-evaluate.dsse.json"
    content[4] = (name, (other / _STATEMENTS / name).read_bytes())
    _resign(release, signer, content)
    evidence = verify_folder(release, trust)
    assert [problem.where for problem in evidence.problems] == [name]
    assert "belongs to the run 'run-b'" in _facts(evidence)


def test_a_whole_dossier_of_another_release_is_refused(
    release: Path, make_release: Callable[..., Path], trust: Trust
) -> None:
    other = make_release("other", "run-b")
    (release / "model.safetensors").write_bytes(b"other weights")
    shutil.rmtree(release / "dossier")
    shutil.copytree(other / "dossier", release / "dossier")
    assert "'model.safetensors' is not the file that was trained" in _facts(
        verify_folder(release, trust)
    )


def test_weights_swapped_and_signed_anew_differ_from_the_trained_ones(
    release: Path, trust: Trust, signer: Signer
) -> None:
    content = _content(release, trust)
    (release / "model.safetensors").write_bytes(b"other weights")
    _resign(release, signer, content)
    assert [problem.fact for problem in verify_folder(release, trust).problems] == [
        "'model.safetensors' is not the file that was trained"
    ]


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("../outside", "'.' or '..' part"),
        ("/etc/passwd", "absolute"),
        ("C:/x", "absolute"),
        ("a//b", "empty"),
        ("./config.json", "'.' or '..' part"),
        ("a\\b", "backslash"),
        ("a\x00b", "control character"),
        ("a\u2028b", "control character"),
        ("", "empty"),
        ("CONFIG.json", "only in case"),
        ("config.json", "stands twice"),
        ("dossier/ledger.jsonl", "may not be a subject"),
    ],
)
def test_a_subject_with_a_bad_name_is_refused_though_signed(
    release: Path, trust: Trust, signer: Signer, name: str, fact: str
) -> None:
    content = _content(release, trust)
    statement = content[-1][1]
    assert isinstance(statement, Statement)
    subject = Subject(name=name, digest={"sha256": "0" * 64})
    changed = statement.model_copy(update={"subject": (*statement.subject, subject)})
    _rebuild(release, signer, [*content[:-1], (content[-1][0], changed)])
    assert fact in _facts(verify_folder(release, trust))


@pytest.mark.parametrize("change", ["size", "sha256", "drop", "digest"])
def test_a_manifest_that_contradicts_itself_is_refused(
    release: Path, trust: Trust, signer: Signer, change: str
) -> None:
    content = _content(release, trust)
    statement = content[-1][1]
    assert isinstance(statement, Statement)
    data = json.loads(json.dumps(statement.model_dump(by_alias=True)))
    if change == "size":
        data["predicate"]["files"][0]["size"] += 1
    elif change == "sha256":
        data["predicate"]["files"][0]["sha256"] = "0" * 64
    elif change == "drop":
        del data["predicate"]["files"][0]
    else:
        data["subject"][0]["digest"] = {"md5": "0" * 32}
    changed = Statement.model_validate(data)
    _rebuild(release, signer, [*content[:-1], (content[-1][0], changed)])
    shown = _facts(verify_folder(release, trust))
    wanted = "wrong size" if change == "size" else "not the same list"
    assert ("exactly a SHA-256" if change == "digest" else wanted) in shown


def test_a_trust_file_inside_the_release_is_refused(release: Path, signer: Signer) -> None:
    add_trusted_key(release / "dossier/trust.json", signer.public_pem, "me")
    trust = load_trust(release / "dossier/trust.json")
    assert "lies inside the release" in _facts(verify_folder(release, trust))


def _reindent(data: bytes, _: Signer) -> bytes:
    return json.dumps(json.loads(data), indent=1).encode()


def _add_newline(data: bytes, _: Signer) -> bytes:
    return data + b"\n"


def _add_signature(data: bytes, other: Signer) -> bytes:
    content = json.loads(data)
    content["signatures"].append(
        {"keyid": other.keyid, "sig": base64.b64encode(bytes(64)).decode()}
    )
    return canonical(content)


@pytest.mark.parametrize(
    ("edit", "fact"),
    [
        (_reindent, "not written as canonical JSON"),
        (_add_newline, "not written as canonical JSON"),
        (_add_signature, "carries a signature of"),
    ],
)
def test_no_byte_of_the_checkpoint_can_be_changed_unseen(
    release: Path,
    trust: Trust,
    stranger: Signer,
    edit: Callable[[bytes, Signer], bytes],
    fact: str,
) -> None:
    path = release / "dossier/checkpoint.dsse.json"
    path.write_bytes(edit(path.read_bytes(), stranger))
    evidence = verify_folder(release, trust)
    assert [problem.where for problem in evidence.problems] == ["dossier/checkpoint.dsse.json"]
    assert fact in _facts(evidence)


@pytest.mark.parametrize("name", ["packs/house.yaml", "verdict.json", "predictions/test.parquet"])
def test_a_file_of_the_dossier_swapped_and_signed_anew_is_not_the_one_its_room_left(
    release: Path, trust: Trust, signer: Signer, name: str
) -> None:
    content = _content(release, trust)
    (release / "dossier" / name).write_bytes(b"other\n")
    _resign(release, signer, content)
    assert f"'dossier/{name}' is not the file that" in _facts(verify_folder(release, trust))


def test_a_file_of_the_dossier_that_only_the_manifest_names_is_refused(
    release: Path, trust: Trust, signer: Signer
) -> None:
    content = _content(release, trust)
    (release / "dossier/config.yaml").write_bytes(b"task: sentiment\n")
    _resign(release, signer, content)
    assert [problem.fact for problem in verify_folder(release, trust).problems] == [
        "'dossier/config.yaml' lies in the dossier but no statement made it"
    ]


def test_a_ledger_line_with_an_enormous_number_is_no_crash(release: Path, trust: Trust) -> None:
    line = Entry(8, bytes(32), f"{'9' * 5000}-decide.dsse.json").line()
    with (release / "dossier/ledger.jsonl").open("ab") as stream:
        stream.write(line)
    assert "line 9 of the ledger is not valid" in _facts(verify_folder(release, trust))


def _script(name: str) -> str:
    """A script of the auditor guide, which begins with its own name."""
    guide = Path(__file__).parents[2] / "docs/auditor-guide.md"
    match = re.search(rf"```python\n(# {name} .*?)```", guide.read_text(), re.DOTALL)
    assert match is not None
    return match[1]


def _link_added_folder(folder: Path) -> None:
    (folder.parent / "more").mkdir()
    (folder / "more").symlink_to(folder.parent / "more")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the guide asks for openssl")
@pytest.mark.parametrize(
    "change",
    [
        None,
        _edit("model.safetensors"),
        _add("x"),
        _remove("config.json"),
        _link_same_bytes,
        _link_folder,
        _link_added_folder,
        _cut_ledger,
        _better_metric,
    ],
)
def test_the_script_of_the_auditor_guide_sees_what_was_tampered_with(
    release: Path, trust: Trust, tmp_path: Path, change: Callable[[Path], Any] | None
) -> None:
    if change is not None:
        change(release)
    script = tmp_path / "verify_by_hand.py"
    script.write_text(_script(script.name))
    done = subprocess.run(
        [sys.executable, str(script), str(release), str(trust.path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is (change is None), done.stderr
    assert ("are as signed" in done.stdout) is (change is None)


def test_an_unfinished_run_is_no_release(unsigned_release: Path, trust: Trust) -> None:
    evidence = verify_folder(unsigned_release, trust)
    assert [problem.fact for problem in evidence.problems] == [
        "there is no statement of the room 'release'"
    ]


def test_the_bytes_that_are_given_are_those_that_were_hashed(
    release: Path, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = os.open

    def counting(path: Any, *args: Any, **kwargs: Any) -> int:
        opened.append(os.fspath(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", counting)
    evidence, kept = read_verified(release, trust)
    assert evidence.verified
    assert set(kept) == {
        "README.md", "config.json", "lextune.json", "model.safetensors", "tokenizer.json",
    }  # fmt: skip
    assert kept["model.safetensors"] == bytes(range(256)) * 4
    assert sorted(opened) == sorted(str(release.resolve() / name) for name in evidence.files)


def test_a_release_of_100_mb_verifies_within_two_seconds(
    tmp_path: Path, signer: Signer, trust: Trust, unsigned_maker: Callable[..., Dossier]
) -> None:
    from lextune.evidence.releasing import sign_release

    folder = tmp_path / "big"
    dossier = unsigned_maker(folder, signer)
    with (folder / "dossier/predictions/big.bin").open("wb") as stream:
        stream.truncate(100 << 20)
    big = digest_file(folder / "dossier/predictions/big.bin", "dossier/predictions/big.bin")
    dossier.append("document", make_statement("document", [big], {}))
    sign_release(folder, signer, {})
    start = time.perf_counter()
    evidence = verify_folder(folder, trust)
    assert evidence.verified
    assert time.perf_counter() - start < 2
