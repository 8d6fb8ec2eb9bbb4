// The pipeline as a picture, workers with what they do, the last hour, and what happens now.

import { get } from './api.js';
import { average, ended } from './charts.js';
import { change, confirm } from './confirm.js';
import { bar, code, el, foreign, moment, number, span } from './dom.js';
import { connected, events, listen, progress } from './live.js';

const LOOK = 3000;
const LOOK_AT_HOUR = 15000;
const MOST_RUNNING = 200;

/** Works of running jobs: as the ledger names them, as a hold names them, and for a person. */
const WORKS = [['download', 'Download'], ['upload', 'Upload'], ['post-webhook', 'Webhook'], ['clean-up', 'Clean up']];

/** What a running job is at, by the last stage it has finished. */
const AT = { enrolled: 'download', downloaded: 'upload', uploaded: 'webhook', notified: 'clean up' };

function station(name, count, { link, marks = [], more, kind = '' } = {}) {
  const inside = [el('span', { class: 'count' }, number(count)), el('span', { class: 'what' }, name), more && el('span', { class: 'more' }, more)];
  return el('li', { class: `station ${kind} ${marks.length > 0 ? 'marked' : ''}`, 'data-station': name },
    link ? el('a', { href: link, 'data-key': `station ${name}` }, inside) : el('div', {}, inside),
    marks.map((mark) => el('span', { class: 'mark' }, mark)));
}

function heldMark(hold) {
  if (!hold) return [];
  const rest = hold.over ? ', one job tries' : hold.leftSeconds === null ? '' : `, ${span(hold.leftSeconds)} more`;
  return [[`held back${rest}: `, foreign(hold.reason)]];
}

function pipeline(report) {
  const held = new Map(report.held.map((hold) => [hold.name, hold]));
  const paused = report.queues.filter((queue) => queue.paused);
  const delayed = report.queues.reduce((sum, queue) => sum + queue.delayed, 0);
  const inbox = report.redis ? report.queues.reduce((sum, queue) => sum + queue.inbox, 0) : null;
  return el('div', { class: 'pipeline' },
    el('ol', { class: 'road', 'aria-label': 'The pipeline, with the number of jobs at each place' },
      station('Inbox', inbox, { marks: paused.map((queue) => [code(queue.queue), ' is paused']), more: report.redis ? null : 'Redis is away' }),
      station('Waiting', report.jobs.waiting, { link: '#/jobs?state=waiting', more: 'for the enrolment' }),
      station('Ready', report.jobs.ready, { link: '#/jobs?state=ready', more: delayed > 0 ? `${number(delayed)} held or later` : null }),
      WORKS.map(([work, name]) => station(name, report.running[work], { link: '#/jobs?state=running', marks: heldMark(held.get(work)), kind: 'work' })),
      station('Done', report.processed, { link: '#/jobs?state=done', more: 'in the last hour', kind: 'good' })),
    el('ol', { class: 'aside', 'aria-label': 'Beside the pipeline' },
      station('Rejected', report.rejected, { more: 'could not be a job', kind: report.rejected > 0 ? 'odd' : '' }),
      station('Cancelled', report.jobs.cancelled, { link: '#/jobs?state=cancelled' }),
      station('Dead', report.jobs.dead, { link: '#/jobs?state=dead', more: `${number(report.failed)} in the last hour`, kind: report.jobs.dead > 0 ? 'bad' : '' })));
}

/** What needs a person, before everything else. */
function alerts(report) {
  if (report.alerts.length === 0) return [];
  return [el('ul', { class: 'alerts', 'aria-label': 'Alerts' }, report.alerts.map((alert) => el('li', {},
    el('strong', {}, alert.name), ' ', foreign(alert.detail), ` · for ${span(alert.seconds)}`)))];
}

