"""The audit `cost`: what training took and what answers take, counted, timed or estimated; it judges nothing."""

from __future__ import annotations

import os
import time
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from lextune.audits.base import AuditInput, Bench, audit
from lextune.audits.numbers.quantiles import quantile_interval
from lextune.config_training import Section
from lextune.records import AuditResult, Interval, Measurement
from lextune.statistics import LEVEL

Floats = npt.NDArray[np.float64]
_JOULES = 3.6e6
#: So many batches are timed at least, however long each takes, before the time for it is over.
_FEWEST_TIMED, _WARM = 10, 2


class Parameters(Section):
    """How much is counted and timed, and what is assumed."""

    batches: int = Field(6, ge=2, description="Batches of train whose operations are counted.")
    latency_rows: int = Field(100, ge=1, description="Rows of test that are timed one by one.")
    latency_seconds: float = Field(
        5.0, gt=0, description="After this no further row is timed, from the tenth on."
    )
    watts: float | None = Field(
        None,
        gt=0,
        description="What the machine drew in training, without cooling; null estimates it of a CPU by the next two.",
    )
    watts_per_core: float = Field(
        12.0, gt=0, description="Of a CPU's core at work (Lannelongue et al. 2021)."
    )
    watts_per_gigabyte: float = Field(0.3725, ge=0, description="Of memory (the same).")
    power_usage_effectiveness: float = Field(
        1.67, ge=1, description="Energy of the site for each unit of the machine's (the same)."
    )
    grams_per_kwh: float | None = Field(
        None,
        ge=0,
        description="CO2e of the electricity where training ran; null leaves emissions undefined.",
    )
    pretraining_flops: float | None = Field(
        None,
        gt=0,
        description="What the base model's pretraining took, where the catalogue does not say.",
    )
    pretraining_source: str | None = Field(None, min_length=1, description="Who says so.")

    @model_validator(mode="after")
    def _with_source(self) -> Self:
        if (self.pretraining_flops is None) is not (self.pretraining_source is None):
            raise ValueError("pretraining_flops and pretraining_source belong together. Remedy: name both, or none")  # fmt: skip
        return self


@audit(
    "cost", parameters=Parameters, needs=["model", "train"],
    provides=[
        "training_flops", "training_flops_per_row", "training_share_of_pretraining", "training_seconds",
        "training_energy", "training_emissions", "model_bytes", "answer_flops", "latency_median", "latency_p95",
    ],
)  # fmt: skip
def cost(given: AuditInput) -> AuditResult:
    """Operations counted by running batches of train, the seconds that training took, bytes of the model, and latency.

    Operations: torch's counter over real batches, forwards and back through all weights. Energy: Lannelongue, Grealey and
    Inouye 2021 (doi:10.1002/advs.202100707), an estimate with the assumptions that its parameters state.
    """
    bench = given.require_bench()
    counted, share, findings = _operations(given, bench)
    sizes = [one.size for one in bench.trained.files]
    n = len(sizes)
    measurements = [
        *counted, share, *_energy(given, bench),
        Measurement.exact("model_bytes", sum(sizes), n=n, unit="bytes"),
        *_latency(given, bench),
    ]  # fmt: skip
    return cost.complete(given, measurements, findings, device=_device(), batch_size=_batch_size(bench))  # fmt: skip


def _operations(
    given: AuditInput, bench: Bench
) -> tuple[list[Measurement], Measurement, list[str]]:
    """Operations of training and of an answer, and their share of pretraining's."""
    from lextune.tasks.counting import operations

    size = _batch_size(bench)
    train = bench.labelled("train").inputs
    most = given.parameters.batches * size
    order = np.random.default_rng([given.seed, 45]).permutation(len(train))[:most]
    batches = [order[i : i + size] for i in range(0, len(order) - size + 1, size)] or [order]
    learn = bench.trained.method != "head"
    advance = bench.bar("counting operations", len(batches) + 1)
    per_row = []
    for rows in batches:
        inputs = [train[int(i)] for i in rows]
        per_row.append(operations(bench.loaded, inputs, backward=learn) / len(inputs))
        advance(1)
    answer = operations(bench.loaded, [train[int(i)] for i in batches[0]], backward=False)
    advance(1)
    rows_seen = _rows_seen(bench)
    values = np.array(per_row)
    found = _multiplied("training_flops", values, rows_seen)
    one_row = _multiplied("training_flops_per_row", values, 1.0)
    forward = Measurement(
        name="answer_flops", value=answer / len(batches[0]) or None, n=len(batches[0]), unit="operations",
        problem=None if answer else _NO_PRODUCTS,
    )  # fmt: skip
    findings = [f"Training saw {rows_seen:.0f} rows, epochs together; evaluations between epochs are not counted."]  # fmt: skip
    if not learn:
        findings.append("Of the method head the encoder's pass is counted in every epoch: an upper bound.")  # fmt: skip
    if bench.trained.method == "lora":
        findings.append("The pass back is counted through all weights: of LoRA an upper bound.")
    return [found, one_row, forward], _share(given, bench, values, rows_seen), findings


_NO_PRODUCTS = "the model multiplies no matrices: its operations are not counted"


def _multiplied(name: str, per_row: Floats, factor: float) -> Measurement:
    """A mean over batches times a number that is known, with Student's interval."""
    mean = float(per_row.mean())
    if not mean > 0:
        return Measurement(name=name, value=None, n=len(per_row), unit="operations", problem=_NO_PRODUCTS)  # fmt: skip
    return Measurement(
        name=name, value=mean * factor, interval=_student(per_row, factor), n=len(per_row), unit="operations"
    )  # fmt: skip


