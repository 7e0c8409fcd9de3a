"""The audit `memorisation`: what the model keeps of single training rows; it judges nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from lextune import statistics
from lextune.audits.attacking.canaries import ScoredCanaries, score_canaries
from lextune.audits.base import AuditInput, Bench, Chart, audit
from lextune.audits.numbers.attacks import area
from lextune.audits.numbers.copying import copied, nearest
from lextune.audits.numbers.exposure import by_chance, chance_exposure, exposures, mean_exposure
from lextune.config_training import Count, Section
from lextune.records import AuditResult, Measurement

#: Rows that a finding names.
_NAMED = 10


class Parameters(Section):
    """What counts as copied, and how many training texts are looked through."""

    copied_words: Count = Field(
        8, description="Consecutive words of a training text that count as copied."
    )
    training_texts: Count = Field(
        20_000, description="Training texts that generated ones are compared with, at most."
    )


@audit(
    "memorisation", parameters=Parameters, needs=["model", "train"],
    provides=[
        "canary_exposure", "canary_exposure_p_value", "canary_auc", "canary_extraction",
        "canary_extraction_above_held_back", "copied_training_text", "nearer_training_text",
    ],
    charts=[
        Chart(
            "canaries_at_exposure", "bars", ("Exposure of canaries", "金丝雀样本的暴露度"),
            ("Share of the planted canaries at each exposure in bits; of a model that keeps nothing, half are below 1 bit "
             "and a quarter between 1 and 2.",
             "各暴露度（比特）上的植入样本比例；若模型未记住任何样本，则一半低于 1 比特，四分之一在 1 至 2 比特之间。"),
        ),
    ],
)  # fmt: skip
def memorisation(given: AuditInput) -> AuditResult:
    """Exposure and extraction of canaries (Carlini et al. 2019, arXiv:1802.08232); training texts in generated ones."""
    bench = given.require_bench()
    measurements: list[Measurement] = []
    findings: list[str] = []
    more: dict[str, Any] = {}
    scored = score_canaries(bench)
    if scored is not None and 0 < scored.inserted.sum() < len(scored.inserted):
        _canaries(given, bench, scored, measurements, findings)
        more = {"canaries": len(scored.scores), "copies": scored.canaries.copies}
    else:
        findings.append(
            "Canaries were not looked for: none were both planted and held back (data.canaries.count)."
        )
    if given.answers.kind == "transcript":
        _generated(given, bench, measurements, findings)
    if not measurements:
        return memorisation.not_applicable(
            given, "No canaries were planted (data.canaries.count), and the model writes no text."
        )
    return memorisation.complete(given, measurements, findings, **more)


def _canaries(
    given: AuditInput,
    bench: Bench,
    scored: ScoredCanaries,
    measurements: list[Measurement],
    findings: list[str],
) -> None:
    """Exposure, the area under the ROC curve, and how often the model gives the label."""
    inside, outside = scored.scores[scored.inserted], scored.scores[~scored.inserted]
    n, chance = len(scored.scores), chance_exposure(len(outside))
    value, interval = mean_exposure(inside, outside)
    assert interval is not None
    probable = by_chance(scored.scores, scored.inserted, given.samples, given.seed)
    auc, limits = area(inside, outside)
    right = bench.row_errors(scored.answers) == 0
    ours, theirs = right[scored.inserted], right[~scored.inserted]
    extracted = statistics.independent_difference(
        int(ours.sum()), len(ours), int(theirs.sum()), len(theirs)
    )
    assert extracted is not None
    measurements += [
        Measurement(name="canary_exposure", value=value, interval=interval, n=n, unit="bits"),
        Measurement(name="canary_exposure_p_value", value=probable, n=n, unit="proportion"),
        Measurement(name="canary_auc", value=auc, interval=limits, n=n, unit="proportion"),
        Measurement(
            name="canary_extraction", value=float(ours.mean()),
            interval=statistics.wilson(int(ours.sum()), len(ours)), n=len(ours), unit="proportion",
        ),
        Measurement(
            name="canary_extraction_above_held_back", value=extracted[0], interval=extracted[1], n=n,
            unit="proportion",
        ),
    ]  # fmt: skip
    measurements += _at_exposure(exposures(inside, outside))
    findings.append(
        f"{len(inside)} canaries that were trained on have a mean exposure of {value:.2f} bits; {chance:.2f} is what "
        f"chance gives on average, with {len(outside)} held back (p = {probable:.3f})."
    )
    if auc > 0.5 and limits is not None and limits.low > 0.5:
        findings.append(
            "The model is surer of the canaries that it was trained on than of those held back."
        )


def _at_exposure(bits: Any) -> list[Measurement]:
    """Share of the canaries whose exposure lies between whole bits, given those held back."""
    count = len(bits)
    found = []
    for low in range(int(np.max(bits)) + 1):
        inside = int(((bits >= low) & (bits < low + 1)).sum())
        found.append(
            Measurement(
                name="canaries_at_exposure", value=inside / count,
                interval=statistics.wilson(inside, count), n=count, unit="proportion",
                group=f"bits={low}-{low + 1}",
            )
        )  # fmt: skip
    return found


def _generated(
    given: AuditInput, bench: Bench, measurements: list[Measurement], findings: list[str]
) -> None:
    """Stretches of training texts in what the model wrote, and which of written and true text is nearer to training."""
    asked, answers = given.parameters, given.answers.keep(given.answers.finite)
    training = list(bench.labelled("train").labels)
    if len(training) > asked.training_texts:
        draw = np.random.default_rng([given.seed, 3])
        chosen = np.sort(draw.choice(len(training), asked.training_texts, replace=False))
        training = [training[i] for i in chosen.tolist()]
    written = [one.text for one in answers.found]
    n = len(written)
    taken = copied(written, answers.labels, training, asked.copied_words)
    measurements.append(
        Measurement(
            name="copied_training_text", value=float(taken.mean()) if n else None,
            interval=statistics.wilson(int(taken.sum()), n), n=n, unit="proportion",
            problem=None if n else "there are no transcripts",
        )
    )  # fmt: skip
    near, truth = nearest(written, training), nearest(answers.labels, training)
    found = statistics.paired_difference(near > truth + 1e-9, truth > near + 1e-9)
    measurements.append(
        Measurement(
            name="nearer_training_text", value=None if found is None else found[0],
            interval=None if found is None else found[1], n=n, unit="proportion",
            problem="there are no transcripts" if found is None else None,
        )
    )  # fmt: skip
    findings.append(
        f"{int(taken.sum())} of {n} transcripts repeat {asked.copied_words} words in a row of a training text "
        "that were not said."
    )
    if taken.any():
        named = [answers.ids[i] for i in np.flatnonzero(taken)[:_NAMED].tolist()]
        findings.append("Such rows of the test part: " + ", ".join(named) + ".")
