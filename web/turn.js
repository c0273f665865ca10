// One question and what became of it: in flight, answered, or unanswered.

/** @import {Answer, Progress, Remembered} from "./types.js" */

import { NocAnswer } from "./answer.js";
import { button, count, h } from "./dom.js";
import { Suggestion, sentence } from "./prose.js";

let turns = 0;

export class NocTurn extends HTMLElement {
  text = "";
  at = 0;
  /** @type {Answer | null} */
  answer = null;
  #body = h("div", { class: "body" });
  #words = h("p", { class: "waiting" });
  #bar = h("progress", { max: 1 });
  #lines = h("pre", { class: "stream", tabindex: 0, hidden: true, "aria-label": "Newest lines" });

  /**
   * @param {string} text
   * @param {number} at
   */
  ask(text, at) {
    this.text = text;
    this.at = at;
    const id = `question-${++turns}`;
    const time = new Date(at);
    const clock = h("time", { datetime: time.toISOString() }, time.toLocaleTimeString("en-GB"));
    const question = h("header", { class: "question" }, h("h2", { id }, text), clock);
    this.replaceChildren(h("article", { "aria-labelledby": id }, question, this.#body));
  }

  /** @param {() => void} onCancel */
  wait(onCancel) {
    this.dataset.state = "waiting";
    this.#words.textContent = "Asking …";
    this.#bar.removeAttribute("value");
    this.#bar.setAttribute("aria-label", `Progress of ${this.text}`);
    const cancel = button("Cancel", () => {
      cancel.disabled = true;
      cancel.textContent = "Cancelling …";
      onCancel();
    }, { class: "cancel" });
    this.#body.replaceChildren(
      h("div", { class: "progress" }, h("div", { class: "progress-head" }, this.#words, cancel), this.#bar, this.#lines),
    );
  }

  /** @param {Progress} progress */
  progress({ done, total, waiting, lines }) {
    if (total > 0) {
      this.#bar.max = total;
      this.#bar.value = done;
      const rest = total - done - waiting.length;
      const names = waiting.join(", ") + (rest > 0 ? ` and ${rest} more` : "");
      this.#words.textContent = `${done} of ${count(total, "device")}` + (names ? ` · waiting for ${names}` : "");
    }
    if (lines.length > 0) {
      this.#lines.hidden = false;
      this.#lines.textContent = lines.join("\n");
      this.#lines.scrollTop = this.#lines.scrollHeight;
    }
  }

  /**
   * @param {Answer} answer
   * @param {(word: string) => boolean} isVerb
   */
  done(answer, isVerb) {
    this.answer = answer;
    this.dataset.state = "answered";
    const element = new NocAnswer();
    element.show(answer, isVerb, [answer.status === "refused" ? this.#edit() : this.#again("Again")]);
    this.#body.replaceChildren(element);
  }

  /**
   * No answer came, or none will.
   * @param {string} why
   * @param {string[]} [hints]
   */
  lost(why, hints = []) {
    this.dataset.state = "unanswered";
    const words = h("div", {}, h("p", {}, h("strong", {}, "Unanswered: "), ...sentence(why)));
    words.append(...hints.map((hint) => h("p", { class: "muted" }, ...sentence(hint))));
    this.#body.replaceChildren(h("div", { class: "lost" }, words, this.#again("Ask again")));
  }

  /** @returns {Remembered} */
  remembered() {
    return { text: this.text, at: this.at, answer: this.answer };
  }

  /** What was not understood is not understood the second time either. */
  #edit() {
    const edit = () => this.dispatchEvent(new Suggestion(this.text, false));
    return button("Edit", edit, { class: "again", "aria-label": `Edit: ${this.text}` });
  }

  /** @param {string} label */
  #again(label) {
    return button(label, () => this.dispatchEvent(new Suggestion(this.text, true)), {
      class: "again",
      "aria-label": `${label}: ${this.text}`,
    });
  }
}

customElements.define("noc-turn", NocTurn);
