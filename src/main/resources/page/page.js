// The page for people: which view is shown, the token, and what is wrong.

import { query, setToken, token } from './page/api.js';
import { jobs } from './page/jobs.js';
import { connect } from './page/live.js';
import { overview } from './page/overview.js';
import { task } from './page/task.js';

const main = document.getElementById('main');
let end = () => {};

/** What keeps this view from being shown, in words; null when it is over. */
function trouble(words) {
  const line = document.getElementById('trouble');
  line.hidden = words === null;
  if (words !== null && line.textContent !== words) line.textContent = words;
  // What is still shown is what was known last.
  main.classList.toggle('stale', words !== null);
}

/** #/, #/jobs?state=dead&q=…&page=2, #/jobs/42: any of them can be linked to. */
function show() {
  end();
  trouble(null);
  const [path, search] = (location.hash.slice(1) || '/').split('?');
  const parameters = new URLSearchParams(search);
  const one = /^\/jobs\/([1-9]\d{0,15})$/.exec(path);
  if (one) end = task(main, trouble, Number(one[1]));
  else if (path === '/jobs') end = jobs(main, trouble, parameters);
  else end = overview(main, trouble);
  document.title = one ? `Task ${one[1]} · Waybill` : path === '/jobs' ? 'Jobs · Waybill' : 'Waybill';
  for (const link of document.querySelectorAll('header nav a')) {
    const here = link.hash === (location.hash || '#/') || (link.hash === '#/jobs' && path.startsWith('/jobs') && location.hash !== '#/jobs?state=dead');
    if (here) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

function tokenState() {
  document.getElementById('token-state').textContent = token() ? 'A token is in use, in this tab only.' : 'No token is in use.';
}

function useToken(text) {
  setToken(text);
  document.getElementById('token-text').value = '';
  tokenState();
  connect();
  show();
}

document.getElementById('token-form').addEventListener('submit', (e) => {
  e.preventDefault();
  useToken(document.getElementById('token-text').value.trim());
});
document.getElementById('token-forget').addEventListener('click', () => useToken(''));
document.getElementById('find').addEventListener('submit', (e) => {
  e.preventDefault();
  const q = document.getElementById('find-text').value.trim();
  location.hash = `#/jobs${query({ q })}`;
});
document.querySelector('.skip').addEventListener('click', (e) => {
  e.preventDefault();
  main.focus();
});
window.addEventListener('hashchange', () => {
  show();
  window.scrollTo(0, 0);
});

tokenState();
show();
connect();
