import os
from contextlib import contextmanager

import pytest

from tscnn.common.scopes import SharedScope


def make_scope():
    said = []

    @contextmanager
    def change():
        said.append("changed")
        yield
        said.append("restored")

    return SharedScope(change), said


def test_the_last_to_leave_restores_the_state():
    scope, said = make_scope()
    scope.__enter__()
    scope.__enter__()
    scope.__exit__()
    assert said == ["changed"]
    scope.__exit__()
    assert said == ["changed", "restored"]


def test_errors_restore_the_state_and_it_can_be_changed_again():
    scope, said = make_scope()
    for _ in range(2):
        with pytest.raises(KeyError), scope:
            {}["missing"]
    assert said == 2 * ["changed", "restored"]
    assert scope(lambda: said[-1])() == "changed"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_the_state_is_restored_in_a_forked_child():
    scope, said = make_scope()
    with scope:
        child = os.fork()
        if child == 0:
            right = said == ["changed", "restored"]
            with scope:
                right &= said[2:] == ["changed"]
            os._exit(0 if right and said[3:] == ["restored"] else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert said == ["changed"]
