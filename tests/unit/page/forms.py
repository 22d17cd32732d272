"""A form as a browser has it: what is in its boxes, and what it sends when a button is pressed."""

from __future__ import annotations

from html.parser import HTMLParser

from multidict import MultiDict

from tests.unit.page.serve import Answer, Client


class _Reader(HTMLParser):
    """Reads the forms of a page, each with what it would send; one without a post is none."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, MultiDict[str]]] = []
        self._in_form = self._in_text = False
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form" and said.get("method") == "post":
            self.forms.append((said.get("action", ""), MultiDict()))
        if not self.forms:
            return
        boxes, name = self.forms[-1][1], said.get("name", "")
        if tag == "input" and name and (said.get("type") not in {"radio", "checkbox"} or "checked" in said):
            boxes.add(name, said.get("value", "on"))
        elif tag == "textarea" and name:
            self._in_text = True
            boxes.add(name, "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in said:
            boxes.add(self._select, said.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        self._in_text = self._in_text and tag != "textarea"
        self._select = "" if tag == "select" else self._select

    def handle_data(self, data: str) -> None:
        if self._in_text:
            boxes = self.forms[-1][1]
            name = list(boxes)[-1]
            last = boxes.popall(name)
            whole = (last[-1] or "") + data
            for each in (*last[:-1], whole.removeprefix("\n") if not last[-1] else whole):
                boxes.add(name, each)


def form_on(page: str, to: str = "") -> MultiDict[str]:
    """Return what the only form of a page sends that goes to an address."""
    reader = _Reader()
    reader.feed(page)
    found = [boxes for action, boxes in reader.forms if action.endswith(to) and "sign-out" not in action]
    assert len(found) == 1, f"{len(found)} forms go to {to!r}"
    return found[0]


def fill(form: MultiDict[str], name: str, *texts: str) -> None:
    """Fill the boxes of a name, the first of them first; those that nobody names stay as they are."""
    boxes = [(key, value) for key, value in form.items()]
    places = [at for at, (key, _) in enumerate(boxes) if key == name]
    assert len(places) >= len(texts), f"there are {len(places)} boxes called {name}"
    for at, text in zip(places, texts, strict=False):
        boxes[at] = name, text
    form.clear()
    form.extend(boxes)


async def press(client: Client, place: str, form: MultiDict[str], button: str) -> Answer:
    """Send a form by one of its buttons."""
    return await client.ask(place, MultiDict([*form.items(), ("do", button)]))
