// An answer: its blocks, the devices that failed, notes, and what can be done with it.

/** @import {Answer, Block, ErrorBlock} from "./types.js" */

import { NocCode } from "./code.js";
import { copyButton, count, h } from "./dom.js";
import { hint, prose, sentence } from "./prose.js";
import { NocTable } from "./table.js";

/** The words for how it went, and the sign that says it without colour. */
const STATUS = {
  ok: ["✓", "answered"],
  partial: ["▲", "answered in part"],
  failed: ["✕", "failed"],
  refused: ["?", "not understood"],
};

/** The endings of an answer's files. */
const FILES = { csv: "csv", json: "json", text: "txt" };

export class NocAnswer extends HTMLElement {
  /**
   * @param {Answer} answer
   * @param {(word: string) => boolean} isVerb
   * @param {HTMLElement[]} actions further buttons
   */
  show(answer, isVerb, actions) {
    this.dataset.status = answer.status;
    const parts = answer.blocks.flatMap((block) => this.#block(block, answer, isVerb));
    const first = parts.find((part) => part instanceof NocTable);
    if (answer.failures.length > 0 && !(first && takesFailures(answer))) parts.unshift(failures(answer));
    const notes = answer.notes.map((note) => h("li", {}, ...sentence(note)));
    if (notes.length > 0) parts.push(h("ul", { class: "notes", "aria-label": "Notes" }, ...notes));
    this.replaceChildren(...parts, this.#foot(answer, actions));
  }

  /**
   * @param {Block} block
   * @param {Answer} answer
   * @param {(word: string) => boolean} isVerb
   * @returns {HTMLElement[]}
   */
  #block(block, answer, isVerb) {
    switch (block.block) {
      case "table": {
        const title = block.title ? [h("h3", {}, block.title)] : [];
        const table = new NocTable();
        const isFirst = answer.blocks.find((other) => other.block === "table") === block;
        table.show(block.table, isFirst && takesFailures(answer) ? answer.failures : [], block.title ?? answer.question);
        if (block.table.rows.length > 0) return [...title, table];
        return [...title, table, h("p", { class: "empty" }, "No rows.")];
      }
      case "code": {
        const code = new NocCode();
        code.show(block.title, block.text);
        return [code];
      }
      case "text":
        return [h("div", { class: "prose" }, ...prose(block.text, isVerb))];
      case "error":
        return [refusal(block, isVerb)];
    }
  }

  /**
   * @param {Answer} answer
   * @param {HTMLElement[]} actions
   */
  #foot(answer, actions) {
    const [sign = "", word = ""] = STATUS[answer.status];
    const summary = h("p", { class: "summary" }, h("span", { class: "sign", role: "img", "aria-label": word }, sign), summarise(answer) || word);
    const buttons = h("div", { class: "actions" });
    if (this.querySelector("noc-table") || answer.blocks.some((block) => block.block === "table")) {
      buttons.append(copyButton("the table", () => [...this.querySelectorAll("noc-table")].map((table) =>
        table instanceof NocTable ? table.text() : "").join("\n")));
    }
    const hasData = answer.failures.length > 0 || answer.blocks.some((block) => block.block === "table" || block.block === "code");
    if (answer.id && (hasData || answer.file)) {
      for (const [format, ending] of Object.entries(FILES)) {
        const wanted = answer.file === format;
        if (format === "text" && !wanted) continue;
        const name = format === "text" ? "Text" : format.toUpperCase();
        const href = `/answers/${encodeURIComponent(answer.id)}.${ending}`;
        buttons.append(h("a", { class: wanted ? "file wanted" : "file", href, download: true }, wanted ? `Download ${name}` : name));
      }
    }
    buttons.append(...actions);
    return h("footer", { class: "foot" }, summary, buttons);
  }
}

/**
 * A table whose first column is the device has the failures as its own rows.
 * @param {Answer} answer
 */
function takesFailures(answer) {
  const table = answer.blocks.find((block) => block.block === "table")?.table;
  return table !== undefined && table.columns.length > 1 && table.columns[0]?.name === "device";
}

/** @param {Answer} answer */
function failures(answer) {
  const table = new NocTable();
  const columns = ["device", "failure"].map((name) => ({ name, type: "text" }));
  table.show({ columns, rows: [] }, answer.failures, `devices that failed, ${answer.question}`);
  return table;
}

/**
 * What could not be answered, with the place marked in the question.
 * @param {ErrorBlock} block
 * @param {(word: string) => boolean} isVerb
 */
function refusal({ message, place, hints }, isVerb) {
  const part = h("div", { class: "refusal" }, h("p", { class: "message" }, ...sentence(message)));
  if (place?.excerpt) {
    const letters = Array.from(place.excerpt);
    const at = Math.max(0, place.column - 1);
    let end = at + 1;
    while (end < letters.length && /[^\s,|&]/.test(letters[end] ?? "")) end++;
    const marked = h("mark", {}, letters.slice(at, end).join("") || "␣");
    part.append(h("p", { class: "excerpt" }, letters.slice(0, at).join(""), marked, letters.slice(end).join("")));
  }
  if (hints.length > 0) part.append(h("ul", { class: "hints" }, ...hints.map((text) => h("li", {}, ...hint(text, isVerb)))));
  return part;
}

/**
 * `3 rows · 1 of 6 devices failed · 412 ms`
 * @param {Answer} answer
 */
export function summarise(answer) {
  const parts = [];
  const tables = answer.blocks.flatMap((block) => (block.block === "table" ? [block.table] : []));
  if (tables.length > 0) parts.push(count(tables.reduce((sum, table) => sum + table.rows.length, 0), "row"));
  if (answer.failures.length > 0) parts.push(`${answer.failures.length} of ${count(answer.devices, "device")} failed`);
  else if (answer.devices > 0) parts.push(count(answer.devices, "device"));
  if (answer.devices > 0) {
    parts.push(answer.took_ms < 1000 ? `${answer.took_ms} ms` : `${(answer.took_ms / 1000).toFixed(1)} s`);
  }
  return parts.join(" · ");
}

customElements.define("noc-answer", NocAnswer);
