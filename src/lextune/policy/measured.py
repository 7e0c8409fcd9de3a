"""Names of the measurements that rooms give besides metrics and audits; it measures nothing.

What tasks and audits measure they say themselves; a caller that knows them adds their names.
"""

from __future__ import annotations

#: By room. A name that ends in a dot stands for one of each column.
ROOM_MEASUREMENTS: dict[str, tuple[str, ...]] = {
    "prepare": (
        "train_rows", "validation_rows", "test_rows", "unreadable_rows", "empty_text_rows",
        "duplicate_rows", "conflicting_rows", "dropped_train_rows",
        "near_duplicate_rows", "near_conflicting_rows",
        "leaked_test_rows", "leaked_test_rows_found", "leaked_test_rows_conflicting",
        "near_leaked_test_rows", "near_leaked_validation_rows",
        "shared_group_test_rows", "shared_speaker_test_rows", "future_training_share",
        "consent_share", "rows_without_consent", "erased_rows",
        "personal_identifier_rows", "personal_data_rows", "sensitive_personal_data_rows",
        "transcript_personal_data_rows", "transcript_sensitive_personal_data_rows",
        "face_rows", "image_metadata_rows", "sound_metadata_rows",
        "missing_cells", "smallest_cell_rows", "class_imbalance_ratio",
        "likely_label_error_share", "label_check_accuracy", "main_language_share",
        "keyword_library_size", "source_illegal_share",
        "manual_check_pass_share", "manual_check_sample_size", "manual_check_reviewers",
        "technical_check_pass_share", "technical_check_sample_share",
        "empty_image_share", "small_box_share", "crowd_box_share", "mean_boxes_per_image",
        "void_pixel_share", "rarest_class_pixel_share",
    ),
    "train": (
        "changed_weight_tensors", "relative_weight_change", "truncated_train_rows",
        "first_training_loss", "best_validation_loss", "pretraining_rows",
        "first_pretraining_loss", "pretraining_validation_loss",
        "privacy_epsilon", "privacy_delta", "canaries_inserted", "canaries_held_back",
        "unknown_token_share",
    ),
    "evaluate": ("evaluated_share", "failed_metrics", "training_rows"),
}  # fmt: skip
