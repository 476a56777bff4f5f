"""A visitor's way through three pages of a site: what the server has of it is what was done, once each."""

from tests.browser.client.client_rig import Site, Visitor, path_of


def test_what_is_done_on_three_pages_is_stored_once_each(visitor: Visitor, site: Site) -> None:
    visitor.open("/?utm_source=news&utm_medium=mail")
    visitor.page.click("#buy")
    visitor.run("sessionvision.capture('lamp_wished', {price: 49.9, colours: ['red']})")
    visitor.page.click("#to-products")
    visitor.page.wait_for_url("**/products.html")
    visitor.page.click("text=Desk lamp")
    visitor.page.click("#sort")
    visitor.page.click("#reviews-link")
    visitor.page.go_back()
    visitor.page.reload()
    visitor.page.goto(site.url + "/contact.html")
    visitor.run("sessionvision.identify('bob', {plan: 'pro'})")
    visitor.page.click("#send")
    visitor.page.close()
    events = visitor.expect(
        *("$pageview", "$click", "lamp_wished", "$click", "$pageleave"),
        *(
            "$pageview",
            "$click",
            "$pageleave",
            "$pageview",
            "$click",
            "$click",
            "$pageleave",
            "$pageview",
            "$pageleave",
            "$pageview",
        ),
        *("$pageleave", "$pageview", "$pageleave", "$pageview", "$identify", "$click", "$submit", "$pageleave"),
    )
    views = [(path_of(site, event), event["properties"]["$title"]) for event in events if event["event"] == "$pageview"]
    assert views == [
        ("/?utm_source=news&utm_medium=mail", "Lamps and more"),
        ("/products.html", "Products"),
        ("/products/desk-lamp", "Desk lamp"),
        ("/products/desk-lamp?sort=price#reviews", "Desk lamp"),
        ("/products/desk-lamp?sort=price", "Desk lamp"),
        ("/products/desk-lamp?sort=price", "Products"),
        ("/contact.html", "Contact ***"),
    ]
    assert len({event["session_id"] for event in events}) == 1
    assert len({event["anonymous_id"] for event in events}) == 1
    assert {event["properties"].get("utm_source") for event in events if event["event"] != "$identify"} == {"news"}
    wished = events[2]["properties"]
    assert (wished["price"], wished["colours"], wished["$lib"]) == (49.9, ["red"], "web")
    assert (wished["$language"], wished["$timezone"]) == ("en-GB", "Europe/Berlin")
