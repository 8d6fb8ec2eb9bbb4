// Asks before anything changes, and says what became of it.

import { post } from './api.js';

const dialog = document.getElementById('confirm');
const yes = document.getElementById('confirm-yes');
const no = document.getElementById('confirm-no');
let answered = null;

function answer(value) {
  dialog.close();
  answered?.(value);
  answered = null;
}

yes.addEventListener('click', () => answer(true));
no.addEventListener('click', () => answer(false));
dialog.addEventListener('cancel', () => answer(false));

/** @returns whether it was confirmed; leaving it is what Escape and Enter do first */
export function confirm(title, text, action) {
  answered?.(false);
  document.getElementById('confirm-title').textContent = title;
  document.getElementById('confirm-text').textContent = text;
  yes.textContent = action;
  dialog.showModal();
  no.focus();
  return new Promise((resolve) => { answered = resolve; });
}

/** For people who look and for those who listen. */
export function say(text, bad = false) {
  const line = document.getElementById('said');
  line.textContent = text;
  line.classList.toggle('bad', bad);
  line.classList.add('shown');
  clearTimeout(say.timer);
  say.timer = setTimeout(() => line.classList.remove('shown'), bad ? 12000 : 6000);
}

/** Does it, and says that it is done, or why it was not. @returns the answer, or null */
export async function change(path, done) {
  try {
    const result = await post(path);
    say(typeof done === 'function' ? done(result) : done);
    return result;
  } catch (e) {
    say(e.message, true);
    if (e.status === 401 || e.status === 403) document.getElementById('token').open = true;
    return null;
  }
}
