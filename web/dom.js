// Making elements. Nothing here, or anywhere on this page, turns text into HTML.

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * An element with attributes and children. A boolean attribute is there or not; `null` leaves one out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child) element.append(child);
  }
  return element;
}

/**
 * A button that does something.
 * @param {string} label
 * @param {() => void} action
 * @param {Record<string, string | boolean>} [attributes]
 */
export function button(label, action, attributes = {}) {
  const element = h("button", { type: "button", ...attributes }, label);
  element.addEventListener("click", action);
  return element;
}

/**
 * An element of the page that is always there.
 * @template {Element} T
 * @param {string} selector
 * @param {new () => T} kind
 * @returns {T}
 */
export function find(selector, kind) {
  const element = document.querySelector(selector);
  if (!(element instanceof kind)) throw new Error(`the page has no ${selector}`);
  return element;
}

/**
 * A button that copies and says that it has.
 * @param {string} name what is copied, for screen readers
 * @param {() => string} text
 */
export function copyButton(name, text) {
  const element = button("Copy", async () => {
    const done = await copy(text());
    element.textContent = done ? "Copied" : "Not copied";
    setTimeout(() => (element.textContent = "Copy"), 1600);
  }, { class: "quiet", "aria-label": `Copy ${name}` });
  return element;
}

/**
 * The modern clipboard exists on secure pages only; over plain HTTP the old way is the only one.
 * @param {string} text
 */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", { class: "hidden", readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

const counts = new Intl.NumberFormat("en");

/**
 * `1 row`, `4,213 rows`
 * @param {number} number
 * @param {string} noun
 */
export function count(number, noun) {
  return `${counts.format(number)} ${noun}${number === 1 ? "" : "s"}`;
}
