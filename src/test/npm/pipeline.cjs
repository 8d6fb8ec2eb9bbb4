'use strict';
// The same pipeline as Waybill's, as a BullMQ Worker in Node: what ./waybill bench --only bullmq measures Waybill against. It does
// what has to be done for a job and nothing else: no ledger, no log of the programs' output, no tries.
// node pipeline.cjs <queue> <prefix> <concurrency> <staging> <fixture>, with REDIS_*, DB_*, WEBHOOK_URL and API_SECRET_KEY.
const {spawn} = require('node:child_process');
const {createHmac} = require('node:crypto');
const fs = require('node:fs/promises');
const http = require('node:http');
const mysql = require('mysql2/promise');
const {Worker, UnrecoverableError} = require('bullmq');

const [queueName, prefix, concurrency, staging, fixture] = process.argv.slice(2);
const env = process.env;
const slots = Number(concurrency);
const connection = {
  host: env.REDIS_HOST,
  port: Number(env.REDIS_PORT),
  password: env.REDIS_PASSWORD,
  maxRetriesPerRequest: null,
};
const database = mysql.createPool({
  host: env.DB_HOST,
  port: Number(env.DB_PORT),
  user: env.DB_USER,
  password: env.DB_PASSWORD,
  database: env.DB_NAME,
  connectionLimit: slots,
});
const agent = new http.Agent({keepAlive: true, maxSockets: slots});
const webhook = new URL(env.WEBHOOK_URL);

function run(program, args) {
  return new Promise((done, failed) => {
    spawn(program, args, {stdio: 'ignore'})
      .on('error', failed)
      .on('exit', (code) => (code === 0 ? done() : failed(new Error(`${program}: exit code ${code}`))));
  });
}

function post(taskId, folder) {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const body = JSON.stringify({secret_key: env.API_SECRET_KEY, task_id: taskId, folder_name: folder, timestamp});
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'X-Timestamp': timestamp,
    'X-Signature': createHmac('sha256', env.API_SECRET_KEY).update(taskId + folder + timestamp).digest('hex'),
  };
  return new Promise((done, failed) => {
    http
      .request(webhook, {method: 'POST', agent, headers}, (answer) => {
        answer.resume();
        answer.on('end', () => (answer.statusCode < 300 ? done() : failed(new Error(`webhook: ${answer.statusCode}`))));
      })
      .on('error', failed)
      .end(body);
  });
}

async function deliver(job) {
  const {taskId, courseUrl} = job.data;
  const [rows] = await database.execute('SELECT status, course_url FROM download_tasks WHERE id = ?', [taskId]);
  if (rows[0].status !== 'enrolled' || rows[0].course_url !== courseUrl) throw new UnrecoverableError(rows[0].status);
  const sandbox = `${staging}/Task_${taskId}`;
  await fs.mkdir(sandbox);
  await run('/bin/cp', ['-r', '-S', courseUrl, fixture, `${sandbox}/course`]);
  const [folder] = await fs.readdir(sandbox);
  await run('/bin/true', ['move', '--', `${sandbox}/${folder}`, `drive:deliveries/${folder}`]);
  await database.execute("UPDATE download_tasks SET status = 'completed', updated_at = NOW() WHERE id = ?", [taskId]);
  await post(taskId, folder);
  await fs.rm(sandbox, {recursive: true});
  return {taskId, status: 'completed', folder};
}

const worker = new Worker(queueName, deliver, {
  connection,
  prefix,
  concurrency: slots,
  // As Waybill has it.
  removeOnComplete: {age: 24 * 3600},
  removeOnFail: {age: 7 * 24 * 3600},
});
worker.on('error', (e) => console.error(e));
worker.on('failed', (job, e) => console.error(job?.id, e));
worker.waitUntilReady().then(() => console.log('ready'));