def _student(per_row: Floats, factor: float) -> Interval | None:
    """Of a mean over batches; exact where each batch takes as much, since inputs of one size do."""
    from scipy.stats import t

    n, mean = len(per_row), float(per_row.mean()) * factor
    if n < 2:
        return None
    if np.ptp(per_row) == 0:
        return Interval(low=mean, high=mean, level=1.0, method="exact")
    half = float(t.ppf((1 + LEVEL) / 2, n - 1) * per_row.std(ddof=1) / np.sqrt(n)) * factor
    return Interval(
        low=max(mean - half, 0.0), high=mean + half, level=LEVEL, method="Student's t over batches"
    )


def _share(given: AuditInput, bench: Bench, per_row: Floats, rows_seen: float) -> Measurement:
    """Of the base model's pretraining: more than a third makes a modifier a provider (guidelines of 2025-07-18, 3.2)."""
    asked = given.parameters
    known = bench.pretraining
    if asked.pretraining_flops is not None:
        known = (asked.pretraining_flops, asked.pretraining_source)
    name, mean = "training_share_of_pretraining", float(per_row.mean())
    if known is None or not mean > 0:
        why = _NO_PRODUCTS if known else (
            "nobody says what the base model's pretraining took; name audit_parameters.cost.pretraining_flops and its source"
        )  # fmt: skip
        return Measurement(name=name, value=None, n=len(per_row), unit="ratio", problem=why)
    return Measurement(
        name=name, value=mean * rows_seen / known[0],
        interval=_student(per_row, rows_seen / known[0]), n=len(per_row), unit="ratio",
    )  # fmt: skip


def _rows_seen(bench: Bench) -> float:
    """Rows that training went through, epochs and pretraining together."""
    spent, parameters = bench.trained.cost, bench.trained.parameters
    before = float(parameters.get("pretraining_steps", 0)) * _batch_size(bench)
    again = 4 / 3 if parameters.get("gradient_checkpointing") else 1.0
    # both are rounded in the record: their product is a whole number of rows but for that
    seen = round(spent["train_seconds"] * spent["train_samples_per_second"])
    return (seen + before) * again


def _batch_size(bench: Bench) -> int:
    return int(bench.trained.parameters.get("batch_size", 32))


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _energy(given: AuditInput, bench: Bench) -> list[Measurement]:
    """Seconds of training, and an estimate of its energy and emissions."""
    asked = given.parameters
    seconds = bench.trained.cost["train_seconds"] + float(
        bench.trained.parameters.get("pretraining_seconds", 0.0)
    )
    timed = Measurement.exact("training_seconds", seconds, n=1, unit="seconds")
    watts = asked.watts
    if watts is None and _device() == "cpu":
        cores = float(bench.trained.parameters.get("threads", os.cpu_count() or 1))
        watts = cores * asked.watts_per_core + _gigabytes() * asked.watts_per_gigabyte
    if watts is None:
        why = "nothing says what the accelerator drew; name audit_parameters.cost.watts"
        return [timed, *_undefined(why, why)]
    energy = seconds * watts * asked.power_usage_effectiveness / _JOULES
    kwh = Measurement(name="training_energy", value=energy, n=1, unit="kWh")
    if asked.grams_per_kwh is None:
        why = "name audit_parameters.cost.grams_per_kwh of the place where training ran"
        return [timed, kwh, _undefined(why, why)[1]]
    grams = energy * asked.grams_per_kwh
    return [timed, kwh, Measurement(name="training_emissions", value=grams, n=1, unit="g CO2e")]


def _undefined(energy: str, emissions: str) -> list[Measurement]:
    return [
        Measurement(name="training_energy", value=None, n=0, unit="kWh", problem=energy),
        Measurement(name="training_emissions", value=None, n=0, unit="g CO2e", problem=emissions),
    ]


def _gigabytes() -> float:
    """Of the machine's memory; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    except (AttributeError, ValueError, OSError):
        return 0.0


def _latency(given: AuditInput, bench: Bench) -> list[Measurement]:
    """Seconds from a single input to its answer, on the machine of the audit and with what else it does."""
    asked, total = given.parameters, len(given.answers.ids)
    draw = np.random.default_rng([given.seed, 47])
    rows = draw.choice(total, min(asked.latency_rows, total), replace=False) if total else np.zeros(0, int)  # fmt: skip
    taken: list[float] = []
    for number, row in enumerate([*rows[:_WARM].tolist(), *rows.tolist()]):
        mask = np.arange(total) == row
        like, inputs = given.answers.keep(mask), [bench.inputs[row]]
        began = time.perf_counter()
        bench.answer(inputs, like)
        if number >= _WARM:
            taken.append(time.perf_counter() - began)
        if sum(taken) > asked.latency_seconds and len(taken) >= _FEWEST_TIMED:
            break
    values = np.array(taken)
    return [_quantile("latency_median", values, 0.5), _quantile("latency_p95", values, 0.95)]


def _quantile(name: str, seconds: Floats, share: float) -> Measurement:
    if not len(seconds):
        return Measurement(name=name, value=None, n=0, unit="seconds", problem="there are no rows")
    return Measurement(
        name=name, value=float(np.quantile(seconds, share)),
        interval=quantile_interval(seconds, share), n=len(seconds), unit="seconds",
    )  # fmt: skip