/** What BullMQ's own tools would show of it. */
function ofBullmq(depth) {
  if (!depth) return [];
  if (depth.refused) return [el('span', { class: 'mark' }, 'nothing is taken: ', foreign(depth.refused))];
  const states = Object.entries(depth.jobs).filter(([, jobs]) => jobs > 0).map(([state, jobs]) => `${number(jobs)} ${state}`);
  return [depth.paused && el('span', { class: 'mark' }, 'paused in BullMQ'), el('span', { class: 'more' }, `BullMQ: ${states.join(', ') || 'empty'}`)];
}

function queueRow(queue, again) {
  const verb = queue.paused ? 'Resume' : 'Pause';
  const press = async () => {
    const text = queue.paused
      ? 'Its jobs start again, in all processes.'
      : 'Nothing new of it starts, in any process, until somebody resumes it. What runs goes on to its end.';
    if (!await confirm(`${verb} ${queue.queue}?`, text, verb)) return;
    const path = `/queues/${encodeURIComponent(queue.queue)}/${verb.toLowerCase()}`;
    if (await change(path, `${queue.queue}: ${verb.toLowerCase()}d`)) again();
  };
  return el('tr', {},
    el('th', { scope: 'row' }, code(queue.queue), queue.paused && el('span', { class: 'mark' }, 'paused'), ofBullmq(queue.bullmq)),
    el('td', { class: 'number', 'data-name': 'inbox' }, number(queue.inbox)),
    el('td', { class: 'number', 'data-name': 'waiting' }, number(queue.waiting)),
    el('td', { class: 'number', 'data-name': 'ready' }, number(queue.ready)),
    el('td', { class: 'number', 'data-name': 'running' }, number(queue.running)),
    el('td', { class: 'number', 'data-name': 'dead' }, number(queue.dead)),
    el('td', { class: 'number', 'data-name': 'oldest' }, span(queue.oldestSeconds)),
    el('td', { class: 'number', 'data-name': 'done/min, 1·5·60' }, queue.donePerMinute ? ['1', '5', '60'].map((n) => Number(queue.donePerMinute[n].toFixed(1))).join(' · ') : '–'),
    el('td', {}, el('button', { type: 'button', 'aria-label': `${verb} ${queue.queue}`, 'data-key': `queue ${queue.queue}`, onclick: press }, verb)));
}

function queues(report, again) {
  const names = ['queue', 'inbox', 'waiting', 'ready', 'running', 'dead', 'oldest', 'done/min, 1·5·60', ''];
  return el('table', { class: 'cards' },
    el('thead', {}, el('tr', {}, names.map((name) => el('th', { scope: 'col' }, name)))),
    el('tbody', {}, report.queues.map((queue) => queueRow(queue, again))));
}

function runningJob(job) {
  const said = progress.get(job.taskId);
  const percent = said?.percent ?? job.percent;
  const file = said?.file ?? job.file;
  return el('li', { class: 'running-job' },
    el('a', { href: `#/jobs/${job.taskId}`, 'data-key': `job ${job.taskId}` }, `task ${job.taskId}`),
    el('span', { class: 'at' }, AT[job.stage] ?? ''),
    bar(percent, `Progress of task ${job.taskId}`),
    el('span', { class: 'percent' }, percent === null || percent === undefined ? '' : `${percent} %`),
    file && el('span', { class: 'file' }, foreign(file)));
}

function workers(report, jobs) {
  if (report.workers.length === 0) return el('p', { class: 'empty' }, 'No worker is alive: nothing will be delivered until one is started.');
  return el('ul', { class: 'workers' }, report.workers.map((worker) => {
    const mine = jobs.filter((job) => job.worker === worker.id);
    return el('li', { class: `worker ${worker.silent ? 'silent' : ''}` },
      el('h3', {}, el('span', { class: 'dot', 'aria-hidden': 'true' }), code(worker.id)),
      el('p', { class: 'about' }, worker.silent ? 'silent since ' : 'alive, since ', moment(worker.silent ? worker.seenAt : worker.startedAt), ` · ${number(worker.jobs)} jobs`),
      mine.length === 0 ? el('p', { class: 'empty' }, worker.jobs === 0 ? 'It waits for work.' : '') : el('ul', { class: 'running-jobs' }, mine.map(runningJob)));
  }));
}

