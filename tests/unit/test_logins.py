"""Who sits at the shell is known by more than a typed name."""

import argparse
import os
import pwd
from pathlib import Path

import pytest

from include.domain.people import is_same_person, name_of, named
from tieout.commands import login as logins

OWN = pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("ann", " ANN ", True),
        ("ann", "bob", False),
        ("ann (svc)", "bob (svc)", True),  # one login, two typed names
        ("ann (anna)", "bob (robert)", False),
        ("ann (anna)", "anna", True),  # in Airflow or the API by her login
        ("bob", "ann (bob)", True),
        ("tieout", "ann (tieout)", False),  # the machine asked; a login has its name
        ("ann (tieout)", "bob (tieout)", True),
        ("ann (svc)", "ANN (other)", True),
        ("", "", True),
        ("", "ann (anna)", False),
    ],
)
def test_a_name_and_a_login_are_both_compared(one: str, other: str, is_same: bool) -> None:
    assert is_same_person(one, other) is is_same
    assert is_same_person(other, one) is is_same


def test_a_login_is_written_where_it_is_another_name() -> None:
    assert named("ann", "svc") == "ann (svc)"
    assert named("Ann", "ann") == "Ann"
    assert [name_of(text) for text in ("ann (svc)", "ann")] == ["ann", "ann"]


@pytest.mark.parametrize("who", ["", " ", "ann (anna)", "ann)"])
def test_a_login_cannot_be_typed(who: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="without brackets"):
        logins.signature(who)


@pytest.mark.parametrize(
    ("kernel", "sudo", "found"),
    [
        ("0", "ann", "root"),  # the kernel's record counts, whatever the environment says
        (str(2**32 - 1), "ann", "ann"),
        (str(2**32 - 1), "", OWN),
        (str(2**32 - 1), "ann (bob)", OWN),
        ("4294967000", "", "uid 4294967000"),
        (None, "ann", "ann"),
    ],
)
def test_the_login_is_the_kernels_record_then_sudos_then_the_processs_user(
    kernel: str | None, sudo: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kernel is not None:
        (tmp_path / "loginuid").write_text(kernel)
    monkeypatch.setattr(logins, "_KERNEL", tmp_path / "loginuid")
    monkeypatch.setenv("SUDO_USER", sudo)
    monkeypatch.setenv("LOGNAME", "somebody")  # what the shell claims is not asked
    assert logins.login() == found
