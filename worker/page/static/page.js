// Keeps parts of a view up to date: an element with data-live="ADDRESS" is filled anew with what that address answers,
// every 5 seconds, or every data-every="SECONDS"; not while the tab is hidden. What has not changed is not sent again.
// Nothing here is needed: without it, the view shows what was so when it was opened.
"use strict";

const EVERY = 5; // seconds

async function renew(part) {
  const headers = { Accept: "text/html", "If-None-Match": part.dataset.seen ?? "" };
  const answer = await fetch(part.dataset.live, { headers });
  if (answer.redirected || answer.status === 403 || answer.status === 404) {
    location.reload(); // the session has ended, or the account is gone: the server says so
    return;
  }
  if (!answer.ok) return; // nothing has changed, or it is busy; the next look is soon
  const text = await answer.text();
  if (part.contains(document.activeElement)) return;
  part.dataset.seen = answer.headers.get("ETag") ?? "";
  part.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
}

async function follow(part) {
  const wait = 1_000 * (part.dataset.every ?? EVERY);
  for (;;) {
    await new Promise((resume) => setTimeout(resume, wait));
    await renewIfSeen(part);
  }
}

async function renewIfSeen(part) {
  if (document.hidden) return;
  await renew(part).catch(() => {}); // the network may be away for a moment
}

const parts = [...document.querySelectorAll("[data-live]")];
for (const part of parts) follow(part);
document.addEventListener("visibilitychange", () => parts.forEach(renewIfSeen));
