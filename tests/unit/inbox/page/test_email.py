from __future__ import annotations

from vectorwatch.inbox.page.email import MAIL_POLICY, SANDBOX, mail_document


def test_two_walls_stand_around_a_mail_each_enough_alone() -> None:
    directives = dict(directive.strip().partition(" ")[::2] for directive in MAIL_POLICY.split(";"))
    assert directives["default-src"] == "'none'"
    assert "script-src" not in directives
    assert directives["sandbox"] == SANDBOX
    assert not {"allow-scripts", "allow-forms", "allow-top-navigation", "allow-modals"} & set(SANDBOX.split())


def test_links_of_a_mail_open_a_tab_and_its_own_doctype_does_no_harm() -> None:
    document = mail_document("<!DOCTYPE html><html><body>ü\ud800</body></html>").decode()
    assert document.startswith('<!doctype html><meta charset="utf-8"><base target="_blank"><!DOCTYPE html>')
    assert "ü?" in document
