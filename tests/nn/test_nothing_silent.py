"""Files, metrics, labels and runs that go on: each case is right or refused, and never wrong without a word.

One line a case: its name, a call with an empty directory, and what must come: an oracle's value, or an error's words.
"""

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from sklearn import metrics

import autograd as ag
import nn
from autograd import Value
from autograd.files import write_whole
from nn.metrics import accuracy as direct

pytestmark = pytest.mark.once

X = np.linspace(-1.0, 1.0, 8)[:, None]
SIDE, CLASS = np.where(X[:, 0] > 0, 1, -1), (X[:, 0] > 0).astype(int)
HUGE = np.full((8, 1), 2**63 + 5, dtype=np.uint64)
ROWS = np.stack([CLASS, np.ones(8)], axis=1)
GAPS = np.ma.array(X, mask=X > 0.9)
NAN = np.where(CLASS == 1, np.nan, 0.0)
KINDS = (TypeError, ValueError, RuntimeError, OSError, ArithmeticError, UserWarning)


class Half(nn.Module):
    """0.5 x, untrained."""

    def __init__(self, activation: Any = None) -> None:
        self.w, self.activation = Value(0.5), activation or (lambda z: z)

    def __call__(self, x: Any) -> Any:
        return self.activation(self.w * (x if isinstance(x, float) else x[0]))


class Bare:
    """What a data frame has that matters here."""

    def __init__(self, x: Any, order: Any) -> None:
        self.x, self.index, self.order = x, self, order

    def equals(self, other: Any) -> bool:
        return bool(self.order == other.order)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.x)


def fit(y: Any = SIDE, epochs: int = 1, model: Any = None, loss: Any = nn.mse, lr: float = 0.0, **given: Any) -> Any:
    model = model or Half()
    optimizer = nn.SGD(model.parameters(), lr=lr)
    given = {name: x(optimizer) if name == "schedule" else x for name, x in given.items()}
    return nn.fit(model, given.pop("X", X), y, loss, optimizer, epochs, seed=0, compiled=False, **given)


def metric(f: Any, **given: Any) -> Any:
    return fit(**{"metric": f, **given}).metric


def accuracy(y: Any, **given: Any) -> Any:
    return metric("accuracy", y=y, **{"loss": lambda z, t: (z if isinstance(z, Value) else z[0]) ** 2, **given})[0]


def several(n: int, kind: Any = list) -> Any:
    return Half(lambda z: kind([z * k for k in range(n)]))


def column(z: Any, t: Any) -> Any:
    return (z - t[0]) ** 2


def most(optimizer: Any) -> Any:
    return nn.ReduceLROnPlateau(optimizer, "max")


def twice(folder: Path, first: Any, then: Any, epochs: tuple[int, int] = (2, 3)) -> Any:
    fit(checkpoint=folder, epochs=epochs[0], **first)
    return len(fit(checkpoint=folder, epochs=epochs[1], resume=True, **{**first, **then}))


class Counted:
    """A callback with a state of any form."""

    def __init__(self, state: Any) -> None:
        self.state = state

    def __call__(self, state: Any) -> None:
        pass

    def state_dict(self) -> Any:
        return self.state

    def load_state_dict(self, state: Any) -> None:
        self.state = state


def kept(folder: Path, state: Any) -> Any:
    fit(checkpoint=folder, callbacks=[Counted(state)])
    fit(checkpoint=folder, callbacks=[found := Counted(None)], resume=True)
    return found.state


class Forgetful:
    calls = 0

    def __call__(self, state: Any) -> None:
        self.calls += 1


class Table(nn.Module):
    def __init__(self, table: Any) -> None:
        self.w, self.table = Value(1.0), table


def saved(folder: Path, table: Any, into: Any = None) -> Any:
    nn.save(Table(table), folder / "w.safetensors")
    model = Table(np.zeros_like(table) if into is None else into)
    nn.load(model, folder / "w.safetensors")
    return model.table.tolist()


def linked(folder: Path) -> Any:
    (folder / "real").write_bytes(b"old")
    (folder / "link").symlink_to("real")
    write_whole(folder / "link", b"new")
    return (folder / "real").read_bytes(), (folder / "link").is_symlink()


def mode(folder: Path) -> Any:
    (folder / "file").touch(0o600)
    write_whole(folder / "file", b"new")
    return stat.S_IMODE((folder / "file").stat().st_mode)


