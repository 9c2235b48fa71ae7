"""The tables of docs/numbers.md are what happens: every operator, every function of math and every ufunc is run."""

from number_table import CONSTANT, PAGE, REFUSED, WORKS, read, status, tables, ufuncs


def test_the_tables_are_what_happens() -> None:
    """`python tests/support/number_table.py` writes them. Names that this Python or NumPy lacks may stay in them."""
    written, found = read(PAGE.read_text(encoding="utf-8")), tables()
    assert list(written) == list(found)
    for title, names in found.items():
        assert {name: kind for name, kind in written[title].items() if name in names} == names, title
        assert len(names) > 30


def test_a_single_value_is_treated_as_an_array_is() -> None:
    assert {name: status(function) for name, function in ufuncs().items()} == {
        name: status(function, on_arrays=True) for name, function in ufuncs().items()
    }


def test_each_kind_is_recognised() -> None:
    assert status(lambda x: x * x) == WORKS
    assert status(lambda x: x > 0.5) == CONSTANT
    assert status(lambda x: float(x)) == REFUSED
