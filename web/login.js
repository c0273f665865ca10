// Asks for the console's token.

import { h } from "./dom.js";

let open = false;

/**
 * Stays until the token was right.
 * @param {() => void} onOpen
 */
export function login(onOpen) {
  if (open) return;
  open = true;
  const input = h("input", { id: "token", type: "password", autocomplete: "current-password", required: true, autofocus: true });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const submit = h("button", { class: "primary" }, "Open the console");
  const form = h("form", {},
    h("h2", {}, "Token"),
    h("p", { class: "muted" }, "nocbot printed it when it was started, or it stands in its configuration."),
    h("label", { class: "hidden", for: "token" }, "Token"), input, wrong, submit,
  );
  const dialog = h("dialog", { class: "login", "aria-label": "Token" }, form);
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    wrong.textContent = await post(input.value);
    submit.disabled = false;
    if (wrong.textContent !== "") return input.select();
    open = false;
    dialog.close();
    dialog.remove();
    onOpen();
  });
  document.body.append(dialog);
  dialog.showModal();
}

/**
 * What went wrong, or the empty text.
 * @param {string} token
 */
async function post(token) {
  try {
    const body = JSON.stringify({ token });
    const response = await fetch("/session", {
      method: "POST", headers: { "content-type": "application/json" }, body, signal: AbortSignal.timeout(8000),
    });
    if (response.ok) return "";
    if (response.status === 401) return "That is not the token.";
    if (response.status === 429) return `Too many wrong tokens. Try again in ${response.headers.get("retry-after")} s.`;
    return `nocbot answered ${response.status}.`;
  } catch {
    return "nocbot cannot be reached.";
  }
}
