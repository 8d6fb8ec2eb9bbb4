// The events of all processes, heard once for the whole page.

import { stream } from './api.js';

const MOST = 100;
const LONGEST_PAUSE = 15000;

const listeners = new Set();
/** How far each running job is: { percent, file, stage }, by task id. */
export const progress = new Map();
/** The last events, the newest first; progress is not among them. */
export const events = [];

export let connected = false;
let current = null;

/** @returns what ends it */
export function listen(callback) {
  listeners.add(callback);
  return () => listeners.delete(callback);
}

function tell(event) {
  for (const callback of listeners) callback(event);
}

function heard(data) {
  let event;
  try {
    event = JSON.parse(data);
  } catch {
    return;
  }
  if (event.event === 'PROGRESS') {
    progress.set(event.taskId, event);
    if (progress.size > 10000) progress.delete(progress.keys().next().value);
  } else {
    progress.delete(event.taskId);
    events.unshift(event);
    events.length = Math.min(events.length, MOST);
  }
  tell(event);
}

function setConnected(now) {
  connected = now;
  tell({ event: now ? 'CONNECTED' : 'DISCONNECTED' });
}

/** Listens until the page is closed; after every loss, and after a new token, anew. */
export async function connect() {
  current?.abort();
  const mine = new AbortController();
  current = mine;
  let pause = 1000;
  while (!mine.signal.aborted) {
    try {
      await stream('/events', mine.signal, () => { pause = 1000; setConnected(true); }, heard);
    } catch (e) {
      if (e.name === 'AbortError') return;
    }
    if (connected) setConnected(false);
    await new Promise((done) => setTimeout(done, pause));
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }
}
