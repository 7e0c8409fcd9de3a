"""Builds transformers' networks of images whose head depends on the classes, from bytes; it knows no architecture's names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lextune.errors import ModelError, Problem
from lextune.tasks.base import Files
from lextune.tasks.pretrained import library_config, quiet, read_json, read_weights, refused


@dataclass(frozen=True)
class Built:
    """A network as the library built it.

    Attributes:
        model: With what the weights held.
        report: The library's word on tensors that are missing, misfit or left over.
        same_head: Whether the files' classes are those that were asked for, in their order.
    """

    model: Any
    report: dict[str, Any]
    same_head: bool


def build(
    files: Files, classes: Sequence[str], family: str, head: re.Pattern[str], *, new_head: bool, what: Problem,
    adjust: Callable[[Any], None] | None = None,
) -> Built:  # fmt: skip
    """The network that config.json names, without a head of other classes.

    Args:
        files: In the layout of a hub.
        classes: Names.
        family: The automatic class of transformers that knows such networks.
        head: Finds the names of the tensors that depend on the classes.
        new_head: Whether a head of other classes is left out.
        what: What to say where the family has no such architecture.
        adjust: Changes the library's config before it is used.

    Raises:
        ModelError: transformers knows or builds no such network.
    """
    import transformers

    numbered = dict(enumerate(classes))
    config = library_config(
        files, id2label=numbered, label2id={name: index for index, name in numbered.items()}
    )
    library_class = getattr(transformers, family)._model_mapping.get(type(config), None)
    if library_class is None:
        raise ModelError(what)
    if adjust is not None:
        adjust(config)
    named = read_json(files, "config.json").get("id2label")
    same = named == {str(index): name for index, name in numbered.items()}
    state = read_weights(files)
    if new_head and not same:
        # a head of other classes would teach their order: names travel, positions do not
        state = {name: one for name, one in state.items() if not head.search(name)}
    with quiet(), refused(f"transformers builds no {config.model_type!r} from config.json"):
        model, report = library_class.from_pretrained(
            None, config=config, state_dict=state, output_loading_info=True,
            ignore_mismatched_sizes=True, dtype="float32",
        )  # fmt: skip
    return Built(model, report, same)


def undescribed_backbone() -> ModelError:
    """Of a config that names its backbone by a word that transformers would look up."""
    return ModelError(
        Problem(
            "config.json of the model names its backbone, but does not describe it",
            "put the backbone's own config there as `backbone_config`",
            "no hub is asked while a model is built",
        )
    )


def refuse_other_tensors(wrong: Sequence[str], misfits: Sequence[str], left: Sequence[str]) -> None:
    """Refuse weights of which some tensors are missing, have another shape or have no place.

    Raises:
        ModelError: There are such tensors.
    """
    if wrong or misfits or left:
        raise ModelError(
            Problem(
                f"the weights lack {len(wrong)}, misfit {len(misfits)} and have {len(left)} tensors too "
                f"many ({', '.join([*wrong, *misfits, *left][:5])})",
                "use weights that belong to this config.json",
                "a tensor that is newly initialised would answer at random",
            )
        )
