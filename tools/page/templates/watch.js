"use strict";
// The chosen runs are fetched again; what has not changed stays, so that a reader is not disturbed.
const SECONDS = 3;
const live = document.getElementById("live"), state = document.getElementById("state");
const address = new URL("/live", location);
address.search = location.search;
let before = null;
const fetchAgain = async () => {
  try {
    const answer = await fetch(address, { cache: "no-store" });
    const text = await answer.text();
    if (answer.ok && text !== before && !live.contains(document.activeElement)) {
      live.innerHTML = text;
      before = text;
    }
    if (answer.ok && state.dataset.lost) {
      state.textContent = "connected again";
      delete state.dataset.lost;
    }
  } catch {
    state.textContent = "The server does not answer: this is what it said last.";
    state.dataset.lost = "1";
  }
  setTimeout(fetchAgain, 1000 * SECONDS);
};
setTimeout(fetchAgain, 1000 * SECONDS);
