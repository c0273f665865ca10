// What was asked before, for the arrow keys; kept in the browser.

const KEY = "nocbot.history";
const MOST = 200;

export class History {
  /** @type {string[]} oldest first */
  entries = [];
  /** Where the arrows stand; `entries.length` is the line being typed. */
  at = 0;
  draft = "";

  /** @param {Pick<Storage, "getItem" | "setItem">} storage */
  constructor(storage) {
    this.storage = storage;
    try {
      const kept = JSON.parse(storage.getItem(KEY) ?? "[]");
      if (Array.isArray(kept)) this.entries = kept.filter((entry) => typeof entry === "string").slice(-MOST);
    } catch {
      // Storage may be forbidden or hold something else: the history then begins today.
    }
    this.at = this.entries.length;
  }

  /** Whether the line is one of the history's. */
  get browsing() {
    return this.at < this.entries.length;
  }

  /** @param {string} text */
  add(text) {
    this.entries = [...this.entries.filter((entry) => entry !== text), text].slice(-MOST);
    this.reset();
    try {
      this.storage.setItem(KEY, JSON.stringify(this.entries));
    } catch {
      // Full or forbidden: it still works until the page is closed.
    }
  }

  /** The arrows begin again from the newest. */
  reset() {
    this.at = this.entries.length;
    this.draft = "";
  }

  /**
   * The line before, or null at the oldest one.
   * @param {string} current what stands in the line
   */
  previous(current) {
    if (this.at === 0) return null;
    if (!this.browsing) this.draft = current;
    this.at -= 1;
    return this.entries[this.at] ?? null;
  }

  /** The line after, at last the one that was being typed; null when it stands already. */
  next() {
    if (!this.browsing) return null;
    this.at += 1;
    return this.browsing ? (this.entries[this.at] ?? null) : this.draft;
  }
}
