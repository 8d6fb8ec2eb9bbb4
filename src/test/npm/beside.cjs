'use strict';
// A shop's own worker of the same queue, for ./waybill torture --beside: the real BullMQ in Node. What it delivers is right, byte for
// byte, and its webhook carries an id of its own: a task that is delivered here and by Waybill too has webhooks with two ids.
// node beside.cjs <queue> <prefix> <seed> <remote> <staging>, with REDIS_*, DB_*, WEBHOOK_URL, API_SECRET_KEY and
// WEBHOOK_SIGNING_SECRET.
const {createHmac} = require('node:crypto');
const fs = require('node:fs/promises');
const http = require('node:http');
const {Worker, UnrecoverableError} = require('bullmq');
const {connection, openDatabase} = require('./stores.cjs');

const [queueName, prefix, seed, remote, staging] = process.argv.slice(2);
const env = process.env;
const database = openDatabase(4);

function sleep(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

// Stores are killed and started again; a job does not fail by that.
async function insist(work) {
  for (;;) {
    try {
      return await work();
    } catch (e) {
      console.error(String(e));
      await sleep(200);
    }
  }
}

async function status(taskId) {
  const [rows] = await insist(() => database.execute('SELECT status FROM download_tasks WHERE id = ?', [taskId]));
  return rows[0].status;
}

function set(taskId, to) {
  return insist(() => database.execute('UPDATE download_tasks SET status = ?, updated_at = NOW() WHERE id = ?', [to, taskId]));
}

function post(taskId, folder) {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const id = `node-${taskId}`;
  const body = JSON.stringify({secret_key: env.API_SECRET_KEY, task_id: taskId, folder_name: folder, timestamp});
  const key = Buffer.from(env.WEBHOOK_SIGNING_SECRET.replace('whsec_', ''), 'base64');
  const headers = {
    'Content-Type': 'application/json',
    'X-Timestamp': timestamp,
    'X-Signature': createHmac('sha256', env.API_SECRET_KEY).update(taskId + folder + timestamp).digest('hex'),
    'Idempotency-Key': id,
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': 'v1,' + createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64'),
  };
  return new Promise((done, failed) => {
    http
      .request(env.WEBHOOK_URL, {method: 'POST', headers}, (answer) => {
        answer.resume();
        answer.on('end', () => (answer.statusCode < 300 ? done() : failed(new Error(`webhook: ${answer.statusCode}`))));
      })
      .on('error', failed)
      .end(body);
  });
}

async function deliver(job) {
  const {taskId, courseUrl} = job.data;
  if (!taskId) throw new UnrecoverableError('no task');
  while ((await status(taskId)) === 'pending') await sleep(200);
  const found = await status(taskId);
  if (found === 'failed') throw new UnrecoverableError('it has failed before');
  const folder = `Khóa học ${taskId}`;
  const result = {taskId, status: 'completed', folder};
  if (found === 'completed') return result;
  if (courseUrl.includes('/fails-always/')) {
    await fs.mkdir(`${staging}/Task_${taskId}`, {recursive: true});
    await set(taskId, 'failed');
    throw new UnrecoverableError('no luck');
  }
  await sleep(100 + Math.random() * 900);
  const there = `${remote}/${folder}`;
  await fs.mkdir(`${there}/phần 1`, {recursive: true});
  await fs.writeFile(`${there}/a.txt`, `${seed} first of ${taskId}\n`);
  await fs.writeFile(`${there}/phần 1/b.txt`, `${seed} second of ${taskId}\n`.repeat(2000));
  await fs.writeFile(`${there}/-c.txt`, '');
  await set(taskId, 'completed');
  await insist(() => post(taskId, folder));
  return result;
}

// It looks for stalled jobs twice as often as Waybill: one that is free is not Waybill's again by luck.
const worker = new Worker(queueName, deliver, {connection, prefix, concurrency: 2, stalledInterval: 1000});
worker.on('error', (e) => console.error(String(e)));
worker.waitUntilReady().then(() => console.log('ready'));
