// All about one job: where it is, what was tried, what comes next, what its programs print; and what can be done.

import { get, query, stream } from './api.js';
import { change, confirm } from './confirm.js';
import { badge, bar, code, el, foreign, millis, moment, visible } from './dom.js';
import { listen, progress } from './live.js';
import { replace } from './overview.js';

const LOOK = 5000;
const MOST_LOG = 200000;
const STAGES = ['enrolled', 'downloaded', 'uploaded', 'notified', 'cleaned'];
const STEPS = [['received', 'received'], ['enrolled', 'enrolled'], ['downloaded', 'downloaded'], ['uploaded', 'uploaded'], ['notified', 'webhook answered'], ['finished', 'finished']];
/** A work, and the stage a job must have reached to begin with it. */
const FROM = [['download', 'enrolled'], ['upload', 'downloaded'], ['webhook', 'uploaded']];

function road(job) {
  const reached = STAGES.indexOf(job.stage);
  const passed = { received: true, enrolled: reached >= 0, downloaded: reached >= 1, uploaded: reached >= 2, notified: reached >= 3, finished: !!job.times.finished };
  const name = (step) => (step === 'finished' ? { done: 'delivered', dead: 'dead', cancelled: 'cancelled' }[job.state] ?? 'finished' : STEPS.find((s) => s[0] === step)[1]);
  return el('ol', { class: 'steps-of-job', 'aria-label': 'How far it is' }, STEPS.map(([step]) =>
    el('li', { class: `${passed[step] ? 'passed' : ''} ${step === 'finished' && passed[step] ? job.state : ''}` },
      el('span', { class: 'what' }, name(step)), passed[step] && job.times[step] ? moment(job.times[step]) : el('span', { class: 'empty' }, passed[step] ? 'yes' : 'not yet'))));
}

function fact(name, value) {
  return value === null || value === undefined || value === '' ? [] : [el('dt', {}, name), el('dd', {}, value)];
}

function facts(job) {
  return el('dl', { class: 'facts' },
    fact('e-mail', foreign(job.email)), fact('order', job.orderId && foreign(job.orderId)), fact('course', foreign(job.courseUrl)),
    fact('folder', job.folder && foreign(job.folder)), fact('queue', job.vip ? 'those who go first' : 'the ordinary one'),
    fact('shop’s row', job.shopStatus && foreign(job.shopStatus)), fact('worker', job.worker && code(job.worker)), fact('host', job.host && foreign(job.host)),
    fact('workers that died with it', job.workersThatDied || null), fact('delivery', code(job.deliveryId)),
    fact('log', code(job.log)), fact('sandbox', code(job.sandbox)), fact('changed', moment(job.updatedAt)));
}

function tries(job) {
  if (job.tries.length === 0) return el('p', { class: 'empty' }, 'Nothing has been tried yet.');
  const names = ['stage', 'outcome', 'began', 'took', 'exit code', 'reason', 'worker'];
  return el('table', { class: 'cards' },
    el('thead', {}, el('tr', {}, names.map((name) => el('th', { scope: 'col' }, name)))),
    el('tbody', {}, job.tries.map((one) => el('tr', { class: `try ${one.outcome}` },
      el('th', { scope: 'row' }, one.stage),
      el('td', { 'data-name': 'outcome' }, badge(one.outcome)),
      el('td', { 'data-name': 'began' }, moment(one.startedAt)),
      el('td', { 'data-name': 'took', class: 'number' }, millis(one.ms)),
      el('td', { 'data-name': 'exit code', class: 'number' }, one.exitCode ?? '–'),
      el('td', { 'data-name': 'reason', class: 'why' }, one.reason === null ? '–' : foreign(one.reason)),
      el('td', { 'data-name': 'worker' }, one.worker === null ? '–' : code(one.worker))))));
}

function history(job) {
  if (job.history.length === 0) return el('p', { class: 'empty' }, 'All has gone straight.');
  return el('ul', { class: 'events' }, job.history.map((entry) => el('li', { class: `event ${entry.event}` },
    moment(entry.at), el('strong', {}, entry.event), entry.stage && el('span', { class: 'at' }, entry.stage), entry.detail && foreign(entry.detail))));
}

