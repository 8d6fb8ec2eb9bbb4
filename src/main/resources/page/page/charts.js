// Drawings of the last hour.

import { code, el, svg, number, millis } from './dom.js';

const WIDTH = 600;
const HEIGHT = 120;

/** A bar a minute: delivered, and dead on top of them. */
export function ended(queue) {
  const minutes = queue.done.length;
  const most = Math.max(1, ...queue.done.map((done, i) => done + queue.dead[i]));
  const step = WIDTH / minutes;
  const bars = [];
  for (let i = 0; i < minutes; i++) {
    const done = (queue.done[i] / most) * HEIGHT;
    const dead = (queue.dead[i] / most) * HEIGHT;
    const at = { x: i * step + 1, width: step - 2 };
    if (done > 0) bars.push(svg('rect', { class: 'done', ...at, y: HEIGHT - done, height: done }));
    if (dead > 0) bars.push(svg('rect', { class: 'dead', ...at, y: HEIGHT - done - dead, height: dead }));
  }
  const all = queue.done.reduce((a, b) => a + b, 0);
  const lost = queue.dead.reduce((a, b) => a + b, 0);
  const words = `${number(all)} done, ${number(lost)} dead${all + lost > 0 ? `, at most ${number(most)} a minute` : ''}`;
  return el('figure', {},
    el('figcaption', {}, code(queue.queue), ` ${words}`),
    svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', class: 'chart', 'aria-label': `${queue.queue}, last hour: ${words}` },
      svg('line', { class: 'axis', x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }), bars),
    el('p', { class: 'axis-words', 'aria-hidden': 'true' }, el('span', {}, '60 min ago'), el('span', {}, '30'), el('span', {}, 'now')));
}

/** The average of a step, minute by minute; a gap where no job made it. */
export function average(step, values, overall) {
  const known = values.filter((value) => value !== null);
  const most = Math.max(1, ...known);
  const height = 32;
  const at = (i) => ((i + 0.5) / values.length) * WIDTH;
  const points = [];
  let line = '';
  values.forEach((value, i) => {
    if (value === null) return;
    const y = height - 2 - (value / most) * (height - 6);
    line += `${i > 0 && values[i - 1] !== null ? 'L' : 'M'}${at(i).toFixed(1)} ${y.toFixed(1)}`;
    points.push(svg('circle', { cx: at(i), cy: y, r: 2.5 }));
  });
  return el('tr', {},
    el('th', { scope: 'row' }, step),
    el('td', { class: 'number' }, millis(overall?.averageMs)),
    el('td', { class: 'number' }, millis(overall?.p95Ms)),
    el('td', { class: 'wide' },
      svg('svg', { viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', class: 'line', 'aria-label': known.length === 0 ? `${step}: nothing within the last hour` : `${step}, last hour: up to ${millis(most)}` },
        svg('line', { class: 'axis', x1: 0, x2: WIDTH, y1: height - 1, y2: height - 1 }),
        svg('path', { d: line || 'M0 0', class: `step ${step}` }), svg('g', { class: `dots ${step}` }, points))));
}
