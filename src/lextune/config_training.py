"""The config's section of training, and what sections are made of; it knows no other section and no method."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from lextune.validation import Word, Words


class Section(BaseModel):
    """A part of the config: frozen, unknown keys refused, no silent conversion, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


NonEmptyWords = Annotated[Words, Field(min_length=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
#: Torch and numpy take larger seeds, but not the same ones; JSON keeps integers exact up to 2^53.
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Weight = Annotated[float, Field(gt=0)]


class AugmentationConfig(Section):
    """How images are changed from epoch to epoch in training; of each image by its seed, epoch and place alone."""

    crop_scale: float = Field(
        0.35,
        gt=0,
        le=1,
        description="Smallest share of the image's area that a crop takes (Szegedy et al. 2015); 1 crops nothing.",
    )
    horizontal_flip: float = Field(
        0.5, ge=0, le=1, description="Share of images that are mirrored."
    )
    vertical_flip: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Of object detection: share of images that are turned upside down, as in a mirror of water.",
    )
    color_jitter: float = Field(
        0.0, ge=0, lt=1, description="Largest change of brightness, contrast and saturation."
    )
    mixup_alpha: float = Field(
        0.0,
        ge=0,
        description="Of image classification: images are blended (Zhang et al. 2018); 0 blends none.",
    )
    cutmix_alpha: float = Field(
        0.0,
        ge=0,
        description="Of image classification: a piece of another image is pasted in (Yun et al. 2019); 0 pastes none.",
    )


class AudioAugmentationConfig(Section):
    """How sounds are changed from epoch to epoch in training; of each sound by its seed, epoch and place alone."""

    speed: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="Largest change of speed, pitch with it (Ko et al. 2015); 0 changes none.",
    )
    noise_snr_db: float | None = Field(
        None,
        ge=-20,
        le=100,
        description="White noise at this many decibels below the sound, or up to 20 more; null adds none.",
    )
    time_masks: int = Field(
        0, ge=0, le=100, description="Stretches of time left out (SpecAugment: Park et al. 2019)."
    )
    time_mask_share: float = Field(
        0.1, gt=0, lt=1, description="Largest share of the sound that one such stretch takes."
    )
    frequency_masks: int = Field(
        0, ge=0, le=100, description="Bands of frequencies left out (SpecAugment)."
    )
    frequency_mask_bins: int = Field(
        10, ge=1, le=64, description="Most of 80 mel bins that one such band takes."
    )


