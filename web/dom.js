/** The element with this id; the page has it. */
export const byId = (id) => document.getElementById(id);

/** An element with this text, or these children. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** A number as text; a dash where there is none. */
export const number = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : "–");
