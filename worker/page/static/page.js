// Keeps parts of a view up to date: an element with data-live="ADDRESS" is filled anew with what that address answers.
// Nothing here is needed: without it, the view shows what was so when it was opened.
"use strict";

const EVERY = 5_000; // milliseconds

async function renew(part) {
  const answer = await fetch(part.dataset.live, { headers: { Accept: "text/html" } });
  if (answer.redirected || answer.status === 403 || answer.status === 404) {
    location.reload(); // the session has ended, or the account is gone: the server says so
    return;
  }
  if (!answer.ok) return; // it is busy; the next look is soon
  const text = await answer.text();
  if (text === part.dataset.seen || part.contains(document.activeElement)) return;
  part.dataset.seen = text;
  part.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
}

async function renewAll() {
  if (document.hidden) return;
  const parts = [...document.querySelectorAll("[data-live]")];
  await Promise.allSettled(parts.map(renew)); // the network may be away for a moment
}

async function follow() {
  await renewAll();
  setTimeout(follow, EVERY);
}

setTimeout(follow, EVERY);
document.addEventListener("visibilitychange", renewAll);
