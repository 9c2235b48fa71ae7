"""What fit shows and returns: the progress bar in a terminal, a pipe and a notebook, and History's words and plot."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn

pytestmark = pytest.mark.once

FULL = nn.History(
    loss=[0.5, 0.25, 0.125],
    validation_loss=[0.75, 0.5, 0.625],
    metric=[0.5, 0.75, 1.0],
    lr=[0.1, 0.1, 0.05],
    seconds=[1.0, 0.5, 0.5],
    metric_name="accuracy",
)


def train(epochs: int = 3, **options: Any) -> nn.History:
    model = nn.MLP(2, [2, 1], seed=0)
    X, y = np.eye(2).repeat(8, axis=0), np.repeat([1, -1], 8)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    return nn.fit(model, X, y, nn.hinge, optimizer, epochs, batch_size=4, seed=0, compiled=False, **options)


def test_history_says_how_it_ended() -> None:
    assert repr(FULL) == "History(3 epochs: loss 0.125, validation loss 0.625, accuracy 100.0%, lr 0.05, 2.0 s)"
    assert repr(nn.History()) == "History(0 epochs)"
    assert repr(nn.History([1.0], lr=[0.1], seconds=[0.1], interrupted=True)).endswith("interrupted in epoch 2)")


def test_history_as_a_dict_has_the_columns_that_were_measured() -> None:
    assert FULL.to_dict() == {
        "epoch": [1, 2, 3],
        "loss": [0.5, 0.25, 0.125],
        "validation_loss": [0.75, 0.5, 0.625],
        "accuracy": [0.5, 0.75, 1.0],
        "lr": [0.1, 0.1, 0.05],
        "seconds": [1.0, 0.5, 0.5],
    }
    FULL.to_dict()["loss"].append(0.0)
    assert len(FULL) == 3


def test_the_plot_shows_the_numbers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    figure = FULL.plot()
    left, right = figure.axes
    assert [line.get_label() for line in left.lines] == ["training", "validation"]
    assert [line.get_ydata().tolist() for line in left.lines] == [FULL.loss, FULL.validation_loss]
    assert [line.get_ydata().tolist() for line in right.lines] == [FULL.metric]
    assert left.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert (left.get_yscale(), right.get_title()) == ("log", "accuracy (validation)")
    figure.savefig(tmp_path / "history.png")
    zero = nn.History(loss=[1.0, 0.0]).plot()
    assert [axes.get_yscale() for axes in zero.axes] == ["linear"]
    with pytest.raises(ValueError, match="nothing to plot"):
        nn.History().plot()


def test_the_bar_shows_epoch_loss_metric_and_rate(capsys: pytest.CaptureFixture[str]) -> None:
    history = train(progress=True, validation=0.25, metric="accuracy")
    line = capsys.readouterr().out.split("\r")[-1]
    assert line.startswith("epoch 3/3 |")
    assert "00:00<00:00" in line
    assert set(line.split("|")[1]) == {"█"}, "full at the end"
    for fact in (f"loss {history.loss[-1]:.3g}", f"val {history.validation_loss[-1]:.3g}", "accuracy ", "lr 0.1"):
        assert fact in line


def test_an_interrupted_run_says_so_in_its_bar(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(state: nn.TrainingState) -> None:
        if state.epoch == 2:
            raise KeyboardInterrupt

    train(progress=True, callbacks=[interrupt])
    assert capsys.readouterr().out.split("\r")[-1].startswith("interrupted: epoch 2/3")


@pytest.mark.parametrize("progress", [None, False])
def test_no_bar_where_no_one_watches(progress: bool | None, capsys: pytest.CaptureFixture[str]) -> None:
    train(progress=progress)
    assert capsys.readouterr() == ("", "")


def test_a_plot_without_matplotlib_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'scalar-autograd\[plots\]'"):
        FULL.plot()


def test_a_notebook_keeps_one_line_of_the_bar_and_one_picture() -> None:
    nbformat = pytest.importorskip("nbformat", reason="there is no nbformat: pip install nbformat")
    nbclient = pytest.importorskip("nbclient", reason="there is no nbclient: pip install nbclient ipykernel")
    source = (
        "import warnings; warnings.simplefilter('error')\n"
        "import nn\n"
        "model = nn.Neuron(1, 'linear', seed=0)\n"
        "history = nn.fit(model, [[1.0], [2.0]], [1.0, 2.0], nn.mse, nn.SGD(model.parameters(), lr=0.1), 3,\n"
        "                 seed=0, compiled=False)\n"
        "history.plot()"
    )
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbclient.NotebookClient(book, kernel_name="python3", timeout=60).execute()
    outputs = [dict(output.data) for output in book.cells[0].outputs]
    assert [sorted(data) for data in outputs] == [["text/plain"], ["image/png", "text/plain"]]
    assert outputs[0]["text/plain"].startswith("epoch 3/3 |")
