import numpy as np

from tscnn.reconstruction.gaps import interpolate


def test_lines_in_gaps_of_a_season_go_between_the_means_of_seasons():
    rows = np.array([[9.0, 1, 3, np.nan, np.nan, np.nan, 8, 12, 0, np.nan, 4]]).T
    np.testing.assert_allclose(interpolate(rows, 2)[3:6, 0], [4.0, 6.0, 8.0])
    np.testing.assert_allclose(interpolate(rows, 4)[3:6, 0], [4.25, 5.5, 6.75])
    assert interpolate(rows, 2)[9, 0] == 2.0
    np.testing.assert_array_equal(interpolate(rows[3:], 2)[:3, 0], [8.0, 8.0, 8.0])
