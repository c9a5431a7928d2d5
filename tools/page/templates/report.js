"use strict";
// The samples are all in the page; without this script all are shown, the worst first.
const FIRST = 24;
for (const root of document.querySelectorAll("[data-gallery]")) {
  const gallery = root.querySelector(".gallery");
  const samples = [...gallery.children];
  const byName = (name) => root.querySelector(`[data-filter="${name}"]`);
  const classes = byName("class"), kinds = byName("kind");
  const order = root.querySelector("[data-order]");
  const count = root.querySelector(".count"), more = root.querySelector(".more");
  let all = false;
  const matches = (sample) => {
    const label = classes ? classes.value : "", kind = kinds ? kinds.value : "";
    if (!label && !kind) return true;
    return sample.dataset.outcomes.split(" ").some((token) => {
      const [tokenLabel, tokenKind] = token.split(":");
      return token && (!label || label === tokenLabel) && (!kind || kind === tokenKind);
    });
  };
  const show = () => {
    const chosen = samples.filter(matches);
    if (order.value === "best") chosen.reverse();
    const shown = all ? chosen : chosen.slice(0, FIRST);
    for (const sample of samples) sample.hidden = true;
    for (const sample of shown) {
      sample.hidden = false;
      gallery.append(sample);
    }
    count.textContent = `${shown.length} of ${chosen.length} shown`;
    more.hidden = shown.length === chosen.length;
  };
  for (const select of root.querySelectorAll("select")) {
    select.value = select.options[0].value;
    select.addEventListener("change", () => { all = false; show(); });
  }
  more.addEventListener("click", () => { all = true; show(); });
  root.querySelector(".filters").hidden = false;
  show();
}
const details = document.querySelectorAll("details");
addEventListener("beforeprint", () => { for (const each of details) each.open = true; });
