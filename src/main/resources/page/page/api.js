// Asks the worker. The token is kept for this tab alone, and goes out in a header.

const KEY = 'waybill-token';

export function token() {
  return sessionStorage.getItem(KEY) ?? '';
}

export function setToken(text) {
  if (text) sessionStorage.setItem(KEY, text);
  else sessionStorage.removeItem(KEY);
}

/** What the worker said no to: its status, and its words. Status 0: it did not answer at all. */
export class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

function words(status, detail) {
  if (status === 401 && token()) return 'The token is wrong: it is not the worker’s WAYBILL_TOKEN.';
  if (status === 401) return 'This needs the token: type it in under “Token”, above.';
  if (status === 403) return 'No WAYBILL_TOKEN is set at the worker: only reading on its own host is possible.';
  if (status === 429) return 'Too many wrong tokens came from this address: wait a minute.';
  if (status === 503) return `${detail[0].toUpperCase()}${detail.slice(1)}. The worker waits for it and goes on by itself.`;
  return detail;
}

async function send(path, options) {
  const headers = new Headers(options.headers);
  if (token()) headers.set('Authorization', `Bearer ${token()}`);
  let answer;
  try {
    answer = await fetch(path, { ...options, headers, cache: 'no-store' });
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    throw new Refused(0, 'The worker does not answer. Is it running?');
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, words(answer.status, problem.detail ?? `The worker answered ${answer.status}.`));
}

export async function get(path, signal) {
  return (await send(path, { signal })).json();
}

export async function post(path) {
  return (await send(path, { method: 'POST' })).json();
}

/** Server-Sent Events: calls back with the data of each until the stream ends. EventSource could not send the token. */
export async function stream(path, signal, opened, heard) {
  const answer = await send(path, { signal, headers: { Accept: 'text/event-stream' } });
  opened();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split('\n\n');
    rest = events.pop();
    for (const event of events) {
      const data = event.split('\n').filter((line) => line.startsWith('data: ')).map((line) => line.slice(6));
      if (data.length > 0) heard(data.join('\n'));
    }
  }
}

/** The query part of an address, without what is empty. */
export function query(fields) {
  const given = Object.entries(fields).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
