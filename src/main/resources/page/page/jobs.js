// Jobs found, a page at a time; and many dead ones set going at once.

import { get, post, query } from './api.js';
import { change, confirm, say } from './confirm.js';
import { badge, el, foreign, moment, number, visible } from './dom.js';

const STATES = ['waiting', 'ready', 'running', 'done', 'dead', 'cancelled'];
const SIZE = 50;

function row(job) {
  return el('tr', {},
    el('th', { scope: 'row' }, el('a', { href: `#/jobs/${job.taskId}` }, String(job.taskId)), job.vip && el('span', { class: 'mark calm' }, 'VIP')),
    el('td', { 'data-name': 'state' }, badge(job.state)),
    el('td', { 'data-name': 'after' }, job.stage ?? '–'),
    el('td', { 'data-name': 'e-mail' }, foreign(job.email)),
    el('td', { 'data-name': 'order' }, job.orderId === null ? '–' : foreign(job.orderId)),
    el('td', { 'data-name': 'folder' }, job.folder === null ? '–' : foreign(job.folder)),
    el('td', { 'data-name': 'changed' }, moment(job.updatedAt)),
    el('td', { 'data-name': 'why', class: 'why' }, job.error === null ? (job.hold ? `waits for ${job.hold}` : '–') : foreign(job.error)));
}

function nothing(state, q) {
  if (q) return `No job ${state ? `that is ${state} ` : ''}is found by “${visible(q)}”. A task id must be whole; of an e-mail address, order id, folder or course’s address a part is enough.`;
  return state ? `No job is ${state}.` : 'There is no job yet. One comes when a producer pushes it.';
}

/** First how many it would be, then, if that is meant, all of them. */
async function retryAll(state, q, again) {
  const path = (dryRun) => `/jobs/retry${query({ state, q, dryRun })}`;
  let matching;
  try {
    matching = (await post(path(true))).matching;
  } catch (e) {
    say(e.message, true);
    if (e.status === 401 || e.status === 403) document.getElementById('token').open = true;
    return;
  }
  if (matching === 0) {
    say('No job matches.');
    return;
  }
  const which = q ? `that are found by “${visible(q)}”` : 'that there are';
  if (!await confirm(`Retry ${number(matching)} jobs?`, `All ${state} jobs ${which} go on where they stopped: ${number(matching)} of them.`, `Retry ${number(matching)}`)) return;
  const done = await change(path(false), (result) => `${number(result.going)} jobs go on` + (result.refused.length > 0 ? `; ${number(result.refused.length)} do not: ${result.refused[0]}` : ''));
  if (done) again();
}

/** @returns what ends it */
export function jobs(main, trouble, parameters) {
  const state = STATES.includes(parameters.get('state')) ? parameters.get('state') : '';
  const q = parameters.get('q') ?? '';
  const page = Math.max(1, Number.parseInt(parameters.get('page') ?? '1', 10) || 1);
  const at = (fields) => `#/jobs${query({ state, q, ...fields })}`;
  const text = el('input', { id: 'q', type: 'search', value: q, autocomplete: 'off' });
  const form = el('form', { class: 'filter', onsubmit: (e) => { e.preventDefault(); location.hash = at({ q: text.value, page: '' }); } },
    el('label', { for: 'q' }, 'Task, order, or part of e-mail, folder or address'), text, el('button', { type: 'submit' }, 'Find'));
  const states = el('p', { class: 'states', role: 'group', 'aria-label': 'State' },
    ['', ...STATES].map((name) => el('a', { href: at({ state: name, page: '' }), 'aria-current': name === state ? 'true' : null }, name || 'all')));
  const place = el('div', { id: 'found' }, el('p', { class: 'empty' }, 'Looking…'));
  main.replaceChildren(el('h1', {}, q ? 'Jobs found by “' : 'Jobs', q && foreign(q), q && '”'), form, states, place);
  const ends = new AbortController();

  async function look() {
    try {
      const found = await get(`/jobs${query({ state, q, page, size: SIZE })}`, ends.signal);
      trouble(null);
      if (found.jobs.length === 0) {
        place.replaceChildren(el('p', { class: 'empty' }, page > 1 ? 'There are no more.' : nothing(state, q)));
        return;
      }
      const names = ['task', 'state', 'after', 'e-mail', 'order', 'folder', 'changed', 'why'];
      const again = state === 'dead' || state === 'cancelled';
      place.replaceChildren(...[
        again && el('p', { class: 'buttons' }, el('button', { type: 'button', id: 'retry-all', onclick: () => retryAll(state, q, look) }, q ? `Retry all ${state} ones found…` : `Retry all ${state} ones…`)),
        el('table', { class: 'cards jobs' },
          el('thead', {}, el('tr', {}, names.map((name) => el('th', { scope: 'col' }, name)))),
          el('tbody', {}, found.jobs.map(row))),
        el('nav', { class: 'pages', 'aria-label': 'Pages of the list' },
          page > 1 && el('a', { href: at({ page: page - 1 > 1 ? page - 1 : '' }), rel: 'prev' }, '← newer'),
          el('span', {}, `page ${number(page)}`),
          found.more && el('a', { href: at({ page: page + 1 }), rel: 'next' }, 'older →')),
      ].filter(Boolean));
    } catch (e) {
      if (e.name === 'AbortError') return;
      trouble(e.message);
      place.replaceChildren(el('p', { class: 'empty' }, 'The list cannot be shown now.'));
    }
  }

  look();
  return () => ends.abort();
}
