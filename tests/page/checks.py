"""What holds for every page: axe finds nothing, nothing is beside the screen, no word is broken."""

from __future__ import annotations

from typing import Any, Final

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Locator, Page

MOST_TABS: Final = 200

BESIDE: Final = """() => {
  const root = document.scrollingElement, width = root.clientWidth, found = [];
  const name = (it) => `<${it.tagName.toLowerCase()} ${it.className}> ${it.textContent.trim().slice(0, 60)}`;
  const typed = new Set(['TEXTAREA', 'INPUT', 'SELECT']);
  const away = (it) => it.getBoundingClientRect().right <= 0;  // for screen readers alone
  for (const it of document.body.querySelectorAll('*')) {
    const style = getComputedStyle(it), scrolls = ['auto', 'scroll'].includes(style.overflowX);
    if (typed.has(it.tagName) || away(it)) continue;
    if (scrolls && it.scrollWidth > it.clientWidth + 1) found.push(`scrolls sideways: ${name(it)}`);
    if (it.getBoundingClientRect().right > width + 1) found.push(`reaches beyond the screen: ${name(it)}`);
  }
  if (root.scrollWidth > width) found.push(`the page is ${root.scrollWidth} px wide, the screen ${width}`);
  return found;
}"""
"""What is wider than the screen; in controls, what somebody typed may be."""

BROKEN: Final = """() => {
  const found = [], range = document.createRange();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    if (!text.parentElement.checkVisibility()) continue;
    for (const word of text.data.matchAll(/[\\p{L}\\p{N}]+/gu)) {
      if (word[0].length > 20) continue;  // has to break somewhere
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      const lines = new Set([...range.getClientRects()].map((it) => Math.round(it.top)));
      if (lines.size > 1) found.push(`${word[0]}, in: ${text.parentElement.textContent.trim()}`);
    }
  }
  return found;
}"""
"""Words that begin on one line and end on another one."""


async def assert_axe_finds_nothing(page: Page) -> None:
    """The rules of WCAG and of good practice that a program can judge, colours included.

    It is a script: in a window without scripts it never ends.
    """
    results = await Axe().run(page)
    found = [_finding(each) for each in results.response["violations"]]
    assert not found, f"axe finds on {page.url}:\n" + "\n".join(found)


def _finding(violation: dict[str, Any]) -> str:
    places = [
        f"    {' '.join(map(str, node['target']))}: {node['html'][:160]}" for node in violation["nodes"]
    ]
    return "\n".join([f"- {violation['help']} ({violation['id']}, {violation['impact']})", *places])


async def assert_nothing_beside_the_screen(page: Page) -> None:
    """Nobody has to scroll sideways, neither the page nor a part of it."""
    found = await page.evaluate(BESIDE)
    assert not found, f"on {page.url}:\n" + "\n".join(found)


async def assert_words_are_whole(page: Page) -> None:
    """Lines end between words; in an address, after a sign such as the @."""
    found = await page.evaluate(BROKEN)
    assert not found, f"words are broken on {page.url}:\n" + "\n".join(found)


async def assert_well_made(page: Page) -> None:
    """All that can be asked of every page as it stands in its window."""
    await page.wait_for_load_state()  # whoever came by a click may have no styles yet
    await assert_axe_finds_nothing(page)
    await assert_nothing_beside_the_screen(page)
    await assert_words_are_whole(page)


async def tab_to(page: Page, wanted: Locator) -> None:
    """Go to a control as somebody without a mouse does, and see that the browser shows where one is."""
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        if await wanted.evaluate("it => it === document.activeElement"):
            shown = await wanted.evaluate("it => getComputedStyle(it).outlineStyle !== 'none'")
            assert shown, f"nothing shows that {await wanted.inner_text()!r} has the focus"
            return
    raise AssertionError(f"{wanted} is not reached by {MOST_TABS} times Tab")
