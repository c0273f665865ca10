// A table that scrolls inside itself.
//
// Column widths are reckoned from the texts before anything is drawn and then stand fast, so that
// nothing shifts while rows arrive and a row costs the browser the same whether it is the tenth or the
// five-thousandth.

/** @import {Column, Failure, Table} from "./types.js" */

import { compare, isRight, mood, show, width } from "./cells.js";
import { button, count, h } from "./dom.js";
import { sentence, suggestion } from "./prose.js";

/** Rows shown at once; the rest when asked for, in chunks, one per frame. */
const ROWS = 200;
const CHUNK = 100;
/** The widest a column grows, in letters; longer texts wrap. */
const FIRST = 22;
const WIDEST = 40;
/** The same in a table of words, such as those of `help`. */
const WORDS = 72;

export class NocTable extends HTMLElement {
  /** @type {Table} */
  #table = { columns: [], rows: [] };
  /** @type {Failure[]} */
  #failures = [];
  /** @type {{column: number, direction: number} | null} */
  #sorted = null;
  #all = false;
  /** A newer drawing ends an older one that is still adding rows. */
  #drawing = 0;
  #element = h("table");
  #scroller = h("div", { class: "scroller", tabindex: 0, role: "region" });
  /** @type {ResizeObserver | null} */
  #observer = null;

