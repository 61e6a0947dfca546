// Elements made without markup: text goes in as text, so a host's words can never become code.

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | boolean | undefined>} [attributes] `true` sets an empty one, `false` none
 * @param {...(Node | string)} children strings become text nodes
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children);
  return element;
}

/**
 * Writes only what differs: an unchanged page costs no layout.
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean | undefined} value
 */
export function setAttribute(element, name, value) {
  if (value === undefined || value === false) {
    element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/**
 * Keeps the text node where there is one: values change each second, and need no new nodes for that.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  const first = node.firstChild;
  if (first instanceof Text && node.childNodes.length === 1) {
    if (first.data !== text) first.data = text;
  } else if (node.textContent !== text) node.textContent = text;
}

/**
 * Makes `parent` hold exactly `children`, touching nothing where it already does. What has the focus is not moved, but
 * the others around it: a node that is taken out loses it.
 * @param {Element} parent
 * @param {readonly Node[]} children
 */
export function setChildren(parent, children) {
  const { childNodes } = parent;
  if (childNodes.length === children.length && children.every((child, at) => childNodes[at] === child)) return;
  const wanted = new Set(children);
  for (const node of [...childNodes]) if (!wanted.has(/** @type {Node} */ (node))) node.remove();
  const { activeElement } = document;
  let next = parent.firstChild;
  for (const child of children) {
    if (next !== child && activeElement !== null && child.contains(activeElement) && child.parentNode === parent)
      next = clearUpTo(next, child);
    if (next === child) next = child.nextSibling;
    else parent.insertBefore(child, next);
  }
}

/**
 * Takes out what stands from `from` up to `to`; each of it is put in again where it belongs.
 * @param {ChildNode | null} from
 * @param {Node} to
 */
function clearUpTo(from, to) {
  let node = from;
  while (node !== null && node !== to) {
    const after = node.nextSibling;
    node.remove();
    node = after;
  }
  return node;
}

/**
 * @param {HTMLElement} element
 * @param {string} name a CSS custom property
 * @param {string | number} value
 */
export function setProperty(element, name, value) {
  const text = String(value);
  if (element.style.getPropertyValue(name) !== text) element.style.setProperty(name, text);
}
