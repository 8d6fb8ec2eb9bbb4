// Makes elements. Whatever comes from outside goes in as text: nothing here, or anywhere else, takes markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An element with attributes (on… are listeners) and children: elements, or text. */
export function el(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** Text in which nothing is invisible, and nothing turns the direction in which the rest is written. */
export function visible(text) {
  return String(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '\ufffd');
}

/** Text from outside, on its own: what is written from right to left turns nothing around it. */
export function foreign(text) {
  return el('bdi', { class: 'foreign' }, visible(text));
}

/** A name from outside, in letters of one width. */
export function code(text) {
  return el('code', {}, foreign(text));
}

/** 5 s, 3 min, 2 h, 4 d. */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  const s = Math.max(0, Math.round(seconds));
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} d`;
}

/** 8 ms, 3.4 s, 12 min. */
export function millis(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
  return span(ms / 1000);
}

/** A moment, in this browser's time; the whole of it on hovering. */
export function moment(iso) {
  if (!iso) return '–';
  const at = new Date(iso);
  const today = at.toDateString() === new Date().toDateString();
  const time = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  return el('time', { datetime: iso, title: iso }, today ? time : `${at.toLocaleDateString()} ${time}`);
}

export function number(value) {
  return value === null || value === undefined ? '–' : value.toLocaleString('en');
}

/** A state as a word with its colour. */
export function badge(state) {
  return el('span', { class: `badge ${state}` }, state);
}

export function bar(percent, label) {
  const known = percent !== null && percent !== undefined;
  return el('progress', { max: 100, value: known ? percent : null, 'aria-label': label });
}
