// Sentences of the answers: `code` in backquotes, and lines beginning with two blanks.

import { h } from "./dom.js";

/**
 * A sentence; what stands in backquotes is code.
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function sentence(text) {
  return text.split(/`([^`\n]+)`/).map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

/**
 * A hint; a whole question in it can be tapped.
 * @param {string} text
 * @param {(word: string) => boolean} isVerb
 */
export function hint(text, isVerb) {
  return sentence(text).map((part) => {
    const question = part instanceof HTMLElement ? (part.textContent ?? "") : "";
    return /\s/.test(question) && isVerb(question.split(/\s/)[0] ?? "") ? suggestion(question) : part;
  });
}

/** Something that can be asked; whoever holds it sends it on to the prompt. */
export class Suggestion extends Event {
  /**
   * @param {string} text
   * @param {boolean} ask at once, instead of only writing it into the prompt
   */
  constructor(text, ask) {
    super("noc-suggest", { bubbles: true });
    this.text = text;
    this.ask = ask;
  }
}

/**
 * A question that can be tapped.
 * @param {string} text
 * @param {boolean} [ask]
 */
export function suggestion(text, ask = false) {
  const element = h("button", { type: "button", class: "suggestion" }, text);
  element.addEventListener("click", () => element.dispatchEvent(new Suggestion(text, ask)));
  return element;
}

/**
 * Plain text as paragraphs and blocks of code. A line of code that begins with a verb can be tapped.
 * @param {string} text
 * @param {(word: string) => boolean} isVerb
 * @returns {HTMLElement[]}
 */
export function prose(text, isVerb) {
  /** @type {HTMLElement[]} */
  const parts = [];
  /** @type {HTMLElement | null} */
  let code = null;
  /** @type {HTMLElement | null} */
  let paragraph = null;
  for (const line of text.split("\n")) {
    if (line.startsWith("  ")) {
      paragraph = null;
      if (!code) parts.push((code = h("div", { class: "lines" })));
      code.append(codeLine(line.slice(2), isVerb));
    } else if (line.trim() === "") {
      paragraph = null;
      if (code) code = null;
    } else {
      code = null;
      if (paragraph) paragraph.append(h("br"));
      else parts.push((paragraph = h("p")));
      paragraph.append(...sentence(line));
    }
  }
  return parts;
}

/**
 * `vrf r1     the VRFs of r1`: what stands before a gap is the question.
 * @param {string} line
 * @param {(word: string) => boolean} isVerb
 */
function codeLine(line, isVerb) {
  const [question = "", ...rest] = line.split(/\s{2,}/);
  const word = question.split(/\s/)[0] ?? "";
  if (!isVerb(word) || /[<>[\]…]/.test(question)) return h("div", { class: "line" }, line);
  return h("div", { class: "line" }, suggestion(question), rest.length > 0 && h("span", { class: "muted" }, rest.join(" ")));
}
