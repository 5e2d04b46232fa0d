import numpy as np
import pytest

from tscnn import Taps, plot_receptive_field, reachable_lags

CENTRED = [Taps(3, padding="same"), Taps(3, 2, padding="same")]
VALID = [Taps(3, padding="valid"), Taps(2, 4, padding="valid")]


@pytest.mark.parametrize(
    "layers", [[], [(2, 1), (2, 2), (2, 4)], [(3, 1), (2, 8)], [(3, 1), (2, 1, 2), (3, 2)], CENTRED, VALID]
)
def test_dots_at_the_data_are_the_lags_that_are_reached(layers):
    (panel,) = plot_receptive_field(layers)
    dots = next(part for part in panel.collections if hasattr(part, "get_sizes"))
    at = np.array([x for x, level in dots.get_offsets() if level == 0])
    np.testing.assert_array_equal(np.sort(-at), reachable_lags(layers))
    assert panel.get_yticklabels()[0].get_text() == "data"


def test_rows_that_are_never_seen_are_marked():
    (panel,) = plot_receptive_field([(2, 1), (2, 4)])
    assert panel.collections[-1].get_label() == "never seen"
    assert sorted(-panel.collections[-1].get_offsets()[:, 0]) == [2, 3]
    assert panel.figure.get_suptitle() == "Receptive field: 6 rows, 2 of them never seen"


def test_the_effective_field_is_the_mean_size_of_what_rows_add(explanation):
    panels = plot_receptive_field([(2, 1), (2, 2), (2, 4)], explanation, "b")
    heights = [bar.get_height() for bar in panels[1].patches]
    own = explanation.by_lag.query("target == 'b' and lag == 0")["value"]
    assert len(heights) == 24
    np.testing.assert_allclose(heights[0], own.abs().mean())


def test_behind_a_transposed_layer_an_output_of_each_kind_is_drawn():
    (panel,) = plot_receptive_field([(2, 1, 2), Taps(2, stride=2, transposed=True)])
    dots = next(part for part in panel.collections if hasattr(part, "get_sizes")).get_offsets()
    assert [x for x, level in dots if level == 2] == [-1, 0]
    assert panel.get_yticklabels()[2].get_text() == "layer 2: transposed, kernel 2, stride 2"


class Stack:
    """Looks like a layer of Keras."""

    taps = (Taps(2), Taps(2, 2))

    def get_config(self):
        return {}


def test_a_layer_of_keras_that_is_a_stack():
    assert plot_receptive_field(Stack())[0].figure.get_suptitle() == "Receptive field: 4 rows"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([(2, 5000)],), "at most 2000 rows to be drawn"),
        (([(2, 1)], 3), "`explanation` must be"),
    ],
)
def test_errors_name_the_argument(arguments, said):
    with pytest.raises((TypeError, ValueError), match=said):
        plot_receptive_field(*arguments)


def test_unknown_targets_are_named(explanation):
    with pytest.raises(ValueError, match=r"`target` must be one of \['a', 'b', 'c'\]"):
        plot_receptive_field([(2, 1)], explanation, "z")
