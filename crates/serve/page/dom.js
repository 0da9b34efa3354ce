// Elements without strings of HTML: whatever comes from a file or the server can only ever become text.

/** The element with this id. */
export const $ = (id) => document.getElementById(id);

/**
 * An element. `properties`: `class`, `text`, `on` (listeners by event), `data` (data-…), any attribute; `null`, `undefined` and `false` are left out.
 * Children may be elements, texts, or nothing.
 */
export function el(tag, properties = {}, ...children) {
  const [name, space] = tag.startsWith('svg:')
    ? [tag.slice(4), 'http://www.w3.org/2000/svg']
    : [tag, 'http://www.w3.org/1999/xhtml'];
  const element = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === 'text') element.textContent = value;
    else if (key === 'on') for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (key === 'data') Object.assign(element.dataset, value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Says something to screen readers, without moving anything. */
export function announce(text) {
  $('announcer').textContent = text;
}
