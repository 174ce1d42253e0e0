from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from teams import demo
from teams.models import Person

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_one_click_signs_in_to_the_demo_and_every_page_fits_a_phone(
    live_server: Any,
    page: Page,
    page_faults: list[str],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.DEMO = True
    email = "ines@fernhill.example"
    person = Person.objects.create_user(email, demo.PASSWORD, name="Ines Kalderon", role="revops_admin")
    monkeypatch.setattr(demo, "_sign_ins", [demo.DemoSignIn("RevOps admin", email)])
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{live_server.url}/accounts/login/?next=/people/")
    page.get_by_role("button", name="RevOps admin").click()
    page.wait_for_load_state()
    page_faults.clear()  # where it leads after signing in is not the subject
    for path in ("/people/", f"/people/{person.pk}/", "/people/add/", "/profile/", "/accounts/sessions/"):
        page.goto(live_server.url + path)
        assert page.locator("h1").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    assert page_faults == []
