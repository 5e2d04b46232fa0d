import math

import pytest

from tscnn.common.processes import call_afresh


@pytest.mark.slow
def test_errors_of_a_new_process_are_raised():
    with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
        call_afresh(math.sqrt, -1)
    with pytest.raises((AttributeError, TypeError), match="pickle"):
        call_afresh(lambda: 1)
