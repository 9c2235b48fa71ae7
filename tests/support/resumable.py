"""A training run with all that a checkpoint must carry; as a script, the process that test_resume kills."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

import nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 2))
y = np.where(X[:, 0] * X[:, 1] > 0, 1, -1)


def run(
    directory: Path | None, epochs: int = 40, dropout: float = 0.2, activation: str = "tanh", **options: Any
) -> tuple[nn.Module, nn.History]:
    """Train a small network with dropout, batch statistics, Adam, a schedule and early stopping."""
    model = nn.MLP(2, [4, 1], activation, norm="batch", dropout=dropout, seed=1)
    optimizer = nn.Adam(model.parameters(), lr=0.03)
    given = {
        "batch_size": 8,
        "validation": 0.2,
        "metric": "accuracy",
        "schedule": nn.ReduceLROnPlateau(optimizer, patience=3, factor=0.8),
        "clip_norm": 1.0,
        "callbacks": [nn.EarlyStopping(patience=epochs)],
        "seed": 2,
        "compiled": False,
        "checkpoint": directory,
        **options,
    }
    return model, nn.fit(model, X, y, nn.hinge, optimizer, epochs, **given)


if __name__ == "__main__":
    run(Path(sys.argv[1]), resume=True)
