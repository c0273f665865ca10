// A device's own words.

import { copyButton, count, h, button } from "./dom.js";

/** Lines that are shown at once. */
const LINES = 400;

export class NocCode extends HTMLElement {
  /**
   * @param {string} title
   * @param {string} text
   */
  show(title, text) {
    const lines = text.split("\n");
    const pre = h("pre", { tabindex: 0, role: "region", "aria-label": title });
    const code = h("code", {}, lines.slice(0, LINES).join("\n"));
    pre.append(code);
    const head = h("div", { class: "code-head" }, h("span", { class: "code-title" }, title), copyButton(title, () => text));
    this.replaceChildren(head, pre);
    if (lines.length > LINES) {
      const all = button(`Show all ${count(lines.length, "line")}`, () => {
        code.textContent = text;
        all.remove();
        pre.focus();
      }, { class: "more" });
      this.append(all);
    }
  }
}

customElements.define("noc-code", NocCode);
