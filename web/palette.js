// What can be asked: on the empty page, and behind the button.

/** @import {Hello} from "./types.js" */

import { h } from "./dom.js";
import { suggestion } from "./prose.js";

export class NocPalette extends HTMLElement {
  /** @param {Hello} hello */
  show(hello) {
    const cards = hello.verbs.map((verb) =>
      h("li", { class: "card" },
        h("h3", {}, verb.name),
        h("p", {}, verb.help),
        h("div", { class: "examples" }, ...verb.examples.map((example) => suggestion(example, true))),
      ),
    );
    this.replaceChildren(
      h("h2", {}, "Ask the network"),
      h("p", { class: "muted" }, "Type a question, or tap one of these. A bar works on the rows: ",
        h("code", {}, "| where …"), ", ", h("code", {}, "| count"), ", ", h("code", {}, "| sort …"), "."),
      h("ul", { class: "cards" }, ...cards),
    );
  }
}

customElements.define("noc-palette", NocPalette);

/**
 * The palette in a dialog; picking something closes it.
 * @param {Hello} hello
 */
export function openPalette(hello) {
  const palette = new NocPalette();
  palette.show(hello);
  const shut = h("form", { method: "dialog" }, h("button", { class: "quiet", "aria-label": "Close" }, "Close"));
  const dialog = h("dialog", { class: "sheet", "aria-label": "Examples" }, shut, palette);
  dialog.addEventListener("noc-suggest", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
