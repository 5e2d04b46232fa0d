import numpy as np

from tscnn.data.windows import cut_segments
from tscnn.training.segments import SegmentBatches, StoredSegments


def test_a_cut_epoch_draws_its_batches_anew():
    segments = cut_segments([range(9, 393)], 10, 8)
    batches = SegmentBatches(segments, 4, n_looped=5, seed=3, most_batches=7)
    seen = []
    for _ in range(2):
        starts, weights = (np.concatenate(parts) for parts in zip(*(batches[i] for i in range(2)), strict=True))
        assert weights.any(axis=2).sum() == 7 * 4
        seen.append(set(starts[weights.any(axis=2)]))
        batches.on_epoch_end()
    assert len(batches) == 2
    assert len(seen[0]) == len(seen[1]) == 7 * 4
    assert seen[0] != seen[1]


def test_looped_batches_hold_every_origin_once():
    segments = cut_segments([range(9, 400)], 10, 8)
    plain, looped = SegmentBatches(segments, 4, seed=3), SegmentBatches(segments, 4, n_looped=5, seed=3)
    assert len(plain) == plain.n_batches == looped.n_batches == 13
    assert len(looped) == 3
    starts, weights = (np.concatenate(parts) for parts in zip(*(looped[i] for i in range(3)), strict=True))
    assert starts.shape == (15, 4)
    assert weights.shape == (15, 4, 8)
    assert not weights[13:].any()
    for i in range(13):
        np.testing.assert_array_equal(starts[i], plain[i][0])
        np.testing.assert_array_equal(weights[i], plain[i][1])


def test_a_stream_cuts_what_segments_hold():
    rows = np.arange(40.0).reshape(20, 2)
    stored = StoredSegments(
        rows, 5, 2, 3, ahead=lambda at: 10.0 * at[..., None], beside=rows[:, None], observed=rows < 30
    )
    seen, ahead, beside, observed = stored.cut(np.array([[3], [-2]]))
    np.testing.assert_array_equal(seen[0, 0], rows[3:10])
    np.testing.assert_array_equal(seen[1, 0], rows[[0, 0, 0, 1, 2, 3, 4]])
    np.testing.assert_array_equal(ahead[0, 0, :, 0], 10 * np.arange(6, 10))
    np.testing.assert_array_equal(beside[0, 0, :, 0], rows[5:8])
    np.testing.assert_array_equal(observed, seen < 30)
    batches = SegmentBatches(cut_segments([range(2, 14)], 3, 3), 2, n_looped=2)
    starts, batches.stored = batches[0][0], stored
    np.testing.assert_array_equal(batches[0][0][0][..., 0, 0], 2 * starts)