function hour(series, report) {
  const steps = Object.entries(series.averageMs);
  return [
    el('div', { class: 'charts' }, series.queues.map(ended)),
    el('table', { class: 'steps' },
      el('caption', {}, 'Time per step, waiting and pauses included'),
      el('thead', {}, el('tr', {}, ['step', 'average', 'p95', 'minute by minute'].map((name) => el('th', { scope: 'col' }, name)))),
      el('tbody', {}, steps.map(([step, values]) => average(step, values, report.steps[step])))),
  ];
}

export function eventLine(event, withTask = true) {
  return el('li', { class: `event ${event.event}` },
    moment(event.at), el('strong', {}, event.event),
    withTask && event.taskId !== null && el('a', { href: `#/jobs/${event.taskId}` }, `task ${event.taskId}`),
    event.stage && el('span', { class: 'at' }, event.stage),
    event.detail && foreign(event.detail));
}

function eventList() {
  if (events.length === 0) return el('p', { class: 'empty' }, connected ? 'Nothing has happened since this page was opened.' : 'Not connected to the events: trying again.');
  return el('ul', { class: 'events' }, events.slice(0, 25).map((event) => eventLine(event)));
}

/** Puts new children in place; what had the keyboard's focus keeps it. */
export function replace(place, ...children) {
  // What is being pressed stays, or the press would be lost.
  if (place.matches(':active')) return;
  const key = place.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  place.replaceChildren(...children.flat());
  if (key !== undefined) [...place.querySelectorAll('[data-key]')].find((found) => found.dataset.key === key)?.focus();
}

/** @returns what ends it */
export function overview(main, trouble) {
  const places = Object.fromEntries(['alerts', 'pipeline', 'queues', 'workers', 'hour', 'events'].map((name) => [name, el('div', { id: name })]));
  main.replaceChildren(
    el('h1', { class: 'unseen' }, 'Overview'), places.alerts, places.pipeline,
    el('section', {}, el('h2', {}, 'Queues'), places.queues),
    el('section', {}, el('h2', {}, 'Workers'), places.workers),
    el('section', {}, el('h2', {}, 'The last hour'), places.hour),
    el('section', {}, el('h2', {}, 'As it happens'), places.events));
  const ends = new AbortController();
  let report = null;
  let running = [];
  let series = null;
  let hourSeen = 0;
  let timer;
  let soon = false;

  function draw() {
    replace(places.alerts, alerts(report));
    replace(places.pipeline, pipeline(report));
    replace(places.queues, queues(report, look));
    replace(places.workers, workers(report, running));
  }

  async function look() {
    clearTimeout(timer);
    soon = false;
    try {
      const jobs = get(`/jobs?state=running&size=${MOST_RUNNING}`, ends.signal);
      [report, running] = await Promise.all([get('/jobs/monitoring/report', ends.signal), jobs.then((page) => page.jobs)]);
      if (Date.now() - hourSeen > LOOK_AT_HOUR) {
        series = await get('/jobs/monitoring/series', ends.signal);
        hourSeen = Date.now();
        replace(places.hour, hour(series, report));
      }
      draw();
      trouble(null);
    } catch (e) {
      if (e.name === 'AbortError') return;
      trouble(e.message);
    }
    if (!ends.signal.aborted) {
      clearTimeout(timer);
      timer = setTimeout(look, document.hidden ? LOOK * 10 : LOOK);
    }
  }

  const deaf = listen((event) => {
    if (event.event === 'PROGRESS') {
      if (report) replace(places.workers, workers(report, running));
      return;
    }
    replace(places.events, eventList());
    // Many events come at once: one look answers for all.
    if (!soon && report && !document.hidden) {
      soon = true;
      clearTimeout(timer);
      timer = setTimeout(look, 500);
    }
  });
  replace(places.events, eventList());
  look();
  return () => { ends.abort(); clearTimeout(timer); deaf(); };
}
