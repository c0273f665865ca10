// The line to type in, with completion and history.
//
// Arrows: in the list while it is open, else through the history. Tab takes the chosen completion,
// or the first. Escape closes the list.

/** @import {Completion} from "./types.js" */

import { h } from "./dom.js";
import { History } from "./history.js";

/** Between a key and the question what could follow. */
const PAUSE = 40;

/** A store that forgets, where the browser forbids the real one. */
function storage() {
  try {
    return localStorage;
  } catch {
    return { getItem: () => null, setItem: () => {} };
  }
}

export class NocPrompt extends HTMLElement {
  /**
   * Asks for completions of a text.
   * @type {(id: string, text: string) => void}
   */
  onComplete = () => {};
  /**
   * Asks a question; false when it could not be sent, and then it stays in the line.
   * @type {(text: string) => boolean}
   */
  onAsk = () => false;
  #history = new History(storage());
  #input = h("input", {
    id: "ask", type: "text", autocomplete: "off", autocapitalize: "none", autocorrect: "off", spellcheck: "false",
    enterkeyhint: "send", placeholder: "vrf r1", "aria-label": "Question", role: "combobox", "aria-expanded": "false",
    "aria-controls": "completions", "aria-autocomplete": "list",
  });
  #list = h("ul", { id: "completions", role: "listbox", "aria-label": "Completions", hidden: true });
  #submit = h("button", { class: "primary", type: "submit" }, "Ask");
  /** @type {Completion[]} */
  #items = [];
  #chosen = -1;
  #asked = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  connectedCallback() {
    const form = h("form", { class: "prompt" }, this.#list, h("label", { for: "ask", "aria-hidden": "true" }, "›"), this.#input, this.#submit);
    this.replaceChildren(form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#input.addEventListener("input", () => {
      this.#history.reset();
      this.#want();
    });
    this.#input.addEventListener("paste", (event) => this.#paste(event));
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("blur", () => this.#close());
  }

  /** @param {boolean} online */
  set online(online) {
    this.#submit.textContent = online ? "Ask" : "Offline";
    this.#submit.classList.toggle("off", !online);
  }

  /**
   * Writes a text into the line.
   * @param {string} text
   */
  write(text) {
    this.#input.value = text;
    this.#close();
    this.focus();
    this.#input.setSelectionRange(text.length, text.length);
  }

  /** @param {string} text */
  remember(text) {
    this.#history.add(text);
  }

  /** @override */
  focus() {
    this.#input.focus({ preventScroll: true });
  }

  /**
   * @param {string} id
   * @param {Completion[]} items
   */
  complete(id, items) {
    if (id !== `k${this.#asked}` || document.activeElement !== this.#input) return;
    const before = this.#before();
    const [only] = items;
    const done = items.length === 1 && only && before.slice(only.start) === only.text;
    this.#items = done ? [] : items;
    this.#chosen = -1;
    this.#list.replaceChildren(...this.#items.map((item, index) => this.#option(item, index)));
    this.#list.scrollTop = 0;
    this.#expand();
  }

  /**
   * @param {Completion} item
   * @param {number} index
   */
  #option(item, index) {
    const option = h("li", { role: "option", id: `completion-${index}`, "aria-selected": "false" },
      h("span", { class: "word" }, item.text), h("span", { class: "help" }, item.help));
    // Keeps the keyboard of a phone open.
    option.addEventListener("pointerdown", (event) => event.preventDefault());
    option.addEventListener("click", () => this.#take(index));
    return option;
  }

  #before() {
    return this.#input.value.slice(0, this.#input.selectionStart ?? this.#input.value.length);
  }

  #want() {
    clearTimeout(this.#timer);
    const id = `k${++this.#asked}`;
    if (this.#input.value.trim() === "") return this.#close();
    this.#timer = setTimeout(() => this.onComplete(id, this.#before()), PAUSE);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#asked += 1;
    this.#items = [];
    this.#chosen = -1;
    this.#expand();
  }

  #expand() {
    const open = this.#items.length > 0;
    this.#list.hidden = !open;
    this.#input.setAttribute("aria-expanded", String(open));
    this.#mark();
  }

  #mark() {
    [...this.#list.children].forEach((option, index) => {
      option.setAttribute("aria-selected", String(index === this.#chosen));
      if (index === this.#chosen) option.scrollIntoView({ block: "nearest" });
    });
    if (this.#chosen < 0) this.#input.removeAttribute("aria-activedescendant");
    else this.#input.setAttribute("aria-activedescendant", `completion-${this.#chosen}`);
  }

  /** @param {number} index */
  #take(index) {
    const item = this.#items[index];
    if (!item) return;
    const before = this.#before();
    const after = this.#input.value.slice(before.length);
    const gap = /[\s=:@,/]$/.test(item.text) || /^\s/.test(after) ? "" : " ";
    const head = before.slice(0, item.start) + item.text + gap;
    this.#input.value = head + after;
    this.#input.setSelectionRange(head.length, head.length);
    this.#close();
    this.#want();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    const open = this.#items.length > 0;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (open && step) {
      // One place more than there are items: the line itself, with nothing chosen.
      const places = this.#items.length + 1;
      this.#chosen = ((this.#chosen + 1 + step + places) % places) - 1;
      this.#mark();
    } else if (step) {
      const line = step < 0 ? this.#history.previous(this.#input.value) : this.#history.next();
      if (line === null) return;
      this.#input.value = line;
      this.#input.setSelectionRange(line.length, line.length);
    } else if (open && event.key === "Tab" && !event.shiftKey) {
      this.#take(Math.max(0, this.#chosen));
    } else if (open && event.key === "Enter" && this.#chosen >= 0) {
      this.#take(this.#chosen);
    } else if (open && event.key === "Escape") {
      this.#close();
    } else {
      return;
    }
    event.preventDefault();
  }

  /**
   * A line of input drops newlines and would join the words around them.
   * @param {ClipboardEvent} event
   */
  #paste(event) {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!/[\r\n]/.test(text.trim())) return;
    event.preventDefault();
    const { selectionStart, selectionEnd, value } = this.#input;
    const line = text.trim().replace(/\s*[\r\n]+\s*/g, " ");
    this.#input.setRangeText(line, selectionStart ?? value.length, selectionEnd ?? value.length, "end");
    this.#want();
  }

  #send() {
    const text = this.#input.value.trim();
    this.#close();
    if (text === "" || !this.onAsk(text)) return;
    this.#input.value = "";
  }
}

customElements.define("noc-prompt", NocPrompt);
