"""One file per task: columns, preprocess, collate, head, loss, decode, metrics, baselines; a task knows no run."""
