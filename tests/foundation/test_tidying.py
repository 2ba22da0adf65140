"""A process that dies between a file's bytes and its row leaves the bytes; half an hour later they are gone, and nothing else is."""

import os
import time
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile

from applications.actions import drafts
from portal.foundation.core import moments, tidying
from tests.factories import Person
from tests.made_files import PDF

LONG = 31 * 60  # seconds


def test_only_old_files_without_a_row_go(ling: Person, settings: LazySettings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    draft = drafts.start(actor=ling.actor, now=moments.now())
    paper = SimpleUploadedFile("年报.pdf", PDF)
    kept = drafts.attach(draft.pk, paper, kind="licence", actor=ling.actor, now=moments.now())
    left, fresh = tmp_path / "applications/attachment/left", tmp_path / "applications/attachment/fresh"
    for path in (left, fresh):
        path.write_bytes(b"%PDF")
    for path in (left, Path(kept.file.path)):
        os.utime(path, (time.time() - LONG,) * 2)
    assert tidying.tidy() == 1
    assert not left.exists()
    assert fresh.exists()
    assert Path(kept.file.path).exists()
    assert tidying.tidy() == 0


def test_an_empty_place_is_no_error(db: None, settings: LazySettings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "nothing"
    with pytest.raises(StopIteration):
        next(tidying.orphans())