class TrainConfig(Section):
    """How to fine-tune; names are those of transformers' TrainingArguments where it has one."""

    method: str = Field(
        "full",
        description="Training method: `full` updates every weight at one learning rate, `layerwise` the deeper "
        "layers at a lower one, `lora` the head and low-rank additions to the layers, `head` the head alone; `dp_sgd` "
        "does one of them with differential privacy.",
    )
    layer_decay: float = Field(
        0.9,
        gt=0,
        le=1,
        description="Of `layerwise`: factor of the learning rate from layer to layer.",
    )
    lora_r: Count = Field(8, description="Of `lora`: rank of the updates.")
    lora_alpha: float = Field(
        16.0, gt=0, description="Of `lora`: updates are scaled by lora_alpha / lora_r."
    )
    lora_dropout: float = Field(
        0.0, ge=0, lt=1, description="Of `lora`: dropout before the updates."
    )
    lora_target_modules: NonEmptyWords = Field(
        ("all-linear",),
        description="Of `lora`: names of the linear maps of a layer (query, value), or `all-linear`.",
    )
    dp_scope: Literal["full", "lora", "head"] = Field(
        "full",
        description="Of `dp_sgd`: what is trained, as by the method of that name.",
    )
    target_epsilon: float | None = Field(
        None,
        gt=0,
        le=100,
        description="Of `dp_sgd`: most that the whole training may spend of the training rows' privacy; null is 8, or "
        "what noise_multiplier makes of it.",
    )
    target_delta: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="Of `dp_sgd`: chance with which epsilon may not hold, below 1 / training rows; null is a tenth of that.",
    )
    noise_multiplier: float | None = Field(
        None,
        ge=0.15,
        le=512,
        description="Of `dp_sgd`: standard deviation of the noise over max_grad_norm; null is the least for target_epsilon.",
    )
    freeze_embeddings: bool | Literal["auto"] = Field(
        "auto",
        description="Of `full`, `layerwise` and `dp_sgd`: leave word embeddings as they are; auto does where they are more "
        "than two thirds of the model.",
    )
    freeze_encoder: bool = Field(
        False,
        description="Of sounds, with `full`: train the decoder or the head alone, on an encoder that stays as it was.",
    )
    freeze_stages: int = Field(
        0,
        ge=0,
        le=1000,
        description="Of `full`: leave the encoder's first stages, and what comes before them, as they were pretrained.",
    )
    head_epochs: int = Field(
        0,
        ge=0,
        le=10**6,
        description="Of `full`: epochs in which the head alone is trained, before all of it is.",
    )
    backbone_lr_scale: float = Field(
        1.0, gt=0, le=1, description="Of `full`: factor of the learning rate below the head."
    )
    image_size: int | None = Field(
        None, ge=16, le=4096, description="Side of an image in pixels; null is the model's own."
    )
    crop_pct: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Share of the shorter side that the middle crop takes in prediction; null is the model's own.",
    )
    batch_norm: Literal["frozen", "trained"] = Field(
        "frozen",
        description="Of images: whether batch norms keep the pretrained statistics, which is much faster, or learn them.",
    )
    segmentation_loss: Literal["cross_entropy", "dice", "cross_entropy+dice"] = Field(
        "cross_entropy",
        description="Of semantic segmentation: what is minimised; Dice weighs all classes alike, however small.",
    )
    augmentation: AugmentationConfig = AugmentationConfig()
    audio_augmentation: AudioAugmentationConfig = AudioAugmentationConfig()
    hidden_size: Annotated[int, Field(ge=8, le=4096)] | None = Field(
        None,
        description="Of networks that a run makes: numbers in a state; null is the task's own.",
    )
    num_hidden_layers: Annotated[int, Field(ge=1, le=64)] | None = Field(
        None, description="Of networks that a run makes: layers; null is the task's own."
    )
    num_attention_heads: Annotated[int, Field(ge=1, le=64)] | None = Field(
        None, description="Of networks that a run makes: attention heads; null is the task's own."
    )
    pretrain_epochs: int = Field(
        10,
        ge=0,
        le=10**6,
        description="Of behaviour prediction: epochs of guessing hidden cells before the classes are taught, of a "
        "model without weights.",
    )
    mask_share: Share = Field(
        0.3, description="Of behaviour prediction: share of the cells that are hidden meanwhile."
    )
    epochs: Count = Field(3, description="Passes over the training part.")
    batch_size: Count = Field(32, description="Rows per forward pass.")
    gradient_accumulation_steps: Count = Field(
        1,
        description="Batches per optimiser step; it is the step of one batch with all their rows.",
    )
    learning_rate: float = Field(2e-5, gt=0, description="Peak learning rate of AdamW.")
    weight_decay: float = Field(0.01, ge=0, description="Not applied to biases and norms.")
    warmup_ratio: float = Field(0.1, ge=0, lt=1, description="Share of steps with rising rate.")
    lr_scheduler_type: Literal["linear", "cosine", "constant_with_warmup"] = Field(
        "linear", description="How the rate goes on after the warm-up."
    )
    max_grad_norm: float = Field(
        1.0,
        gt=0,
        description="Gradients are clipped to this L2 norm; with `dp_sgd` the gradient of each row.",
    )
    label_smoothing_factor: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of each label that goes to all classes alike, in the training loss.",
    )
    class_weights: (
        Literal["balanced"] | Annotated[dict[Word, Weight], Field(min_length=1)] | None
    ) = Field(
        None,
        description="Weights of the classes in the training loss: `balanced`, or a mapping of class to weight "
        "(1 for the others).",
    )
    ema_decay: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Validate and release a moving average of the weights, of which so much stays at a step.",
    )
    gradient_checkpointing: bool = Field(
        False, description="Compute layers again for the backward pass: less memory, more time."
    )
    max_length: int = Field(
        512, ge=8, le=2**20, description="Tokens per text; longer texts are cut."
    )
    dropout: float | None = Field(
        0.0, ge=0, lt=1, description="Of hidden layers and attention; null keeps the model's own."
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="auto measures which of the two this machine multiplies faster."
    )
    early_stopping_patience: Count = Field(
        2, description="Stop after so many epochs without a better validation loss."
    )
    save_steps: Count = Field(50, description="Optimiser steps between checkpoints.")
    seed: Seed = Field(42, description="Seed of initialisation, order and dropout.")