def piped(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    write_whole(folder / "pipe", b"new")


def stopped(validation_loss: float) -> Any:
    history = nn.History(loss=[1.0], validation_loss=[validation_loss])
    model = Half()
    nn.EarlyStopping()(nn.TrainingState(1, 9, model, nn.SGD(model.parameters()), history))


def plateau(x: Any) -> Any:
    schedule = nn.ReduceLROnPlateau(nn.SGD([Value(0.0)]))
    schedule.step(x)
    return schedule.best


def changed_by_metric() -> Any:
    def f(outputs: Any, targets: Any) -> float:
        targets -= 5
        return 0.0

    y = SIDE * 1.0
    return fit(y, epochs=2, metric=f).loss, y.tolist() == SIDE.tolist()


def mean_error(outputs: Any, targets: Any) -> Any:
    return np.mean(np.abs(outputs - targets))


def first_less_second(first: str, second: str) -> Any:
    """A metric of two arguments with these names."""
    return eval(f"lambda {first}, {second}: float(({first} - {second})[0])")


LOSS = pytest.approx(float(np.mean((X[:, 0] / 2 - SIDE) ** 2)), rel=1e-14)
BCE = nn.binary_cross_entropy_with_logits
FORTRAN = np.asfortranarray(np.arange(6.0).reshape(2, 3))

REFUSALS = (TypeError, ValueError, RuntimeError, OSError, ArithmeticError, UserWarning)

CASES: list[tuple[str, Any, Any]] = [
    # metrics
    ("r2_score", lambda d: metric(metrics.r2_score, y=X[:, 0]), [pytest.approx(0.75, rel=1e-12)]),
    ("explained variance", lambda d: metric(metrics.explained_variance_score, y=X[:, 0]), [pytest.approx(0.75)]),
    ("roc_auc_score", lambda d: metric(metrics.roc_auc_score), [1.0]),
    ("y_true first", lambda d: metric(first_less_second("y_true", "p"), y=X[:, 0]), [-0.5]),
    ("target first", lambda d: metric(first_less_second("target", "p"), y=X[:, 0]), [-0.5]),
    ("y first", lambda d: metric(first_less_second("y", "yhat"), y=X[:, 0]), [-0.5]),
    ("y second", lambda d: metric(first_less_second("p", "y"), y=X[:, 0]), [0.5]),
    ("y and t", lambda d: metric(first_less_second("y", "t")), r"got <lambda>\(y, t\), both of which may mean targets"),
    ("f1_score of logits", lambda d: metric(metrics.f1_score, y=CLASS), "the metric cannot be computed for outputs of"),
    ("three arguments", lambda d: metric(lambda model, X, y: 0.0), r"a function of \(outputs, targets\), got"),
    ("a metric of one argument", lambda d: metric(lambda outputs: 0.0), r"a function of \(outputs, targets\), got"),
    ("a metric that is nan", lambda d: metric(lambda z, t: np.nan), [pytest.approx(np.nan, nan_ok=True)]),
    ("a metric that is None", lambda d: metric(lambda z, t: None), "must return one real number, got None"),
    ("a metric that is text", lambda d: metric(lambda z, t: "0.5"), "must return one real number, got str"),
    ("a metric that is an array", lambda d: metric(lambda z, t: z), "one real number, got a NumPy array"),
    ("a metric that is a Value", lambda d: metric(lambda z, t: Value(1.0)), "must return one real number, got Value"),
    ("a metric that is complex", lambda d: metric(lambda z, t: np.complex128(1j)), "must return one real number"),
    ("a metric of (n,) and (n, 1)", lambda d: metric(mean_error, y=X, loss=column), "NumPy pairs each output"),
    ("a metric that changes targets", lambda d: changed_by_metric(), ([LOSS, LOSS], True)),
    ("less is better", lambda d: metric(metrics.max_error, schedule=most), "of max_error less is better"),
    ("a metric by another name", lambda d: metric("f1"), "metric must be 'accuracy' or a function"),
    # accuracy
    ("labels -1 and 1", lambda d: accuracy(SIDE), 1.0),
    ("labels 0 and 1", lambda d: accuracy(CLASS), 1.0),
    ("labels True and False", lambda d: accuracy(CLASS == 1), 1.0),
    ("labels uint8", lambda d: accuracy(CLASS.astype(np.uint8)), 1.0),
    ("labels -1, 0 and 1", lambda d: accuracy(SIDE * np.arange(8) // 4), "needs labels -1 and 1, or 0 and 1"),
    ("labels 0.5", lambda d: accuracy(CLASS * 0.5), "needs labels -1 and 1, or 0 and 1, for one output, got 0, 0.5"),
    ("regression", lambda d: accuracy(X[:, 0]), "needs labels -1 and 1, or 0 and 1"),
    ("rows [label, weight]", lambda d: accuracy(ROWS, model=several(3)), r"one-hot rows of 3 numbers, .* shape \(2,\)"),
    ("rows [label, weight] of one output", lambda d: accuracy(ROWS), "needs labels -1 and 1, or 0 and 1"),
    ("several labels a row", lambda d: accuracy(ROWS, model=several(2)), "one-hot rows of 2 numbers, .* such as"),
    ("one-hot rows", lambda d: accuracy(np.eye(2)[CLASS], model=several(2)), 1.0),
    ("one-hot rows of -1 and 1", lambda d: accuracy(2 * np.eye(2)[CLASS] - 1, model=several(2)), 1.0),
    ("a label too many", lambda d: accuracy(CLASS + 1, model=several(2)), "labels from 0 to 1 for 2 outputs"),
    ("label 2**64 - 1", lambda d: accuracy(CLASS.astype(np.uint64) - np.uint64(1), model=several(2)), "labels from 0"),
    ("accuracy itself", lambda d: direct(np.ones(2), np.array([0.5, 1.0])), "metric='accuracy' needs labels -1 and 1"),
    ("one output in a list", lambda d: accuracy(CLASS, model=several(1)), "or a list of at least two"),
    ("a sigmoid", lambda d: accuracy(CLASS, model=Half(ag.sigmoid)), "the model gives a probability"),
    ("1 / (1 + exp(-z))", lambda d: accuracy(CLASS, model=Half(lambda z: 1 / (1 + ag.exp(-z)))), "gives a probability"),
    # losses that apply a sigmoid or a softmax themselves
    ("two sigmoids", lambda d: fit(CLASS, model=Half(ag.sigmoid), loss=BCE), "applies a sigmoid itself"),
    ("two softmaxes", lambda d: fit(CLASS, model=several(3, ag.softmax), loss=nn.cross_entropy), "a softmax itself"),
    # labels and inputs
    ("uint64 inputs", lambda d: fit(X=HUGE, y=np.zeros(8)).loss, [float(2**62) ** 2]),
    ("uint64 targets", lambda d: fit(X=X * 0, y=HUGE[:, 0]).loss, [float(2**63) ** 2]),
    ("uint64 in predict", lambda d: nn.predict(Half(), HUGE, compiled=False).tolist(), [float(2**62)] * 8),
    ("uint8 in a loss", lambda d: nn.mse(np.array([3], np.uint8), np.array([5], np.uint8)), 4.0),
    ("int8 in a loss", lambda d: nn.mse(np.int8(100), np.int8(-100)), 40000),
    ("float16 in a loss", lambda d: nn.mse(np.float16(300.0), np.float16(0.0)), 90000.0),
    ("labels 0 and 1 for hinge", lambda d: fit(CLASS, loss=nn.hinge), "hinge: a label must be -1 or 1, got 0"),
    ("bool labels for hinge", lambda d: fit(CLASS == 1, loss=nn.hinge), "hinge: a label must be -1 or 1, got 0"),
    ("labels 0.5 for classes", lambda d: fit(CLASS * 0.5, model=several(2), loss=nn.cross_entropy), "index of a class"),
    ("labels -1 for classes", lambda d: fit(SIDE, model=several(2), loss=nn.cross_entropy), "from 0 to 1 for 2 logits"),
    ("nan labels", lambda d: fit(NAN), r"y must be finite, got 4 numbers .* first at y\[4\]"),
    ("nan labels in a step", lambda d: nn.compile_step(m := Half(), nn.mse, nn.SGD(m.parameters()))(X, NAN), "nan"),
    ("masked inputs", lambda d: fit(X=GAPS), "X must not have masked entries, got 1"),
    ("masked targets", lambda d: fit(np.ma.array(SIDE, mask=CLASS)), "y must not have masked entries, got 4"),
    ("masked inputs of predict", lambda d: nn.predict(Half(), GAPS), "X must not have masked entries"),
    ("no entry masked", lambda d: fit(X=np.ma.array(X, mask=False)).loss, [LOSS]),
    ("rows in another order", lambda d: fit(Bare(SIDE, "ba"), X=Bare(X, "ab")), "have different indexes"),
    ("rows in the same order", lambda d: fit(Bare(SIDE, "ab"), X=Bare(X, "ab")).loss, [LOSS]),
    ("words", lambda d: fit(np.array(["a"] * 8, dtype=object)), "encode words and categories as numbers"),
    ("a sparse matrix", lambda d: fit(X=scipy.sparse.csr_matrix(X)), r"Pass a sparse matrix as x\.toarray\(\)"),
    # what cannot be judged
    ("early stopping on nan", lambda d: stopped(np.nan), "EarlyStopping cannot judge epoch 1, because its loss is nan"),
    ("a plateau of nan", lambda d: plateau(np.nan), "must be a number that is not nan, got nan"),
    ("a plateau of None", lambda d: plateau(None), "metric must be a number, got None"),
    ("a plateau of a Value", lambda d: plateau(Value(0.5)), 0.5),
    # runs that go on
    ("more epochs", lambda d: twice(d, {}, {}), 3),
    ("fewer epochs", lambda d: twice(d, {}, {}, (3, 2)), "epochs: 3 finished in the checkpoint, 2 given"),
    ("no more epochs", lambda d: twice(d, {}, {}, (2, 2)), 2),
    ("other data", lambda d: twice(d, {}, {"X": X + 1e-12}), "X or y are not those of the checkpoint"),
    ("other targets", lambda d: twice(d, {}, {"y": -SIDE}), "X or y are not those of the checkpoint"),
    ("rows in another order at resume", lambda d: twice(d, {}, {"X": X[::-1]}), "X or y are not those"),
    ("another batch size", lambda d: twice(d, {}, {"batch_size": 3}), "batch_size: 32 in the checkpoint, 3 given"),
    ("another rate", lambda d: twice(d, {}, {"lr": 0.5}), r"lr: \[0.0\] at first .* \[0.5\] given"),
    ("another model", lambda d: twice(d, {}, {"model": nn.Neuron(1, seed=0)}), "Missing key"),
    ("another activation", lambda d: twice(d, {}, {"model": Half(ag.tanh)}), "activation: 'Half.* 'tanh' given"),
    ("another lambda", lambda d: twice(d, {"loss": lambda z, t: z * z}, {"loss": lambda z, t: z}), "other code"),
    ("the same lambda again", lambda d: twice(d, {}, {"loss": lambda z, t: z}, (0, 1)), 1),
    ("a state called array", lambda d: kept(d, {"array": 5}), {"array": 5}),
    ("a state with a / in its name", lambda d: kept(d, {"a/b": 1, "a": {"b": 2}}), {"a/b": 1, "a": {"b": 2}}),
    ("keys 1 and '1'", lambda d: kept(d, {1: "int", "1": "str"}), {1: "int", "1": "str"}),
    ("a tuple", lambda d: kept(d, (1, [2], (None,))), (1, [2], (None,))),
    ("a surrogate", lambda d: kept(d, {"\ud800": "\udfff"}), {"\ud800": "\udfff"}),
    ("a huge int", lambda d: kept(d, 10**5000) == 10**5000, True),
    ("a reversed array", lambda d: kept(d, np.arange(3.0)[::-1]).tolist(), [2.0, 1.0, 0.0]),
    ("a big-endian array", lambda d: kept(d, np.arange(3, dtype=">i4")).tolist(), [0, 1, 2]),
    ("a set", lambda d: kept(d, {1, 2}), "a checkpoint keeps numbers, strings, None"),
    ("a masked array in a state", lambda d: kept(d, GAPS), "a MaskedArray"),
    ("a memory that is not kept", lambda d: fit(checkpoint=d, callbacks=[Forgetful()]), "changes its attributes"),
    ("half a pair", lambda d: fit(callbacks=[type("Pair", (Forgetful,), {"state_dict": None})()]), "must have both"),
    ("two runs at once", lambda d: fit(checkpoint=d, callbacks=[lambda s: twice(d, {}, {})]), "another run is using"),
    # files
    ("a symbolic link", linked, (b"new", True)),
    ("permissions", mode, 0o600),
    ("a pipe", piped, "not a regular file"),
    ("a number for a path", lambda d: nn.save(Half(), 1), "path must be the path of a file"),  # type: ignore[arg-type]
    ("Fortran order", lambda d: saved(d, FORTRAN), FORTRAN.tolist()),
    ("an int that no float is", lambda d: saved(d, np.array([2**53 + 1])), "holds numbers that no float64 keeps"),
    ("0.5 into whole numbers", lambda d: saved(d, np.array([0.5]), np.zeros(1, int)), "an array of int64 cannot hold"),
    ("300 into bytes", lambda d: saved(d, np.array([300]), np.zeros(1, np.uint8)), "an array of uint8 cannot hold"),
    ("-1 into unsigned", lambda d: saved(d, np.array([-1]), np.zeros(1, np.uint64)), "an array of uint64 cannot hold"),
    ("bools", lambda d: saved(d, np.array([True, False])), [True, False]),
]  # fmt: skip


@pytest.mark.parametrize(("call", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_right_or_refused(call: Any, expected: Any, tmp_path: Path) -> None:
    if isinstance(expected, str):
        with pytest.raises(KINDS, match=expected):
            call(tmp_path)
    else:
        assert call(tmp_path) == expected