  /**
   * @param {Table} table
   * @param {Failure[]} failures the devices without rows
   * @param {string} label
   */
  show(table, failures, label) {
    this.#table = withoutEmptyColumns(table);
    this.toggleAttribute("data-words", isWords(this.#table));
    this.#failures = failures;
    this.#scroller.setAttribute("aria-label", `Table: ${label}`);
    this.#scroller.append(this.#element);
    this.#scroller.addEventListener("scroll", () => this.#edges(), { passive: true });
    this.#frame();
    this.replaceChildren(this.#scroller);
    this.#draw();
  }

  connectedCallback() {
    this.#observer = new ResizeObserver(() => this.#edges());
    this.#observer.observe(this.#scroller);
  }

  disconnectedCallback() {
    this.#observer?.disconnect();
  }

  /** The table as aligned text, for another chat. */
  text() {
    const { columns, rows } = this.#table;
    const lines = [columns.map((column) => column.name), ...rows.map((row) => columns.map((_, index) => show(row[index])))];
    const widths = columns.map((_, index) => Math.max(...lines.map((line) => width(line[index] ?? ""))));
    const write = (/** @type {string[]} */ line) =>
      line
        .map((cell, index) => {
          const pad = " ".repeat((widths[index] ?? 0) - width(cell));
          return isRight(columns[index] ?? { name: "", type: "" }) ? pad + cell : cell + pad;
        })
        .join("  ")
        .trimEnd();
    const failed = this.#failures.map((failure) => `${failure.device}: ${failure.kind}: ${failure.message}`);
    return [...lines.map(write), ...failed].join("\n") + "\n";
  }

  /** Columns and their headings. */
  #frame() {
    const { columns, rows } = this.#table;
    const widest = isWords(this.#table) ? WORDS : WIDEST;
    const group = h("colgroup");
    const head = h("tr");
    let total = 0;
    columns.forEach((column, index) => {
      const sign = column.type === "state" && column.good?.length ? 2 : 0;
      let letters = Math.max(4, width(column.name) + 2);
      if (index === 0) for (const failure of this.#failures) letters = Math.max(letters, width(failure.device));
      for (const row of rows) letters = Math.max(letters, width(show(row[index])) + sign);
      letters = Math.min(letters, index === 0 ? FIRST : widest);
      total += letters;
      const col = h("col");
      if (index > 0) col.style.width = `calc(${letters}ch + var(--gap))`;
      else this.style.setProperty("--first", `calc(min(${letters}ch, 34cqi) + 0.9rem + var(--gap) / 2)`);
      group.append(col);
      head.append(this.#heading(column, index));
    });
    this.style.setProperty("--natural", `calc(${total}ch + ${columns.length} * var(--gap))`);
    this.#element.setAttribute("aria-rowcount", String(1 + this.#failures.length + rows.length));
    this.#element.append(group, h("thead", {}, head));
  }

  /**
   * @param {Column} column
   * @param {number} index
   */
  #heading(column, index) {
    const heading = h("th", { scope: "col", class: isRight(column) && "right" });
    heading.append(button(column.name, () => this.#sort(index), { class: "sort" }));
    return heading;
  }

  /** @param {number} column */
  #sort(column) {
    if (this.#sorted?.column !== column) this.#sorted = { column, direction: 1 };
    else this.#sorted = this.#sorted.direction === 1 ? { column, direction: -1 } : null;
    const sorted = this.#sorted;
    this.#element.querySelectorAll("thead th").forEach((heading, index) => {
      if (sorted?.column === index) heading.setAttribute("aria-sort", sorted.direction === 1 ? "ascending" : "descending");
      else heading.removeAttribute("aria-sort");
    });
    this.#draw();
  }

  /** Failures first, then the rows in their order. */
  #draw() {
    const drawing = ++this.#drawing;
    this.#element.querySelectorAll("tbody").forEach((body) => body.remove());
    this.querySelector(".more")?.remove();
    if (this.#failures.length > 0) {
      const body = h("tbody", { class: "failures" });
      body.append(...this.#failures.map((failure) => failureRow(failure, this.#table.columns.length)));
      this.#element.append(body);
    }
    let rows = this.#table.rows;
    const sorted = this.#sorted;
    if (sorted) rows = rows.toSorted((a, b) => compare(a[sorted.column], b[sorted.column], sorted.direction));
    const end = this.#all ? rows.length : Math.min(ROWS, rows.length);
    const add = (/** @type {number} */ from) => {
      if (drawing !== this.#drawing) return;
      const to = Math.min(from + (from === 0 ? ROWS : CHUNK), end);
      const body = h("tbody");
      for (const row of rows.slice(from, to)) body.append(tableRow(this.#table.columns, row));
      this.#element.append(body);
      if (to < end) requestAnimationFrame(() => add(to));
      else this.#edges();
    };
    add(0);
    if (rows.length > end) {
      this.append(button(`Show all ${count(rows.length, "row")}`, () => this.#showAll(), { class: "more" }));
    }
  }

  #showAll() {
    this.#all = true;
    this.#scroller.focus({ preventScroll: true });
    this.#draw();
  }

  /** Whether there is more to the right, for the shade at that edge. */
  #edges() {
    const { scrollLeft, scrollWidth, clientWidth } = this.#scroller;
    this.toggleAttribute("data-more", scrollWidth - clientWidth - scrollLeft > 2);
    this.toggleAttribute("data-less", scrollLeft > 2);
  }
}

/**
 * Words about words, as in `help`: wrapped and stacked on a phone, where rows of devices scroll.
 * @param {Table} table
 */
function isWords({ columns }) {
  return columns.length > 1 && columns[0]?.name !== "device" && columns.every((column) => column.type === "text");
}

/**
 * A column in which no row says anything only takes room; the files of the answer have it.
 * @param {Table} table
 * @returns {Table}
 */
function withoutEmptyColumns({ columns, rows }) {
  if (rows.length === 0) return { columns, rows };
  const kept = columns.flatMap((_, index) => (index === 0 || rows.some((row) => show(row[index]) !== "") ? [index] : []));
  if (kept.length === columns.length) return { columns, rows };
  const pick = (/** @type {any[]} */ from) => kept.map((index) => from[index]);
  return { columns: pick(columns), rows: rows.map(pick) };
}

/**
 * @param {Column[]} columns
 * @param {Table["rows"][number]} row
 */
function tableRow(columns, row) {
  const line = h("tr");
  const words = isWords({ columns, rows: [] });
  columns.forEach((column, index) => {
    const text = show(row[index]);
    const cell = index === 0 ? h("th", { scope: "row" }) : h("td");
    if (isRight(column)) cell.className = "right";
    const state = mood(column, text);
    if (text === "") cell.append(h("span", { class: "none", "aria-label": "empty" }, "–"));
    else if (state) cell.append(h("span", { class: `state ${state}` }, text));
    else if (words && column.name === "example") cell.append(suggestion(text));
    else if (words) cell.append(...sentence(text));
    else cell.append(text);
    if (state === "trouble") line.className = "troubled";
    line.append(cell);
  });
  return line;
}

/**
 * A device's failure as a row: device, kind, message, hint, and what it had said until then.
 * @param {Failure} failure
 * @param {number} columns of the table; what is left of its width counts as one more
 */
export function failureRow(failure, columns) {
  const words = h("div", { class: "failure" }, h("span", { class: "kind" }, failure.kind), " ");
  words.append(h("span", { class: "message" }, ...sentence(failure.message)));
  if (failure.hint) words.append(h("span", { class: "hint" }, ...sentence(failure.hint)));
  if (failure.partial) {
    const said = h("pre", { tabindex: 0 }, failure.partial);
    words.append(h("details", {}, h("summary", {}, "what it had said until then"), said));
  }
  return h("tr", {}, h("th", { scope: "row" }, failure.device), h("td", { colspan: Math.max(1, columns) }, words));
}

customElements.define("noc-table", NocTable);