function actions(job, again) {
  if (['waiting', 'ready', 'running'].includes(job.state)) {
    const cancel = async () => {
      if (!await confirm(`Cancel task ${job.taskId}?`, 'Its programs are ended, wherever it runs; the shop’s row becomes failed. Its files stay as after a failure, and it can be retried.', 'Cancel the job')) return;
      if (await change(`/jobs/${job.taskId}/cancel`, `Task ${job.taskId} is cancelled`)) again();
    };
    return el('p', { class: 'buttons' }, el('button', { type: 'button', id: 'cancel', 'data-key': 'cancel', onclick: cancel }, 'Cancel…'));
  }
  if (job.state !== 'dead' && job.state !== 'cancelled') return null;
  if (job.stage === null) return el('p', { class: 'empty' }, 'It was never enrolled: set its row to enrolled and push it once more.');
  const reached = STAGES.indexOf(job.stage);
  const from = el('select', { id: 'from', 'data-key': 'from' },
    el('option', { value: '' }, `where it stopped, after ${job.stage}`),
    FROM.filter(([, stage]) => STAGES.indexOf(stage) <= reached).map(([work]) => el('option', { value: work }, `the ${work}`)));
  from.value = actions.from ?? '';
  from.addEventListener('change', () => { actions.from = from.value; });
  const retry = async () => {
    const where = from.value === '' ? `after ${job.stage}, where it stopped` : `with the ${from.value}, as a new delivery unless it stopped there`;
    if (!await confirm(`Retry task ${job.taskId}?`, `It goes on ${where}; the shop’s row becomes enrolled again.`, 'Retry')) return;
    if (await change(`/jobs/${job.taskId}/retry${query({ from: from.value })}`, `Task ${job.taskId} goes on`)) again();
  };
  return el('p', { class: 'buttons' }, el('label', { for: 'from' }, 'Begin with '), from, el('button', { type: 'button', id: 'retry', class: 'main', 'data-key': 'retry', onclick: retry }, 'Retry…'));
}

/** What the programs have printed, and what they print; as text, cut at the front when it grows. */
function followLog(place, taskId, signal) {
  const state = el('p', { class: 'empty', role: 'status' }, 'Opening the log…');
  const text = document.createTextNode('');
  const screen = el('pre', { tabindex: 0, 'aria-label': 'Log of the programs', class: 'log' }, text);
  place.replaceChildren(state, screen);
  screen.hidden = true;
  const heard = (data) => {
    const follow = screen.scrollHeight - screen.scrollTop - screen.clientHeight < 40;
    screen.hidden = false;
    text.appendData(`${visible(data)}\n`);
    if (text.length > MOST_LOG) text.deleteData(0, text.length - MOST_LOG);
    if (follow) screen.scrollTop = screen.scrollHeight;
  };
  let opened = false;
  const open = async () => {
    if (opened || signal.aborted) return;
    opened = true;
    try {
      await stream(`/jobs/${taskId}/log`, signal, () => { text.data = ''; state.textContent = 'Live: what its programs print.'; }, heard);
      state.textContent = 'The connection was lost.';
    } catch (e) {
      if (e.name === 'AbortError') return;
      state.textContent = e.status === 404 ? 'There is no log of it on the host that answers.' : e.message;
    }
    opened = false;
  };
  open();
  return open;
}

/** @returns what ends it */
export function task(main, trouble, taskId) {
  const places = Object.fromEntries(['top', 'actions', 'tries', 'history', 'facts', 'task-log'].map((name) => [name, el('div', { id: name })]));
  main.replaceChildren(
    el('h1', {}, `Task ${taskId}`), places.top, places.actions,
    el('section', {}, el('h2', {}, 'Tries'), places.tries),
    el('section', {}, el('h2', {}, 'What did not go straight'), places.history),
    el('section', {}, el('h2', {}, 'Log'), places['task-log']),
    el('section', {}, el('h2', {}, 'About it'), places.facts));
  const ends = new AbortController();
  let timer;
  let job = null;
  let openLog = null;
  actions.from = '';

  function top() {
    const said = job.state === 'running' ? progress.get(taskId) : null;
    const percent = said?.percent ?? job.percent;
    const file = said?.file ?? job.file;
    replace(places.top, ...[
      el('p', { class: 'state', 'aria-live': 'polite' }, badge(job.state), el('span', {}, ` Next: ${job.next}`)),
      job.error && el('p', { class: 'reason' }, el('strong', {}, 'Why: '), foreign(job.error)),
      job.state === 'running' && el('p', { class: 'running-job' }, bar(percent, 'Progress'), el('span', { class: 'percent' }, percent === null || percent === undefined ? '' : `${percent} %`), file && el('span', { class: 'file' }, foreign(file))),
      road(job),
    ].filter(Boolean));
  }

  async function look() {
    clearTimeout(timer);
    try {
      job = await get(`/jobs/${taskId}`, ends.signal);
      trouble(null);
      top();
      // A list that is open would close under the fingers.
      if (document.activeElement?.id !== 'from') replace(places.actions, ...[actions(job, look)].filter(Boolean));
      replace(places.tries, tries(job));
      replace(places.history, history(job));
      replace(places.facts, facts(job));
      if (openLog) openLog();
      else openLog = followLog(places['task-log'], taskId, ends.signal);
    } catch (e) {
      if (e.name === 'AbortError') return;
      trouble(e.status === 404 ? `There is no task ${taskId}.` : e.message);
    }
    if (!ends.signal.aborted) timer = setTimeout(look, document.hidden ? LOOK * 10 : LOOK);
  }

  const deaf = listen((event) => {
    if (event.taskId !== taskId) return;
    if (event.event === 'PROGRESS') {
      if (job?.state === 'running') top();
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(look, 300);
  });
  look();
  return () => { ends.abort(); clearTimeout(timer); deaf(); };
}
